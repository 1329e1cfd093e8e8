"""What the gateway is told by its environment."""

from __future__ import annotations

from pydantic import Field, SecretStr

from mtf.settings import Settings


class GatewaySettings(Settings):
    """Settings of the gateway, each an environment variable `MTF_<NAME>` or a file that `MTF_<NAME>_FILE` names."""

    database_url: SecretStr = Field(
        default=SecretStr("sqlite:////data/mtf.db"), description="`postgresql://user:password@host/name` or `sqlite:////path/mtf.db`."
    )
    redis_url: SecretStr | None = Field(default=None, description="`redis://...`; unset: an in-process cache serves.")
    acquisition_url: str = Field(default="http://127.0.0.1:8001", description="Address of the acquisition worker.")
    processing_url: str = Field(default="http://127.0.0.1:8002", description="Address of the processing worker.")
    inference_url: str = Field(default="http://127.0.0.1:8003", description="Address of the inference worker.")
    inference_remote_url: str | None = Field(
        default=None, description="Address of the inference worker that may call out; the inference worker itself when unset."
    )
    evaluation_url: str = Field(default="http://127.0.0.1:8004", description="Address of the evaluation worker.")
    runner: bool = Field(default=True, description="Whether this process drives runs; off for a replica that only answers.")
    runner_slots: int = Field(default=4, ge=1, description="Runs that this process drives at once.")
    lease_seconds: float = Field(default=15.0, gt=0, description="How long a run stays with an owner that says nothing.")
    poll_seconds: float = Field(default=1.0, gt=0, description="How often the queue and a followed run are looked at without being woken.")
    reconnect_seconds: float = Field(
        default=60.0, gt=0, description="How long an unreachable worker is called again before its job counts as failed."
    )
    silence_seconds: float = Field(default=20.0, gt=0, description="Silence on an event stream after which it is opened again.")
    attempt_limit: int = Field(default=3, ge=1, description="Attempts at one stage, when the platform is what failed.")
    takeover_limit: int = Field(
        default=10, ge=1, description="Owners that may die within one stage of a run before the run itself is blamed."
    )
    retry_seconds: float = Field(default=2.0, gt=0, description="Pause before the second attempt; doubles with each further one.")
    max_runtime: float = Field(default=6 * 3600.0, gt=0, description="Seconds that a run may take from its first claim to its end.")
    stage_timeout: float = Field(default=3600.0, gt=0, description="Seconds that one stage may compute when the run file says nothing.")
    job_memory: int = Field(default=4 * 1024**3, gt=0, description="Bytes of memory that are asked for each job.")
    job_cpus: float = Field(default=1.0, gt=0, description="Processors that are asked for each job.")
    upload_limit: int = Field(default=10 * 1024**3, gt=0, description="Bytes of the largest upload.")
    rate_limit: int = Field(default=0, ge=0, description="Requests a minute for each caller; 0: no limit.")
    api_tokens: SecretStr | None = Field(
        default=None, description="`name:token` pairs, one a line; unset: the gateway is open and every caller is `anonymous`."
    )
    spec_limit: int = Field(default=1024**2, gt=0, description="Bytes of the largest run file.")

    @property
    def database_dsn(self) -> str:
        """The database's URL with its password, for whoever opens it."""
        return self.database_url.get_secret_value()

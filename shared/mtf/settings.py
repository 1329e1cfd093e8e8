"""Settings from the environment (`MTF_*`), or from files that `MTF_*_FILE` names, so that a secret need not stand in an environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict


class FileSource(PydanticBaseSettingsSource):
    """Reads a setting from the file that `<PREFIX><NAME>_FILE` names."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - the base class names the arguments
        """The content of the file without its last line break, or None."""
        prefix = self.config.get("env_prefix", "")
        path = os.environ.get(f"{prefix}{field_name}_FILE".upper())
        return (Path(path).read_text().strip() if path else None), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Every setting that has a file."""
        found = {name: self.get_field_value(None, name)[0] for name in self.settings_cls.model_fields}
        return {name: value for name, value in found.items() if value is not None}


class Settings(BaseSettings):
    """What every room has in common. A service adds its own in `settings.py`."""

    model_config = SettingsConfigDict(env_prefix="MTF_", frozen=True, extra="ignore")

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="The least level that is logged.")
    log_format: Literal["auto", "json", "console"] = Field(default="auto", description="`auto`: columns on a terminal, JSON elsewhere.")
    data_url: str = Field(default="file:///data", description="Root of the area `data` (raw, processed, uploads).")
    artifacts_url: str = Field(default="file:///artifacts", description="Root of the area `artifacts`.")
    models_url: str = Field(default="file:///models", description="Root of the area `models`.")
    logs_url: str = Field(default="file:///logs", description="Root of the area `logs`.")
    token: SecretStr | None = Field(
        default=None, description="The token that services show to each other. Unset: calls are refused unless `insecure`."
    )
    insecure: bool = Field(default=False, description="Accept calls without a token. For one machine and tests.")
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int | None = Field(default=None, description="Port to listen on; the service's own by default.")

    @property
    def areas(self) -> dict[str, str]:
        """Area to root URL."""
        return {"data": self.data_url, "artifacts": self.artifacts_url, "models": self.models_url, "logs": self.logs_url}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the base class names the arguments
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the files it names."""
        return init_settings, env_settings, FileSource(settings_cls)


class WorkerSettings(Settings):
    """What the four workers have in common."""

    job_slots: int = Field(default=1, ge=1, description="Jobs that compute at once; one more gets 429.")
    job_timeout: float = Field(default=3600.0, gt=0, description="Seconds that a job may take when its run says nothing.")
    job_memory: int = Field(default=4 * 1024**3, gt=0, description="Bytes of resident memory that a job's processes may use together.")
    job_cpus: float = Field(default=1.0, gt=0, description="CPU quota of a job; its libraries start this many threads.")
    orphan_timeout: float = Field(default=60.0, gt=0, description="Seconds after which a job that nobody reads cancels itself.")
    heartbeat: float = Field(default=5.0, gt=0, description="Longest silence on an event stream, in seconds.")
    instance_url: str | None = Field(
        default=None, description="Address under which peers reach this very instance; made from the host name by default."
    )
    http_allow: str = Field(
        default="",
        description="Comma-separated host patterns that sources and endpoints may call; `loopback`, `private` and `public` allow those ranges. Empty: none.",
    )

    import_dir: Path | None = Field(
        default=None, description="Folder under which `file` sources that arrive by REST resolve; unset: refused."
    )
    credentials_dir: Path | None = Field(default=None, description="Folder with a file for each credential.")

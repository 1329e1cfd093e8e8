"""The stage protocol on the wire: what the gateway sends to a worker and what streams back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from mtf.contracts.base import SCHEMA_VERSION, Contract, Sha256
from mtf.contracts.problem import Problem
from mtf.contracts.reference import Reference, StageName


class Limits(Contract):
    """What one job may use."""

    timeout: float = Field(default=3600.0, gt=0, description="Seconds of wall time; the parent kills at this deadline.")
    memory: int = Field(default=4 * 1024**3, gt=0, description="Bytes of resident memory of the child and all it forks.")
    cpus: float = Field(default=1.0, gt=0, description="CPU quota; the child's thread pools get this many threads, at least 1.")


class JobRequest(Contract):
    """`POST /v1/jobs`: start a job, or attach to it and replay its events behind `after_seq`."""

    schema_version: str = SCHEMA_VERSION
    job_id: str = Field(pattern=r"^[A-Za-z0-9._:-]{1,200}$")
    epoch: int = Field(ge=1, description="Fencing token of the run's owner; a lower one than the job's is refused with 409.")
    stage: StageName
    fingerprint: Sha256
    spec: dict[str, Any]
    inputs: dict[str, Reference] = Field(default_factory=dict)
    limits: Limits = Limits()
    cacheable: bool = Field(default=True, description="False for sources without a freshness: a published fingerprint is not reused.")
    after_seq: int = Field(default=0, ge=0)
    run_id: str | None = Field(default=None, description="For logs only.")
    request_id: str | None = Field(default=None, description="For logs only.")


class JobResult(Contract):
    """What a published stage hands on."""

    outputs: dict[str, Reference]
    facts: dict[str, Any] = Field(default_factory=dict)
    warnings: list[str] = Field(default_factory=list)
    versions: dict[str, str] = Field(default_factory=dict)
    manifest: Reference
    cached: bool = Field(description="True when the fingerprint was published before this job, so that nothing ran.")
    seconds: float = Field(ge=0, description="Wall time of the attempt that was published.")


class Event(Contract):
    """The head of each NDJSON line. `seq` starts at 1 and rises by 1; a heartbeat repeats the newest one."""

    seq: int = Field(ge=0)
    at: float = Field(description="Seconds since 1970 in UTC, on the worker's clock.")


class Started(Event):
    """First event: which worker instance holds the job, so that a reader can come back to it."""

    type: Literal["started"] = "started"
    schema_version: str = Field(default=SCHEMA_VERSION, description="Of this event and of all that follow it.")
    instance: str
    job_id: str


class Progress(Event):
    """How far the job is. `total` is null while it is unknown."""

    type: Literal["progress"] = "progress"
    done: float
    total: float | None = None
    unit: str
    message: str = ""


class Log(Event):
    """One line that the stage said."""

    type: Literal["log"] = "log"
    level: Literal["debug", "info", "warning", "error"] = "info"
    message: str


class Heartbeat(Event):
    """Nothing happened for a while, and the job is alive."""

    type: Literal["heartbeat"] = "heartbeat"


class Result(Event):
    """Last event of a job that succeeded."""

    type: Literal["result"] = "result"
    result: JobResult


class Failed(Event):
    """Last event of a job that did not succeed."""

    type: Literal["problem"] = "problem"
    problem: Problem


AnyEvent = Annotated[Started | Progress | Log | Heartbeat | Result | Failed, Field(discriminator="type")]
EVENT: TypeAdapter[Started | Progress | Log | Heartbeat | Result | Failed] = TypeAdapter(AnyEvent)
"""Parses one NDJSON line: `EVENT.validate_json(line)`."""


class ValidateRequest(Contract):
    """`POST /v1/validate`: one section of a run file, as the user wrote it."""

    schema_version: str = SCHEMA_VERSION
    section: dict[str, Any]


class Validated(Contract):
    """The section with every default written out."""

    spec: dict[str, Any]
    versions: dict[str, str] = Field(default_factory=dict, description="Versions of the plug-ins the section names.")
    warnings: list[str] = Field(default_factory=list)


class FingerprintRequest(Contract):
    """`POST /v1/fingerprint`: what a job would be keyed by."""

    schema_version: str = SCHEMA_VERSION
    spec: dict[str, Any]
    inputs: dict[str, Reference] = Field(default_factory=dict)
    run_id: str = Field(description="Keys a job whose source tells no freshness.")


class FingerprintReply(Contract):
    """The key of the job, and whether an earlier result under it may be used."""

    fingerprint: Sha256
    cacheable: bool
    published: bool = Field(description="Whether a manifest exists already.")

"""What the gateway answers with: runs, datasets, models and pages of them."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from pydantic import Field

from mtf.contracts.base import SCHEMA_VERSION, Contract, Sha256
from mtf.contracts.problem import Problem
from mtf.contracts.reference import Reference, StageName
from mtf.contracts.report import Comparison, Verdict

RunStatus = Literal["queued", "running", "succeeded", "failed", "cancelled", "interrupted"]
FINAL: tuple[RunStatus, ...] = ("succeeded", "failed", "cancelled")
"""States that nothing leaves any more."""

T = TypeVar("T")


class StageView(Contract):
    """How one stage of a run went."""

    stage: StageName
    status: Literal["waiting", "running", "succeeded", "failed", "cancelled"]
    fingerprint: Sha256 | None = None
    cached: bool | None = None
    started_at: str | None = None
    finished_at: str | None = None
    seconds: float | None = None
    progress: dict[str, Any] | None = Field(default=None, description="done, total, unit, message of the newest progress event.")
    outputs: dict[str, Reference] = Field(default_factory=dict)
    facts: dict[str, Any] = Field(default_factory=dict)


class RunView(Contract):
    """One run. Timestamps are RFC 3339 in UTC."""

    schema_version: str = SCHEMA_VERSION
    id: str
    name: str
    status: RunStatus
    verdict: Verdict | None = None
    created_by: str
    created_at: str
    started_at: str | None = None
    finished_at: str | None = None
    attempts: int = 0
    cancel_requested: bool = False
    spec: dict[str, Any]
    dataset: str
    model: str
    tags: dict[str, str] = Field(default_factory=dict)
    stages: list[StageView] = Field(default_factory=list)
    metrics: dict[str, Any] = Field(default_factory=dict)
    gates: list[dict[str, Any]] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    problem: Problem | None = None
    version: int = Field(default=0, description="Rises with every change of the row; part of cache keys and the ETag.")


class RunEvent(Contract):
    """One entry of a run's history; `seq` is the cursor of `/events`."""

    seq: int
    at: str
    kind: Literal["status", "stage", "progress", "log", "problem"]
    stage: StageName | None = None
    data: dict[str, Any] = Field(default_factory=dict)


class Page(Contract, Generic[T]):
    """One page of a list. Ask again with `cursor` for the next one; null means that this was the last."""

    items: list[T]
    cursor: str | None = None


class DatasetVersionView(Contract):
    """One immutable version of a dataset."""

    name: str
    version: int
    digest: str
    rows: int
    created_by: str
    created_at: str
    roles: dict[str, Any] = Field(default_factory=dict)
    data: Reference
    facts: dict[str, Any] = Field(default_factory=dict)


class ModelVersionView(Contract):
    """One immutable version of a model."""

    name: str
    version: int
    format: str
    created_by: str
    created_at: str
    aliases: list[str] = Field(default_factory=list)
    source: dict[str, Any] = Field(default_factory=dict, description="Where it came from; an endpoint's address without credentials.")
    artifact: Reference | None = Field(default=None, description="The file; null for an endpoint.")


class Upload(Contract):
    """A file that the gateway holds by digest."""

    digest: Sha256
    size: int
    name: str | None = None
    kind: str = Field(description="What the header says it is: csv, parquet, onnx, skops, pickle, ...")


class ComparisonView(Contract):
    """Two runs, metric by metric, on the same rows."""

    schema_version: str = SCHEMA_VERSION
    run: str
    baseline: str
    paired: bool = True
    rows: int
    comparisons: list[Comparison]


class PluginView(Contract):
    """One plug-in that a service found."""

    kind: str
    name: str
    version: int
    service: str
    summary: str
    arguments: dict[str, Any] = Field(default_factory=dict, description="JSON Schema of its arguments.")

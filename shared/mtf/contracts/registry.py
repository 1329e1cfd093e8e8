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
    revision: int = Field(default=1, description="The newest evaluation, which metrics, gates and verdict are of; the first is 1.")


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


class ComparedRun(Contract):
    """One of the runs that are compared."""

    label: str = Field(description="What the comparison calls it: its name, with a part of its id where two have the same.")
    id: str = ""
    name: str = ""
    dataset: str = ""
    model: str = ""
    rows: int = Field(default=0, description="Rows with a target and a prediction.")


class OverallTest(Contract):
    """Whether more than two runs can be told apart at all by one metric, before any two of them are."""

    metric: str
    method: str = Field(
        default="none", description="`cochran-q` for shares of the same rows, `wald` for everything else with influence values."
    )
    statistic: float | None = None
    df: float | None = None
    df_error: float | None = Field(default=None, description="Of the F distribution; null for chi squared.")
    p_value: float | None = None
    p_adjusted: float | None = Field(default=None, description="Corrected over the metrics, as the comparisons are.")
    undefined: str | None = None
    sentence: str = ""


class Standing(Contract):
    """Where one run stands by one metric."""

    run: str
    value: float | None = None
    rank: int = Field(ge=1, description="1 + the number of runs that are significantly better.")
    worst_rank: int = Field(ge=1, description="Number of runs less those that are significantly worse.")
    letters: str = Field(description="Runs that share a letter cannot be told apart; runs that share none differ.")


class Standings(Contract):
    """The runs by one metric, best value first."""

    metric: str
    greater_is_better: bool | None = None
    runs: list[Standing]


class ComparisonView(Contract):
    """Two runs or more, metric by metric."""

    schema_version: str = SCHEMA_VERSION
    run: str = Field(description="The first run.")
    baseline: str = Field(description="What the others are compared with; of two the second, empty where every two are compared.")
    paired: bool = Field(default=True, description="Whether row by row; false where the runs scored other rows.")
    rows: int = Field(description="Rows that all runs scored; unpaired, those of the smallest run.")
    comparisons: list[Comparison]
    runs: list[ComparedRun] = Field(default_factory=list)
    family: str = Field(default="", description="Which tests were corrected together, and how.")
    overall: list[OverallTest] = Field(default_factory=list, description="For more than two runs.")
    standings: list[Standings] = Field(default_factory=list, description="Ranks with ties, where every two runs are compared.")
    differs: list[str] = Field(default_factory=list, description="Unpaired: in what the rows of the runs differ.")
    warnings: list[str] = Field(default_factory=list)


class PluginView(Contract):
    """One plug-in that a service found."""

    kind: str
    name: str
    version: int
    service: str
    summary: str
    arguments: dict[str, Any] = Field(default_factory=dict, description="JSON Schema of its arguments.")
    greater_is_better: bool | None = Field(default=None, description="A metric's better direction; null where it has none.")
    bounds: tuple[float | None, float | None] | None = Field(
        default=None, description="What a metric lies between; null on a side without a limit."
    )
    tasks: list[str] = Field(default_factory=list, description="Tasks that a metric serves.")
    paired: bool | None = Field(default=None, description="Whether two models can be compared by a metric with an interval.")

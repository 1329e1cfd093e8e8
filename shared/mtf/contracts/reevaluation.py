"""Measuring finished runs again from their stored predictions: what is asked, and what came of it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from mtf.contracts.base import SCHEMA_VERSION, Contract, UserSpec
from mtf.contracts.problem import Problem
from mtf.contracts.report import Verdict

ReevaluationStatus = Literal["queued", "running", "succeeded", "cancelled", "interrupted"]
ItemStatus = Literal["waiting", "done", "skipped", "failed"]


class ReevaluationSpec(UserSpec):
    """Which runs to measure again, and how. Without a selection every succeeded run; without metrics and gates each run's own."""

    runs: list[str] = Field(default_factory=list, max_length=10_000, description="Ids of runs.")
    name: str | None = Field(default=None, max_length=100, description="Runs of this name.")
    model: str | None = Field(default=None, max_length=500, description="Runs of this model: `forest` for every version, or `forest@3`.")
    dataset: str | None = Field(default=None, max_length=500, description="Runs on this dataset: `adult` for every version, or `adult@3`.")
    tags: list[str] = Field(default_factory=list, max_length=100, description="`key=value`, or `key` for any value; all must hold.")
    outdated: bool = Field(default=False, description="Only runs with a metric whose version changed since it was measured.")
    metrics: list[str] = Field(default_factory=list, max_length=500, description="Metrics to add, `f_beta(beta=2)`.")
    gates: list[str] = Field(default_factory=list, max_length=500, description="Gates to add, `f_beta(beta=2) >= 0.8`.")
    replace: bool = Field(default=False, description="The metrics and gates given take the place of the run's own.")
    dry_run: bool = Field(default=False, description="Compute, tell what would change, and store no revision.")

    @field_validator("tags")
    @classmethod
    def _named(cls, value: list[str]) -> list[str]:
        if any('"' in tag.partition("=")[0] or not tag.partition("=")[0] for tag in value):
            raise ValueError("write `key=value`, or `key` for any value")
        return value


class GateChange(Contract):
    """A gate whose verdict is another one now."""

    gate: str
    before: Verdict | None = Field(default=None, description="Null for a gate that the run did not have.")
    after: Verdict | None = Field(default=None, description="Null for a gate that the run has no more.")
    value_before: float | None = None
    value_after: float | None = None


class MetricChange(Contract):
    """A metric with another value or interval now."""

    metric: str
    before: float | None = None
    after: float | None = None
    version_before: str | None = None
    version_after: str | None = None
    new: bool = Field(default=False, description="The run did not have it.")


class ReevaluationItem(Contract):
    """One run of a re-evaluation."""

    run: str
    name: str
    model: str
    dataset: str
    status: ItemStatus
    reason: str | None = Field(default=None, description="Why it was skipped or failed.")
    problem: Problem | None = None
    revision: int | None = Field(default=None, description="The revision that holds the result; null for a dry run.")
    unchanged: bool = Field(default=False, description="The newest revision says exactly the same; nothing was stored.")
    cached: bool | None = None
    verdict_before: Verdict | None = None
    verdict_after: Verdict | None = None
    gates: list[GateChange] = Field(default_factory=list)
    metrics: list[MetricChange] = Field(default_factory=list)


class ReevaluationView(Contract):
    """A re-evaluation and how far it is."""

    schema_version: str = SCHEMA_VERSION
    id: str
    status: ReevaluationStatus
    created_by: str
    created_at: str
    finished_at: str | None = None
    spec: dict[str, Any]
    total: int
    counts: dict[str, int] = Field(description="Runs by state: waiting, done, skipped, failed.")
    verdicts_changed: int = Field(default=0, description="Runs whose verdict is another one now.")
    gates_changed: int = Field(default=0, description="Gates whose verdict is another one now, over all runs.")
    problem: Problem | None = None
    version: int = 0


class RevisionView(Contract):
    """One evaluation of a run. The first came with the run; every later one stands beside it."""

    run: str
    revision: int
    created_at: str
    created_by: str
    reevaluation: str | None = Field(default=None, description="The re-evaluation that made it; null for the first.")
    verdict: Verdict | None = None
    metrics: dict[str, Any] = Field(default_factory=dict)
    gates: list[dict[str, Any]] = Field(default_factory=list)
    versions: dict[str, str] = Field(default_factory=dict, description="Versions of the metrics, as `metric:accuracy`, and of libraries.")
    newest: bool = False

"""The result document: every number with its uncertainty. HTML, JUnit and tables are views of it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from mtf.contracts.base import SCHEMA_VERSION, Contract
from mtf.contracts.looks import Looks
from mtf.contracts.stages import Task

Verdict = Literal["pass", "fail", "inconclusive"]


class MetricValue(Contract):
    """A number with its uncertainty. Undefined is null with a reason, never 0."""

    value: float | None
    lower: float | None = None
    upper: float | None = None
    level: float | None = None
    method: str = Field(default="none", description="How the interval was made, for example `wilson`; `none` where there is none.")
    n: int = Field(ge=0, description="Rows that entered.")
    n_effective: float | None = Field(default=None, description="Rows after weights and groups are taken into account.")
    reliable: bool = True
    reason: str | None = Field(default=None, description="Why the interval is not reliable.")
    undefined: str | None = Field(default=None, description="Why there is no value.")
    bound: float | None = Field(
        default=None,
        description="How far the value can be from the exact one, where scores were binned because there are too many rows to hold.",
    )
    n_classes: int | None = Field(default=None, description="Classes whose value is defined and entered a mean over classes.")
    null_band: tuple[float, float] | None = Field(
        default=None, description="Where the value would lie if nothing were wrong, for a metric that is above 0 even then (ece)."
    )


class RunHead(Contract):
    """Which run a report is of."""

    id: str
    name: str
    dataset: str
    model: str
    created_at: str | None = None
    revision: int | None = Field(default=None, description="Which evaluation of the run this is; the first is 1.")
    looks: Looks | None = Field(default=None, description="How often these test rows were looked at when the report was handed out.")


class Rows(Contract):
    """How many rows there were and how many were scored."""

    total: int
    scored: int


class RestComparison(Contract):
    """A metric of a slice against the same metric of the rows outside the slice, slice minus rest. The two share no row."""

    value: float | None = None
    rest: float | None = Field(default=None, description="The metric of the rows outside the slice.")
    difference: float | None = None
    lower: float | None = None
    upper: float | None = None
    level: float | None = None
    p_value: float | None = Field(default=None, description="Of no difference.")
    p_adjusted: float | None = Field(
        default=None, description="After Benjamini and Hochberg's correction over all slices of the report for this metric."
    )
    tests: int = Field(default=0, description="Slices that were corrected together.")
    interval_method: str = "none"
    test_method: str = "none"
    n_rest: int = 0
    reliable: bool = True
    reason: str | None = None
    undefined: str | None = None
    sentence: str = ""


class SliceReport(Contract):
    """The metrics of a part of the rows."""

    name: str
    where: dict[str, Any]
    rows: int
    found: bool = Field(default=False, description="True for a slice that a search found, false for one that was declared.")
    metrics: dict[str, MetricValue] = Field(default_factory=dict)
    versus_rest: dict[str, RestComparison] = Field(
        default_factory=dict, description="The metrics that have influence values, against the rest of the rows."
    )
    edges: dict[str, tuple[Any, Any]] = Field(
        default_factory=dict, description="Lower and upper edge by column, for bins and quantiles; null where there is none."
    )
    condition: str | None = Field(default=None, description="The condition that the slice was declared by.")


class Comparison(Contract):
    """The paired difference of one metric, this run minus the baseline."""

    baseline: str
    metric: str
    value: float | None = None
    baseline_value: float | None = None
    difference: float | None
    lower: float | None = None
    upper: float | None = None
    level: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    family: Literal["gates", "confirmatory", "exploratory"] = "exploratory"
    interval_method: str = "none"
    test_method: str = "none"
    n: int = 0
    reliable: bool = True
    reason: str | None = None
    undefined: str | None = None
    where: dict[str, Any] = Field(default_factory=dict)
    sentence: str = ""
    run: str = Field(default="", description="The run that the baseline is taken from; empty for the run of the report.")
    paired: bool = Field(default=True, description="False where the two were measured on other rows.")
    n_baseline: int | None = Field(default=None, description="Rows of the baseline, where they are other rows.")
    discordant: int | None = Field(default=None, description="Rows that one model got right and the other wrong.")
    mid_p: float | None = Field(default=None, description="McNemar's mid-p value, beside the score test.")
    correction: Literal["none", "holm", "benjamini-hochberg"] = Field(default="none", description="How `p_adjusted` was made.")
    tests: int = Field(default=0, description="Tests that were corrected together.")
    minimum_detectable: float | None = Field(
        default=None, description="The smallest true difference that 80 % of test sets of this size would show at alpha = 1 - level."
    )
    rows_needed: int | None = Field(
        default=None,
        description="Rows from which the interval would exclude 0 if the difference stayed as it is; null where it does or never would.",
    )
    rows_for_power: int | None = Field(
        default=None, description="Rows of which 80 % of test sets would show a difference as large as this one."
    )


class Check(Contract):
    """A test of data or method."""

    name: str
    verdict: Verdict
    detail: str
    evidence: dict[str, Any] = Field(default_factory=dict)


class Gate(Contract):
    """A user's condition and what became of it."""

    expression: str
    verdict: Verdict
    observed: dict[str, Any] = Field(default_factory=dict, description="The metric value or comparison that was judged.")
    reason: str
    metric: str = Field(default="", description="The metric that was judged.")
    where: dict[str, Any] = Field(default_factory=dict, description="The slice that was judged; of several, the worst. Empty: all rows.")
    rows_needed: int | None = Field(
        default=None, description="About how many rows would settle an inconclusive gate, if the value stays where it is."
    )


class Report(Contract):
    """The result of one run."""

    schema_version: str = SCHEMA_VERSION
    run: RunHead
    task: Task
    labels: list[Any] | None = None
    rows: Rows
    metrics: dict[str, MetricValue]
    slices: list[SliceReport] = Field(default_factory=list)
    comparisons: list[Comparison] = Field(default_factory=list)
    checks: list[Check] = Field(default_factory=list)
    gates: list[Gate] = Field(default_factory=list)
    verdict: Verdict | None = None
    warnings: list[str] = Field(default_factory=list)
    notes: dict[str, Any] = Field(
        default_factory=dict, description="Sandbox level, library versions, steps: what a reader needs to trust the numbers."
    )
    plots: dict[str, Any] = Field(default_factory=dict, description="Data of the plots, thinned to what a plot can show.")

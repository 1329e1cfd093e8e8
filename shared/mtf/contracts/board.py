"""Many runs beside each other: the leaderboard of a dataset, and the history of a model."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from mtf.contracts.base import SCHEMA_VERSION, Contract
from mtf.contracts.looks import Looks
from mtf.contracts.report import Comparison, MetricValue, Verdict


class BoardRow(Contract):
    """One model on a leaderboard, by its newest succeeded run."""

    rank: int = Field(ge=1, description="1 + the models that are significantly better; tied models share it.")
    worst_rank: int | None = Field(
        default=None,
        description="Models - those that are significantly worse: `rank` to `worst_rank` is the interval. Null without a test.",
    )
    letters: str = Field(default="", description="Models that share a letter cannot be told apart.")
    run: str
    name: str
    model: str
    verdict: Verdict | None = None
    created_by: str
    created_at: str
    metric: MetricValue
    outdated: bool = Field(default=False, description="Measured by an older version of the metric: `mtf reevaluate --outdated`.")


class RowSet(Contract):
    """Test rows of a dataset that runs were scored on."""

    rows_key: str
    models: int
    newest: str = Field(description="When the newest of their runs was made.")


class Leaderboard(Contract):
    """The models of one dataset on the same test rows, best first."""

    schema_version: str = SCHEMA_VERSION
    dataset: str
    metric: str
    greater_is_better: bool | None
    rows_key: str | None = None
    rows: int | None = Field(default=None, description="Rows that every model was compared on.")
    tested: bool = Field(default=False, description="Whether ranks stand on paired tests, corrected by Holm over all pairs.")
    level: float | None = Field(default=None, description="Probability with which all rank intervals hold together.")
    notes: list[str] = Field(default_factory=list, description="What a reader must know to read the ranks.")
    items: list[BoardRow]
    unmeasured: list[str] = Field(default_factory=list, description="Runs on these rows without a value of this metric.")
    others: list[RowSet] = Field(default_factory=list, description="Other test rows of the same dataset; ask with their `rows_key`.")
    looks: Looks | None = None


class HistoryPoint(Contract):
    """One run in a history, and how it differs from the one before."""

    run: str
    name: str
    model: str
    dataset: str
    created_at: str
    verdict: Verdict | None = None
    rows_key: str | None = None
    metric: MetricValue
    outdated: bool = Field(default=False, description="Measured by an older version of the metric than the present one.")
    change: Comparison | None = Field(default=None, description="This run minus the one before; null for the first.")
    paired: bool | None = Field(default=None, description="Whether both were scored on the same rows and compared row by row.")
    beyond_noise: bool | None = Field(
        default=None, description="Whether the change is more than chance (Holm over the changes shown); null where nothing can tell."
    )
    better: bool | None = Field(
        default=None, description="The direction of a change beyond noise; null without one or without a direction."
    )


class History(Contract):
    """Runs in the order of time."""

    schema_version: str = SCHEMA_VERSION
    metric: str
    greater_is_better: bool | None
    asked: dict[str, Any] = Field(default_factory=dict)
    items: list[HistoryPoint]
    notes: list[str] = Field(default_factory=list)
    cursor: str | None = Field(default=None, description="Ask again with it for older runs.")

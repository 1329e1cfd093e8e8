"""What each stage is asked for and what it answers with, after validation: every default is written out."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from mtf.contracts.base import Contract
from mtf.contracts.slices import SliceDemand, SlicePart

Task = Literal["binary", "multiclass", "regression"]


class Roles(Contract):
    """What the columns of a dataset mean."""

    target: str | None = None
    id: str | None = None
    weight: str | None = None
    group: str | None = None
    time: str | None = None
    features: list[str] | None = None
    drop: list[str] = Field(default_factory=list)


class PluginCall(Contract):
    """One plug-in by name, with validated arguments."""

    name: str
    args: dict[str, Any] = Field(default_factory=dict)


class AcquisitionSpec(Contract):
    """Read `source` into an immutable version. No inputs (type `upload` names its digest in the arguments).

    Outputs: `data` (Parquet). Facts: `DatasetFacts`.
    """

    source: PluginCall
    types: dict[str, str] = Field(default_factory=dict)
    expect: dict[str, Any] | None = None


class ColumnProfile(Contract):
    """What one column looks like. Floats are null where they are undefined (an empty or non-numeric column)."""

    name: str
    type: str = Field(description="int64, float64, utf8, bool, timestamp or decimal.")
    missing: int
    distinct: int | None = Field(default=None, description="Exact up to 10,000, null beyond.")
    minimum: Any = None
    maximum: Any = None
    mean: float | None = None
    std: float | None = None
    top: list[tuple[Any, int]] = Field(default_factory=list, description="The most frequent values with their counts, at most 20.")


class DatasetFacts(Contract):
    """`facts` of the acquisition stage."""

    digest: str = Field(description="Content digest of the version.")
    rows: int
    columns: list[ColumnProfile]
    provenance: dict[str, Any] = Field(
        default_factory=dict, description="Source without credentials, its freshness, and what was decided while reading."
    )


class ProcessingSpec(Contract):
    """Turn a version into rows to score. Inputs: `data`; optionally `train` (data that comes split) or `recipe` (a fitted recipe).

    Outputs: `test.features`, `test.context` (Parquet, aligned row by row), the same two for `train` where there is one, and `recipe` (JSON).
    A features file has `row_id` and the features under the names the recipe gives them. A context file has `row_id`, and where they exist
    `target`, `weight`, `group`, `time` and one `slice:<column>` for each column that slices or gates name, as they stood before the first fitted step.
    Facts: `ProcessingFacts`.
    """

    roles: Roles
    steps: list[PluginCall] = Field(default_factory=list)
    slices: list[str] = Field(default_factory=list, description="Columns to carry into the context.")
    slice_values: dict[str, list[str]] = Field(
        default_factory=dict, description="Values that gates name; one that the version lacks is an error."
    )
    slice_demands: list[SliceDemand] = Field(
        default_factory=list, description="What slices need of columns; one that has not got it is an error."
    )
    task: Task | None = None
    positive: Any = None
    seed: int = 0


class ProcessingFacts(Contract):
    """`facts` of the processing stage."""

    task: Task
    labels: list[Any] | None = Field(
        default=None, description="Every label of the whole version in sorted order; binary: [negative, positive]. Null for regression."
    )
    features: list[str]
    rows: dict[str, int] = Field(description="Rows of each row set, and `total` for the version.")
    steps: list[dict[str, Any]] = Field(default_factory=list, description="What each step did: name, rows before and after, columns.")


class InferenceSpec(Contract):
    """Score row sets with one load of a model. Inputs: `<set>.features`, `<set>.context`, and `model` or `predictions` (none for an endpoint).

    Output: `<set>.scored` (Parquet) for each row set: `row_id`, `target`, `weight`, `group`, `time`, `slice:<column>`, `prediction`, and `score_<i>` for
    the i-th label, `lower` and `upper` where the predictions of a regression come with intervals. For classification `target` and `prediction` are int32 codes into `labels` (null where missing), else float64.
    Facts: `InferenceFacts`.
    """

    loader: PluginCall
    row_sets: list[str] = Field(default_factory=lambda: ["test"])
    task: Task
    labels: list[Any] | None = Field(default=None, description="Labels of the truth, from processing.")
    model_labels: list[Any] | None = Field(default=None, description="Labels in the order of the scores, declared by the user.")
    threshold: float = 0.5
    missing: Literal["error", "exclude"] = "error"
    id_column: str | None = None


class InferenceFacts(Contract):
    """`facts` of the inference stage."""

    task: Task
    labels: list[Any] | None = None
    sandbox: Literal["strict", "partial", "process", "none"] = Field(description="Level reached; none where no model was loaded here.")
    loader: str
    model: dict[str, Any] = Field(default_factory=dict, description="Format, class, library versions, features used, ignored and so on.")
    rows: dict[str, int] = Field(default_factory=dict)
    missing_predictions: int = 0
    seconds: dict[str, float] = Field(default_factory=dict, description="load and predict, in seconds.")


class Term(Contract):
    """One parsed gate."""

    expression: str
    metric: str
    operator: Literal[">=", ">", "<=", "<", "not_worse"]
    bound: float
    point: bool = Field(default=False, description="Judge the value alone.")
    limit: Literal["lower", "upper"] | None = Field(default=None, description="Judge this limit of the interval alone.")
    where: dict[str, str] = Field(default_factory=dict, description="The slice, by its values.")
    worst: list[str] = Field(default_factory=list, description="Every slice of these columns must meet the term.")


class ComparedInput(Contract):
    """One of many runs to compare: the input `run.<position>`."""

    label: str = Field(description="What the comparison calls it.")
    labels: list[Any] | None = Field(default=None, description="Its label dictionary.")


class EvaluateSpec(Contract):
    """Evaluate predictions. Inputs: `scored`; optionally `baseline` (another `scored`).

    Outputs: `report` (JSON without the run's id), `html`, `markdown`, `csv` and `junit`. Facts: `verdict`, `metrics` (name to value object), `gates`, `rows`.
    `kind: comparison` writes `comparison` (JSON) only; with `compared` its inputs are `run.0`, `run.1` and so on.
    `kind: overlap` has the same inputs, writes `overlap` (JSON), and its facts say how many rows each run has and shares with the first.
    """

    kind: Literal["report", "comparison", "overlap"] = "report"
    task: Task
    labels: list[Any] | None = None
    metrics: list[str] | None = None
    slices: list[list[str | SlicePart]] = Field(
        default_factory=list, description="Each a cross of at least one part; a text is a column by its values."
    )
    slice_min_rows: int = Field(default=1, description="Slices of fewer rows are listed and not measured.")
    gates: list[Term] = Field(default_factory=list)
    level: float = 0.95
    seed: int = 0
    titles: dict[str, str] = Field(default_factory=dict, description="name, dataset, model and baseline as the report's head prints them.")
    baseline_labels: list[Any] | None = None
    compared: list[ComparedInput] = Field(default_factory=list)
    against: int | None = Field(default=None, description="Position of the run that all others are compared with; null compares every two.")
    paired: bool = True
    ids: bool = Field(default=True, description="Whether equal row ids name the same row in every compared run.")
    confirmatory: bool = Field(
        default=False, description="Whether the metrics were named as those that decide, so that Holm corrects them."
    )
    notes: dict[str, Any] = Field(
        default_factory=dict, description="Facts of earlier stages that the report shows: rows, sandbox, warnings, steps."
    )

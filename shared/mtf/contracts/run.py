"""The run file: what a person writes to ask for one test of one model on one dataset."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field, field_validator, model_validator

from mtf.contracts.base import SCHEMA_VERSION, Name, UserSpec
from mtf.contracts.slices import SliceSpec


class SourceSpec(UserSpec):
    """Where data, a model or predictions come from. `type` names a plug-in; the other keys are its arguments."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(min_length=1, max_length=100, description="The plug-in's name, for example `file`.")

    @property
    def args(self) -> dict[str, Any]:
        """The plug-in's arguments: every key but `type`."""
        return dict(self.__pydantic_extra__ or {})


class TrainSpec(UserSpec):
    """A second table to fit on, for data that comes already split."""

    source: SourceSpec = Field(description="Where the training rows come from.")


class DatasetSpec(UserSpec):
    """The rows to test on and what their columns mean."""

    source: SourceSpec | None = None
    version: str | None = Field(default=None, description="A registered version, `name@3`; instead of `source`.")
    target: str | None = Field(
        default=None, min_length=1, description="The column that holds the truth; a registered version may know its own."
    )
    id: str | None = Field(default=None, description="The column that names a row; else the row's position.")
    weight: str | None = Field(default=None, description="Sampling weights, at least 0.")
    group: str | None = Field(default=None, description="The unit of dependence (a patient, a customer); never a feature.")
    time: str | None = Field(default=None, description="The column that says when a row happened; never a feature.")
    positive: Any = Field(default=None, description="The label that counts as positive; 1 and True are found by themselves.")
    features: list[str] | None = Field(default=None, description="The columns a model may see; all but the named roles by default.")
    drop: list[str] = Field(default_factory=list, description="Columns that nothing may see.")
    types: dict[str, str] = Field(
        default_factory=dict, description="Declared column types: int64, float64, utf8, bool, timestamp, decimal."
    )
    train: TrainSpec | None = Field(default=None, description="A second table, `train: {source: ...}`, for data that comes already split.")

    @model_validator(mode="after")
    def _one_origin(self) -> DatasetSpec:
        if (self.source is None) == (self.version is None):
            raise ValueError("give exactly one of `source` and a registered version")
        if self.source is not None and self.target is None:
            raise ValueError("`target` is missing: name the column that holds the truth")
        return self


class RecipeSpec(UserSpec):
    """A fitted recipe to apply again, instead of steps."""

    recipe: str = Field(
        description="A file that `mtf recipe fit --recipe` wrote, the digest of an uploaded one, or the id of a run that fitted one."
    )


class ModelSpec(UserSpec):
    """The user's own model."""

    source: SourceSpec | None = None
    version: str | None = Field(
        default=None, description="A registered version or alias, `forest@3` or `forest@champion`; instead of `source`."
    )
    labels: list[Any] | None = Field(default=None, description="The labels in the order of the scores, for a format that carries none.")
    threshold: float = Field(
        default=0.5, ge=0, le=1, description="Score from which a row is positive, for a model without labels of its own."
    )
    missing: str = Field(default="error", pattern="^(error|exclude)$", description="What to do with predictions that are NaN.")

    @model_validator(mode="after")
    def _one_origin(self) -> ModelSpec:
        if (self.source is None) == (self.version is None):
            raise ValueError("give exactly one of `source` and a registered version")
        return self


class EvaluationSpec(UserSpec):
    """What to measure and what must hold."""

    task: str | None = Field(
        default=None,
        pattern="^(binary|multiclass|regression)$",
        description="binary, multiclass or regression; told from the target when absent.",
    )
    metrics: list[str] | None = Field(default=None, description="Names of metrics; a default set for the task when absent.")
    slices: list[str | SliceSpec | list[str | SliceSpec]] = Field(
        default_factory=list,
        description="Columns by their values, `{column: age, bins: [18, 30]}`, `{column: age, quantiles: 4}`, `{column: country, values: [DE]}`, "
        '`{where: "age >= 65", name: seniors}`, or lists of these for their crosses.',
    )
    slice_min_rows: int = Field(
        default=10, ge=1, description="Slices of fewer scored rows are listed with their rows and not measured: no interval holds there."
    )
    baseline: str | dict[str, Any] | None = Field(
        default=None, description="A run's name or id, {report: PATH} or {source: {type: predictions, ...}}."
    )
    gates: list[str] = Field(default_factory=list, description="Conditions that must hold, for example `accuracy >= 0.9 in sex=Female`.")
    level: float = Field(default=0.95, gt=0.5, lt=1, description="Confidence level of every interval.")


class ExpectSpec(UserSpec):
    """What the dataset must look like before anything is measured."""

    rows: int | None = Field(default=None, ge=0, description="Exactly this many rows.")
    min_rows: int | None = Field(default=None, ge=0, description="At least this many rows.")
    columns: list[str] | None = Field(default=None, description="Exactly these columns, in any order.")
    digest: str | None = Field(default=None, description="Content digest of the version.")


class RunSpec(UserSpec):
    """One test of one model version on one dataset version."""

    schema_version: str = Field(default=SCHEMA_VERSION, description="Version of this format.")
    name: Name = Field(description="What the run is called; a label, not unique. Baselines and leaderboards go by it.")
    dataset: DatasetSpec = Field(description="The rows to test on, or a registered version such as `penguins@3`.")
    processing: list[dict[str, Any]] | RecipeSpec = Field(default_factory=list, description="Steps in order, or a fitted recipe.")
    model: ModelSpec = Field(description="The model to test, or a registered version or alias such as `forest@champion`.")
    evaluation: EvaluationSpec = Field(default=EvaluationSpec(), description="What to measure and what must hold.")
    expect: ExpectSpec | None = Field(default=None, description="What the dataset must look like before anything is measured.")
    timeout: float | None = Field(default=None, gt=0, description="Seconds for each stage.")
    seed: int = Field(default=0, ge=0, le=2**32 - 1, description="Of everything random: splits, and draws behind intervals.")
    tags: dict[str, str] = Field(default_factory=dict, description="Labels of your own, to find runs by.")
    engine: str = Field(default="local", description="Where partitions are computed; `local` is built in.")

    @field_validator("dataset", "model", mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        """`model: forest@champion` is short for `model: {version: forest@champion}`."""
        return {"version": value} if isinstance(value, str) else value

    @field_validator("processing")
    @classmethod
    def _one_step_each(cls, value: list[dict[str, Any]] | RecipeSpec) -> list[dict[str, Any]] | RecipeSpec:
        if isinstance(value, list):
            for index, step in enumerate(value):
                if len(step) != 1:
                    raise ValueError(f"step {index + 1} must have exactly one key, the step's name; found {sorted(step)}")
        return value

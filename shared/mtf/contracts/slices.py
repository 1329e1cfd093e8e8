"""Slices as people write them, and as the stages pass them on."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from mtf.contracts.base import Contract, UserSpec

MOST_QUANTILES = 100
MOST_EDGES = 1000
_WAYS = ("bins", "quantiles", "values")


class SliceSpec(UserSpec):
    """One way to part the rows: a column by its values, by bins or by quantiles, some of its values, or a condition."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": ["where"]}, {"required": ["column"]}],
            "examples": [
                {"column": "age", "bins": [18, 30, 50]},
                {"column": "age", "quantiles": 4},
                {"column": "country", "values": ["DE", "FR"]},
                {"where": "age >= 65 and sex = 'Female'", "name": "seniors"},
            ],
        }
    )

    column: str | None = Field(default=None, min_length=1, description="The column to part by.")
    bins: list[int | float | datetime | date] | None = Field(
        default=None, max_length=MOST_EDGES, description="Rising edges; a bin holds its lower edge. Rows below and above are bins too."
    )
    quantiles: int | None = Field(
        default=None, ge=2, le=MOST_QUANTILES, description="How many parts of about equal size, by the quantiles of the scored rows."
    )
    values: list[Any] | None = Field(default=None, min_length=1, max_length=MOST_EDGES, description="Only these values of the column.")
    where: str | None = Field(
        default=None, min_length=1, max_length=2000, description="A condition on columns, for example `age >= 65 and sex = 'Female'`."
    )
    name: str | None = Field(default=None, min_length=1, max_length=100, description="What the rows of `where` are called.")

    @model_validator(mode="after")
    def _one_way(self) -> SliceSpec:
        if (self.column is None) == (self.where is None):
            raise ValueError("name a `column` or write a condition with `where`, one of the two")
        ways = [way for way in _WAYS if getattr(self, way) is not None]
        if self.where is not None and ways:
            raise ValueError(f"`where` is a slice of its own; `{ways[0]}` belongs to a `column`")
        if len(ways) > 1:
            raise ValueError(f"a column is parted one way; found {' and '.join(f'`{way}`' for way in ways)}")
        if self.name is not None and self.where is None:
            raise ValueError("`name` belongs to `where`; slices of a column are named by it and its values")
        return self


class SlicePart(Contract):
    """One way to part the rows, checked and written out. A plain column by its values is passed on as its name alone."""

    name: str = Field(description="What the slices' `where` calls it: the column, or the name of the condition.")
    kind: Literal["bins", "quantiles", "values", "condition"]
    columns: list[str] = Field(description="Columns of the data that it needs.")
    edges: list[Any] = Field(default_factory=list, description="Of bins: rising numbers, or times as ISO text.")
    quantiles: int = 0
    values: list[str] = Field(default_factory=list, description="The selected values, as a gate writes them.")
    condition: str = ""


class SliceDemand(Contract):
    """What a slice needs of a column, looked at as soon as the data are there."""

    column: str
    kinds: list[str] = Field(default_factory=list, description="Kinds of column that will do; any when empty.")
    values: list[str] = Field(default_factory=list, description="Values that must occur.")
    field: str = Field(description="Where the run file asks for it.")
    why: str = Field(default="", description="What is done with the column: `18 is compared with it`.")
    fix: str = ""


class SliceNeeds(Contract):
    """What processing must carry and look at for the slices and gates of an evaluation."""

    columns: list[str] = Field(default_factory=list, description="Columns to carry, in the order of slices and gates.")
    values: dict[str, list[str]] = Field(default_factory=dict, description="Values that gates name, by column.")
    demands: list[SliceDemand] = Field(default_factory=list)

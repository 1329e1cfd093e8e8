"""How often a test set was looked at: a number that says how far its best result can be trusted."""

from __future__ import annotations

from pydantic import Field

from mtf.contracts.base import Contract


class Looks(Contract):
    """The models that were scored on one set of test rows."""

    rows_key: str = Field(description="Names the rows: the version's content, what splits or drops rows, target and id.")
    rows: int | None = Field(default=None, description="Test rows that were scored.")
    runs: int = Field(ge=0, description="Runs that showed a result on these rows; deleted ones count, for they were looked at.")
    models: int = Field(ge=0, description="Different models among them: other bytes, another endpoint or another threshold.")
    since: str | None = Field(default=None, description="When the first of them was made.")
    optimism: float | None = Field(
        default=None, description="Bound on how much the best of so many equal models looks better than it is: sqrt(ln(models) / (2 rows))."
    )
    warn_from: int | None = Field(default=None, description="Models from which on a warning is given: max(7, exp(2 rows 0.01^2)).")
    warning: bool = False
    sentence: str = ""

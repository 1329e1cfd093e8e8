"""Arguments of the built-in metrics. They are checked where gates are read, in processes that load no numerical library."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class NoArgs(BaseModel):
    """A metric without arguments: its name is its whole definition."""

    model_config = ConfigDict(frozen=True, extra="forbid")

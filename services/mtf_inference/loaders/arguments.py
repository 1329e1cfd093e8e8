"""Arguments of loaders that need none."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class NoArgs(BaseModel):
    """Nothing to choose: the file says it all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

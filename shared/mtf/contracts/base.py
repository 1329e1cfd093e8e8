"""The two base classes of everything that crosses a border: frozen, and strict only where a person writes it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints

SCHEMA_VERSION = "1.0"

JsonValue = Any
"""Anything that JSON can carry."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 digest in lower-case hexadecimal."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
"""A name that people give to datasets, models, runs and aliases: at most 100 characters, safe in a path and in a URL."""


class Contract(BaseModel):
    """A message between our own parts. Unknown keys are ignored, so that a newer peer can add one during a rolling upgrade."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="null")


class UserSpec(BaseModel):
    """Something a person wrote. Unknown keys are an error, because a misspelt key that is ignored changes the result silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")

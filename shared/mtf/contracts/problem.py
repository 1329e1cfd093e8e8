"""Problem documents (RFC 9457): what went wrong, in which field, what was found and what to do."""

from __future__ import annotations

from pydantic import Field

from mtf.contracts.base import SCHEMA_VERSION, Contract
from mtf.contracts.causes import EXIT_CODES, Cause

__all__ = ["EXIT_CODES", "Cause", "FieldProblem", "Problem"]


class FieldProblem(Contract):
    """One wrong field of several."""

    field: str
    found: str | None = None
    message: str
    fix: str | None = None


class Problem(Contract):
    """The one error shape of every route, every job and every command."""

    schema_version: str = SCHEMA_VERSION
    type: str = Field(default="about:blank", description="A URI reference that names the kind of problem.")
    title: str = Field(description="The kind of problem in a few words; the same for every occurrence.")
    status: int = Field(ge=400, le=599, description="The HTTP status.")
    detail: str = Field(description="What happened this time, for a person.")
    instance: str | None = None
    code: str = Field(description="A stable slug for programs, for example `spec-invalid`.")
    cause: Cause
    field: str | None = Field(default=None, description="The path of the wrong field, for example `dataset.source.path`.")
    found: str | None = Field(default=None, description="What stood there.")
    fix: str | None = Field(default=None, description="What to do.")
    errors: list[FieldProblem] = Field(default_factory=list, description="Every wrong field, where there are several.")
    stage: str | None = None
    retryable: bool = Field(default=False, description="Whether the same request may succeed later, unchanged.")

    @property
    def exit_code(self) -> int:
        """The exit code of a command that ends with this problem."""
        return EXIT_CODES[self.cause]

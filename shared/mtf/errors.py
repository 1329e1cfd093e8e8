"""Every error that a user can meet.

    MtfError
    ├── UsageError        a command line or a request that makes no sense          exit 2   400
    │   ├── NotFoundError     what was named does not exist                        exit 2   404
    │   ├── NotAcceptableError  no form that the caller accepts                    exit 2   406
    │   └── ConflictError     it exists already, or is in another state            exit 2   409
    ├── SpecError         a run file that is wrong                                 exit 2   422
    ├── DataError         data that contradicts the run file or itself             exit 2   422
    ├── ModelError        the user's model raised, or answered nonsense            exit 4   422
    ├── EndpointError     a model endpoint or a source is down or answers nonsense exit 4   502
    ├── LimitError        time, memory, size or number was exceeded                exit 4   413
    ├── PlatformError     our side failed                                          exit 4   500
    │   ├── UnavailableError  a part is down for now                               exit 4   503
    │   ├── BusyError         every slot is taken; come back                       exit 4   429
    │   ├── LostError         a process of ours was killed; trying again helps     exit 4   500
    │   ├── StageCrashError   a stage raised what it should not, or crashed        exit 4   500
    │   └── FencedError       somebody with a higher epoch owns this now           exit 4   409
    ├── AuthError         no token, or a wrong one                                 exit 2   401
    └── CancelledError    the user cancelled                                       exit 130 409

The class docstring is the problem's title; the message says what happened this time.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from mtf.contracts.causes import EXIT_CODES, Cause

if TYPE_CHECKING:
    from mtf.contracts.problem import FieldProblem, Problem

_CUT = re.compile(r"… \([0-9,]+ characters\)$")


class MtfError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    cause: ClassVar[Cause] = "platform"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        found: object = None,
        fix: str | None = None,
        errors: list[FieldProblem] | None = None,
        stage: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.found = None if found is None else _short(found)
        self.fix = fix
        self.errors = errors or []
        self.stage = stage
        for name, said in (("field", field), ("found", self.found), ("fix", fix)):
            if said is not None:
                # Whoever meets the error in a notebook or a test sees the trace alone; a note stands there below the message.
                self.add_note(f"  {name}: {said}")

    @property
    def exit_code(self) -> int:
        """The exit code of a command that ends with this error."""
        return EXIT_CODES[self.cause]

    def problem(self) -> Problem:
        """The document that crosses the wire."""
        from mtf.contracts.problem import Problem

        return Problem(
            title=(type(self).__doc__ or "Error").split("\n")[0].rstrip("."),
            status=self.status,
            detail=self.message,
            code=self.code,
            cause=self.cause,
            field=self.field,
            found=self.found,
            fix=self.fix,
            errors=self.errors,
            stage=self.stage,
            retryable=self.retryable,
        )


class UsageError(MtfError):
    """The request makes no sense as it stands."""

    code, status, cause = "usage", 400, "usage"


class NotFoundError(UsageError):
    """There is no such thing."""

    code, status = "not-found", 404


class NotAcceptableError(UsageError):
    """None of the accepted forms can be given."""

    code, status = "not-acceptable", 406


class ConflictError(UsageError):
    """It is in a state that does not allow this."""

    code, status = "conflict", 409


class SpecError(MtfError):
    """The run file is wrong."""

    code, status, cause = "spec-invalid", 422, "spec"


class DataError(MtfError):
    """The data contradicts the run file or itself."""

    code, status, cause = "data-invalid", 422, "data"


class ModelError(MtfError):
    """The model failed."""

    code, status, cause = "model-failed", 422, "model"


class EndpointError(MtfError):
    """An address outside did not answer as it should."""

    code, status, cause = "endpoint-failed", 502, "endpoint"


class LimitError(MtfError):
    """A limit was exceeded."""

    code, status, cause = "limit-exceeded", 413, "limit"


class PlatformError(MtfError):
    """The framework itself failed."""

    code = "platform-failed"


class UnavailableError(PlatformError):
    """A part of the framework is down."""

    code, status, retryable = "unavailable", 503, True


class BusyError(PlatformError):
    """Every slot is taken."""

    code, status, retryable = "busy", 429, True

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        super().__init__(message, fix=f"try again in {retry_after:g} s")
        self.retry_after = retry_after


class LostError(PlatformError):
    """A process of the framework was lost."""

    code, retryable = "process-lost", True


class StageCrashError(PlatformError):
    """A stage crashed."""

    code = "stage-crashed"


class FencedError(PlatformError):
    """Somebody else owns this now."""

    code, status = "fenced", 409


class AuthError(UsageError):
    """The token is missing or wrong."""

    code, status = "unauthorized", 401


class CancelledError(MtfError):
    """It was cancelled."""

    code, status, cause = "cancelled", 409, "cancelled"


class ProblemError(MtfError):
    """A problem that another part reported."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(
            problem.detail, field=problem.field, found=problem.found, fix=problem.fix, errors=problem.errors, stage=problem.stage
        )
        self._problem = problem

    @property
    def exit_code(self) -> int:
        """The exit code that the other part meant."""
        return self._problem.exit_code

    def problem(self) -> Problem:
        """The document as it was received."""
        return self._problem


def _short(found: object, limit: int = 200) -> str:
    """A value as a person may read it: one line, bounded, so that 5,000 characters of a name do not fill the screen."""
    text = found if isinstance(found, str) else repr(found)
    text = " ".join(text.split())
    if len(text) <= limit or (len(text) <= limit + 30 and _CUT.search(text)):
        return text  # what was cut once already keeps the length that it told
    return f"{text[:limit]}… ({len(text):,} characters)"

"""Fields of a problem as the caller wrote them: a worker names them as they stand in a run file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from mtf.contracts.problem import FieldProblem
from mtf.errors import MtfError, ProblemError


@contextlib.contextmanager
def outside_a_run(prefix: str) -> Iterator[None]:
    """Within the block, take `prefix` (`dataset.`) off the fields of an error: a request to a registry has no such section."""
    try:
        yield
    except MtfError as error:
        problem = error.problem()
        errors = [_without(prefix, one) for one in problem.errors]
        field = problem.field.removeprefix(prefix) if problem.field else problem.field
        raise ProblemError(problem.model_copy(update={"field": field, "errors": errors})) from None


def _without(prefix: str, problem: FieldProblem) -> FieldProblem:
    return problem.model_copy(update={"field": problem.field.removeprefix(prefix)})

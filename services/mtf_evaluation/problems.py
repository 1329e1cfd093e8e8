"""Every mistake of a section at once: a user mends all of them in one go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mtf.contracts.problem import FieldProblem
from mtf.errors import SpecError


class Problems:
    """Collects errors while checking goes on, and raises them as one."""

    def __init__(self) -> None:
        self._found: list[SpecError] = []

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Keep the error of this part for later."""
        try:
            yield
        except SpecError as error:
            self._found.append(error)

    def throw(self) -> None:
        """Raise SpecError where anything was found: the first one, with `errors` for all when there are several."""
        if not self._found:
            return
        first = self._found[0]
        if len(self._found) > 1:
            first.errors = [problem for error in self._found for problem in _listed(error)]
        raise first


def _listed(error: SpecError) -> list[FieldProblem]:
    return error.errors or [FieldProblem(field=str(error.field), found=error.found, message=error.message, fix=error.fix)]

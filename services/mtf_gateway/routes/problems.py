"""How the problem documents of the routes are described in OpenAPI."""

from __future__ import annotations

from typing import Any

from mtf.contracts.problem import Problem

DESCRIPTIONS: dict[int, str] = {
    400: "The request makes no sense as it stands",
    401: "The token is missing or wrong",
    404: "There is no such thing",
    406: "Nothing of what is accepted can be given",
    409: "It is in a state that does not allow this",
    413: "A limit was exceeded",
    422: "A field is wrong; `errors` lists every one",
    429: "Too many requests; `Retry-After` says when to come back",
    502: "An address outside did not answer as it should",
    503: "A part is down; `detail` names it",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI responses for these statuses, all of the one shape."""
    return {status: {"model": Problem, "description": DESCRIPTIONS[status]} for status in statuses}

"""The OpenAPI document: what FastAPI derives, completed with what it cannot know."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from mtf.contracts.run import RunSpec

PROBLEM_TYPE = "application/problem+json"
ERROR = 400
SUMMARY = (
    "Tests machine-learning models: every number with its uncertainty, every comparison paired, every gate pass, fail or not enough data."
)
DESCRIPTION = """\
The examples below work on a fresh stack as they stand, in this order: upload the predictions, make the dataset `iris`, start a run, look at its report.

Errors are problem documents (RFC 9457) of one shape: `detail` says what happened, `field` and `found` where, `fix` what to do.
"""
TAGS = [
    {"name": "uploads", "description": "Files by the digest of their bytes. Data, models and predictions come in here."},
    {"name": "datasets", "description": "Named series of immutable versions."},
    {"name": "models", "description": "Named series of immutable versions, and aliases that move between them."},
    {"name": "runs", "description": "One run tests one model version on one dataset version."},
    {"name": "results", "description": "What a run left behind."},
    {"name": "comparing", "description": "Over more than one run."},
    {"name": "reevaluating", "description": "Another metric for runs that are over, from their stored predictions."},
    {"name": "about", "description": "What this gateway can do."},
]


def describe(app: FastAPI) -> dict[str, Any]:
    """The document of an application."""
    document = get_openapi(title=app.title, version=app.version, summary=SUMMARY, description=DESCRIPTION, routes=app.routes, tags=TAGS)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    run = RunSpec.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(run.pop("$defs", {}))
    schemas["RunSpec"] = run
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for path in document["paths"].values():
        for operation in path.values():
            _problems(operation)
    return document


def _problems(operation: dict[str, Any]) -> None:
    """Errors are sent as `application/problem+json`; the framework's own shape of 422 is never sent."""
    for status, response in operation.get("responses", {}).items():
        if status.isdigit() and int(status) >= ERROR:
            response["content"] = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def mount(app: FastAPI) -> None:
    """Serve the completed document, made once at the first request."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = describe(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI documents this way to extend its document

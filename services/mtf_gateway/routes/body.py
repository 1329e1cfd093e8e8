"""Reads a run file from a request body: JSON or YAML, bounded, with line and column of a mistake."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import Request
from pydantic import model_validator

from mtf import spec
from mtf.contracts.base import UserSpec
from mtf.errors import LimitError, SpecError

YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")


class Document(UserSpec):
    """A JSON body that a person wrote: unknown keys are wrong, and so is what a database cannot keep."""

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        spec.plain(value)
        return value


async def read_bounded(request: Request, limit: int) -> bytes:
    """The body. Raises LimitError as soon as it passes `limit` bytes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise LimitError(
                "the body is too large", field="body", found=f"more than {limit:,} bytes", fix="a run file names data, it carries none"
            )
    return bytes(body)


async def read_spec(request: Request, limit: int) -> dict[str, Any]:
    """The run file of a request. Raises SpecError with line and column where it does not parse."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    is_yaml = kind in YAML_TYPES
    if not is_yaml and kind != "application/json":
        raise SpecError("a run file is JSON or YAML", field="Content-Type", found=kind, fix="send application/json or application/yaml")
    body = await read_bounded(request, limit)
    # The parser may take seconds over a large document; the loop goes on meanwhile.
    try:
        return await asyncio.to_thread(spec.parse, body, name="request.yaml" if is_yaml else "request.json")
    except SpecError as error:
        raise SpecError(error.message, field=error.field or "body", found=error.found, fix=error.fix, errors=error.errors) from None

"""`/v1/runs/{id}/...`: what a run left behind, and what it does right now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from fastapi.responses import PlainTextResponse, StreamingResponse

from mtf.contracts.base import Contract
from mtf.contracts.reference import Reference
from mtf.contracts.report import Report
from mtf.errors import NotAcceptableError, NotFoundError, UsageError
from mtf.storage.store import BLOCK
from mtf_gateway.logtext import log_line
from mtf_gateway.routes.parts import Parts, PartsDep, RunId, caller
from mtf_gateway.routes.problems import problems
from mtf_gateway.routes.runs import no_such_run
from mtf_gateway.routes.sse import EventStream

router = APIRouter(prefix="/v1/runs/{run_id}", tags=["results"], dependencies=[Depends(caller)])

Revision = Annotated[
    int | None, Query(ge=1, le=2**31 - 1, description="Which evaluation of the run; the newest by default, 1 is the first.")
]

REPORT_HEADERS = {
    # A report holds what users and models wrote. It may draw itself; it may not load, send, frame or open anything.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; sandbox allow-scripts"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

FORMS = {"json": "application/json", "html": "text/html", "md": "text/markdown", "csv": "text/csv"}
FORMS_CONTENT = {form: {"schema": {"type": "string"}} for form in FORMS.values() if form != "application/json"}
"""The media types of a report, and what the interface's description says of those that are not JSON."""

PARQUET = "application/vnd.apache.parquet"
BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}


class Artifact(Contract):
    """One stored file of a run. `name` reads `stage/output`."""

    name: str
    size: int
    sha256: str
    href: str


class Artifacts(Contract):
    """The files of a run."""

    items: list[Artifact]


@router.get(
    "/events",
    summary="Follow a run",
    response_class=StreamingResponse,
    responses={200: EventStream.documented, **problems(401, 404, 429, 503)},
)
async def events(
    parts: PartsDep,
    run_id: RunId,
    after: Annotated[int, Query(ge=0, description="Begin behind this `seq`.")] = 0,
    last_event_id: Annotated[str | None, Header(description="What a browser sends when it comes back; counts more than `after`.")] = None,
) -> Response:
    """Server-sent events: first the history, then what happens. `id` is the `seq`, `event` the kind, `data` a JSON document.

    The stream ends when the run is final. While nothing happens a comment is sent every 15 seconds.
    """
    if last_event_id is not None:
        if not last_event_id.isdigit():
            raise UsageError("that is no event of this stream", field="Last-Event-ID", found=last_event_id, fix="send the `id` of an event")
        after = int(last_event_id)
    await _known(parts, run_id)
    return EventStream(parts.runs.events(run_id, after), keep_alive=parts.keep_alive, closing=parts.closing)


@router.get(
    "/report",
    response_model=Report,
    summary="Read the report",
    responses={200: {"content": FORMS_CONTENT}, **problems(401, 404, 406, 409, 429, 503)},
)
async def report(
    parts: PartsDep,
    run_id: RunId,
    form: Annotated[Literal["json", "html", "md", "csv"] | None, Query(alias="format", description="Counts more than `Accept`.")] = None,
    accept: Annotated[str, Header()] = "*/*",
    revision: Revision = None,
) -> Response:
    """The result document: metrics with intervals, slices, comparisons, checks, gates and the verdict.

    HTML is a page of its own, Markdown its tables, CSV a line for each number.
    JSON says in `run.looks` how often these test rows were looked at by now. A run that was evaluated again has several reports.
    """
    kind = form or _accepted(accept)
    body = await _document(parts, run_id, kind, revision)
    headers = {"Content-Disposition": f'attachment; filename="{run_id}.csv"'} if kind == "csv" else {}
    return Response(body, media_type=FORMS[kind], headers=REPORT_HEADERS | headers)


@router.get(
    "/junit",
    response_class=Response,
    summary="Read the gates as JUnit XML",
    responses={200: {"content": {"application/xml": {"schema": {"type": "string"}}}}, **problems(401, 404, 409, 429, 503)},
)
async def junit(parts: PartsDep, run_id: RunId, revision: Revision = None) -> Response:
    """A test case for each gate, as a CI system reads it."""
    return Response(await _document(parts, run_id, "junit", revision), media_type="application/xml", headers=REPORT_HEADERS)


@router.get(
    "/predictions",
    response_class=StreamingResponse,
    summary="Download the predictions",
    responses={200: {"content": {PARQUET: BINARY}}, **problems(401, 404, 409, 429, 503)},
)
async def predictions(parts: PartsDep, run_id: RunId) -> Response:
    """The scored rows as Parquet: row, truth, prediction, a score per class, weight, group, time and slice columns."""
    files = await parts.runs.artifacts(run_id)
    name = "inference/test.scored"
    if name not in files:
        raise NotFoundError("this run has no predictions", field="run_id", found=run_id, fix="it must have passed the inference stage")
    return _stream(parts, files[name], f"{run_id}-predictions.parquet", PARQUET)


@router.get(
    "/logs",
    response_class=PlainTextResponse,
    summary="Read the log",
    responses=problems(401, 404, 429, 503),
)
async def logs(parts: PartsDep, run_id: RunId) -> Response:
    """What the stages said and what went wrong, a line each, oldest first."""
    text = "".join(log_line(event) for event in await parts.runs.logs(run_id))
    return PlainTextResponse(text, headers={"X-Content-Type-Options": "nosniff"})


@router.get("/artifacts", summary="List the files of a run", responses=problems(401, 404, 429, 503))
async def artifacts(parts: PartsDep, run_id: RunId) -> Artifacts:
    """Every file that the stages published, with size and digest."""
    files = await parts.runs.artifacts(run_id)
    items = [
        Artifact(name=name, size=reference.size, sha256=reference.sha256, href=f"/v1/runs/{run_id}/artifacts/{name}")
        for name, reference in sorted(files.items())
    ]
    return Artifacts(items=items)


@router.get(
    "/artifacts/{name:path}",
    response_class=StreamingResponse,
    summary="Download a file of a run",
    responses={200: {"content": {"application/octet-stream": BINARY}}, **problems(401, 404, 429, 503)},
)
async def artifact(
    parts: PartsDep,
    run_id: RunId,
    name: Annotated[str, Path(max_length=300, description="A name from the list, `stage/output`.")],
) -> Response:
    """One file, as it was published."""
    files = await parts.runs.artifacts(run_id)
    if name not in files:
        raise NotFoundError(f"this run has no file `{name[:100]}`", field="name", found=name, fix="the list of artifacts names them all")
    reference = files[name]
    # An artifact may hold anything: it is handed out as a download, never as a page of ours.
    return _stream(parts, reference, f"{run_id}-{reference.key.rpartition('/')[2]}", "application/octet-stream")


def _accepted(accept: str) -> str:
    """JSON unless another form is asked for first. Raises NotAcceptableError where none may be sent."""
    named = {form: kind for kind, form in FORMS.items()} | {"application/xhtml+xml": "html", "text/*": "html"}
    named |= dict.fromkeys(("*/*", "application/*", "application/problem+json", ""), "json")
    for choice in accept.lower().split(","):
        kind = choice.partition(";")[0].strip()
        if kind in named:
            return named[kind]
    raise NotAcceptableError(
        "a report is JSON, HTML, Markdown or CSV",
        field="Accept",
        found=accept,
        fix=f"accept {', '.join(FORMS.values())}, or say ?format=json",
    )


async def _known(parts: Parts, run_id: str) -> str:
    """The run's tag. Raises NotFoundError."""
    tag = await parts.tag(run_id)
    if tag is None:
        raise no_such_run(run_id)
    return tag


async def _document(parts: Parts, run_id: str, kind: str, revision: int | None) -> bytes:
    """A report, from the cache while the run's tag stands, and in JSON while nobody else looked at its rows."""
    key = f"{run_id}:{await _known(parts, run_id)}:{kind}:{revision or ''}"
    if kind == "json":
        key += f":{await parts.looks.tag(run_id)}"
    stored = await parts.cache.get("report", key)
    if stored is None:
        stored = await parts.runs.report(run_id, kind, revision)
        await parts.cache.set("report", key, stored)
    return stored


def _stream(parts: Parts, reference: Reference, filename: str, media_type: str) -> StreamingResponse:
    """The bytes of a reference as a download, a block at a time."""
    file = parts.store.open(reference.ref)

    async def blocks() -> AsyncIterator[bytes]:
        try:
            while block := await asyncio.to_thread(file.read, BLOCK):
                yield block
        finally:
            file.close()

    headers = {
        "Content-Length": str(reference.size),
        "Content-Disposition": f'attachment; filename="{filename}"',
        "ETag": f'"{reference.sha256}"',
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(blocks(), media_type=media_type, headers=headers)

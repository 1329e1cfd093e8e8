"""`/v1/runs`: ask for a run, look at it, stop it, repeat it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from mtf.contracts.base import Contract
from mtf.contracts.registry import Page, RunStatus, RunView
from mtf.errors import NotFoundError
from mtf_gateway.routes.body import read_spec
from mtf_gateway.routes.examples import RUN_BODY
from mtf_gateway.routes.parts import Caller, Cursor, Limit, Parts, PartsDep, RunId, caller
from mtf_gateway.routes.problems import problems

router = APIRouter(prefix="/v1/runs", tags=["runs"], dependencies=[Depends(caller)])
looking = APIRouter(prefix="/v1/runs", tags=["runs"])
"""One route that is asked far more often than any other: it does by hand what dependencies do elsewhere, for half of the CPU time."""
checking = APIRouter(prefix="/v1", tags=["runs"], dependencies=[Depends(caller)])


class Checked(Contract):
    """A run file that can be run."""

    valid: bool = True
    warnings: list[str]


Key = Annotated[
    str | None,
    Header(min_length=1, max_length=200, description="A text of your own; the same POST with the same key makes no second run."),
]
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "An ETag you hold; when the run is still the same, 304 comes back without a body.",
}


@router.post(
    "",
    status_code=202,
    response_model=RunView,
    summary="Start a run",
    responses=problems(400, 401, 404, 409, 413, 422, 429, 503),
    openapi_extra={"requestBody": RUN_BODY},
)
async def create(request: Request, parts: PartsDep, who: Caller, idempotency_key: Key = None) -> Response:
    """Check a run file, JSON or YAML, and queue it. The answer is the run; `Location` says where to follow it.

    A `file` source resolves under `MTF_IMPORT_DIR` only. Upload the file instead (`PUT /v1/uploads/{digest}`) and name it
    `{"type": "upload", "digest": ...}`, or name a registered version: `"dataset": "iris@1"`.
    """
    spec = await read_spec(request, parts.spec_limit)
    view = await parts.runs.submit(spec, base=None, principal=who, idempotency_key=idempotency_key)
    return _answer(view, status=202, location=True)


@checking.post(
    "/validate",
    summary="Check a run file",
    responses=problems(400, 401, 413, 422, 429, 503),
    openapi_extra={"requestBody": RUN_BODY},
)
async def validate(request: Request, parts: PartsDep) -> Checked:
    """Everything that can be known about a run file without reading the data. Nothing is stored; 422 lists every wrong field."""
    return Checked(warnings=await parts.runs.validate(await read_spec(request, parts.spec_limit), base=None))


@router.get("", summary="List runs", responses=problems(401, 422, 429, 503))
async def list_runs(
    *,
    parts: PartsDep,
    cursor: Cursor = None,
    limit: Limit = 50,
    name: Annotated[str | None, Query(max_length=100, description="Runs of this name.")] = None,
    status: Annotated[RunStatus | None, Query(description="Runs in this state.")] = None,
    tag: Annotated[list[str] | None, Query(description="`key=value`, or `key` for any value; all that are given must hold.")] = None,
) -> Page[RunView]:
    """Runs, newest first. Ask again with `cursor` for the next page; a null cursor means that this was the last one."""
    return await parts.runs.list_runs(cursor=cursor, limit=limit, name=name, status=status, tags=tag)


@looking.get(
    "/{run_id}",
    response_model=RunView,
    summary="Look at a run",
    responses={304: {"description": "Unchanged"}, **problems(401, 404, 429, 503)},
    openapi_extra={"parameters": [IF_NONE_MATCH], "security": [{"HTTPBearer": []}]},
)
async def get(request: Request, run_id: RunId) -> Response:
    """One run with its stages, metrics, gates and, where it failed, its problem. Stored bytes are sent as they are, with an `ETag`."""
    await caller(request)
    parts: Parts = request.app.state.parts
    tag = await parts.tag(run_id)
    if tag is None:
        raise no_such_run(run_id)
    etag = f'"{run_id}-{tag}"'
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={"ETag": etag})
    return Response(await run_bytes(parts, run_id, tag), media_type="application/json", headers={"ETag": etag, "Cache-Control": "no-cache"})


@router.post(
    "/{run_id}/cancel", status_code=202, response_model=RunView, summary="Cancel a run", responses=problems(401, 404, 409, 429, 503)
)
async def cancel(parts: PartsDep, run_id: RunId) -> Response:
    """Ask a run to stop; its job ends within 2 seconds. A run that is over already stays as it is: 409."""
    return _answer(await parts.runs.cancel(run_id), status=202)


@router.post(
    "/{run_id}/resume", status_code=202, response_model=RunView, summary="Resume a run", responses=problems(401, 404, 409, 429, 503)
)
async def resume(parts: PartsDep, run_id: RunId) -> Response:
    """Take up a run that was interrupted or failed. Stages that were published are not computed again."""
    return _answer(await parts.runs.resume(run_id), status=202)


@router.post("/{run_id}/rerun", status_code=202, response_model=RunView, summary="Run again", responses=problems(401, 404, 422, 429, 503))
async def rerun(parts: PartsDep, who: Caller, run_id: RunId) -> Response:
    """Start a new run with the same run file. What has not changed comes from the stages' published results."""
    return _answer(await parts.runs.rerun(run_id, principal=who), status=202, location=True)


@router.delete("/{run_id}", status_code=204, summary="Delete a run", responses=problems(401, 404, 409, 429, 503))
async def delete(parts: PartsDep, run_id: RunId) -> Response:
    """Forget a run that is over. Cancel a running one first."""
    await parts.runs.delete(run_id)
    return Response(status_code=204)


async def run_bytes(parts: Parts, run_id: str, tag: str) -> bytes:
    """The run as JSON, from the cache while its tag stands."""
    stored = await parts.cache.get("run", f"{run_id}:{tag}")
    if stored is None:
        view = await parts.runs.get(run_id)
        stored = view.model_dump_json().encode()
        if tag == str(view.version):  # it may have changed between the two looks; then the next request stores it
            await parts.cache.set("run", f"{run_id}:{tag}", stored)
    return stored


def no_such_run(run_id: str) -> NotFoundError:
    """The error for an id that names no run."""
    return NotFoundError(f"there is no run `{run_id}`", field="run_id", found=run_id, fix="GET /v1/runs lists what there is")


def _answer(view: RunView, *, status: int, location: bool = False) -> Response:
    headers = {"Location": f"/v1/runs/{view.id}"} if location else {}
    return Response(view.model_dump_json().encode(), status_code=status, media_type="application/json", headers=headers)

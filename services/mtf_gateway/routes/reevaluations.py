"""`/v1/reevaluations`: measure finished runs again from their stored predictions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Query, Response

from mtf.contracts.reevaluation import ItemStatus, ReevaluationItem, ReevaluationSpec, ReevaluationView, RevisionView
from mtf.contracts.registry import Page
from mtf_gateway.routes.body import Document
from mtf_gateway.routes.examples import REEVALUATIONS
from mtf_gateway.routes.parts import Caller, Cursor, Limit, PartsDep, RunId, caller
from mtf_gateway.routes.problems import problems
from mtf_gateway.routes.runs import Key

router = APIRouter(prefix="/v1", tags=["reevaluating"], dependencies=[Depends(caller)])

ReevaluationId = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$", description="The re-evaluation's id.")]


class NewReevaluation(Document, ReevaluationSpec):
    """Which runs to measure again, and how."""


@router.post(
    "/reevaluations",
    status_code=202,
    summary="Measure runs again",
    responses=problems(400, 401, 404, 409, 422, 429, 503),
)
async def create(
    response: Response,
    parts: PartsDep,
    who: Caller,
    new: Annotated[NewReevaluation, Body(openapi_examples=REEVALUATIONS)],
    idempotency_key: Key = None,
) -> ReevaluationView:
    """Compute metrics and gates of finished runs from their stored predictions: no model and no data is needed.

    The new report stands beside the old one as a new revision; nothing is overwritten. Without `metrics` and `gates` each run's own are computed
    with the plug-ins that are installed now. `dry_run` tells what would change and stores no revision. `Location` says where to follow it.
    """
    view = await parts.reevaluations.submit(new.model_dump(mode="json"), principal=who, idempotency_key=idempotency_key)
    response.headers["Location"] = f"/v1/reevaluations/{view.id}"
    return view


@router.get("/reevaluations", summary="List re-evaluations", responses=problems(401, 422, 429, 503))
async def list_newest(parts: PartsDep, cursor: Cursor = None, limit: Limit = 50) -> Page[ReevaluationView]:
    """Newest first, each with how far it is."""
    return await parts.reevaluations.list_newest(cursor=cursor, limit=limit)


@router.get("/reevaluations/{reevaluation_id}", summary="Look at a re-evaluation", responses=problems(401, 404, 429, 503))
async def get(parts: PartsDep, reevaluation_id: ReevaluationId) -> ReevaluationView:
    """How many runs are done, and how many verdicts changed."""
    return await parts.reevaluations.get(reevaluation_id)


@router.get("/reevaluations/{reevaluation_id}/runs", summary="What changed, run by run", responses=problems(401, 404, 422, 429, 503))
async def items(
    *,
    parts: PartsDep,
    reevaluation_id: ReevaluationId,
    status: Annotated[ItemStatus | None, Query(description="Runs in this state.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[ReevaluationItem]:
    """Each run with the verdicts and values that changed, or with the reason why it could not be measured."""
    return await parts.reevaluations.items(reevaluation_id, cursor=cursor, limit=limit, status=status)


@router.post(
    "/reevaluations/{reevaluation_id}/cancel",
    status_code=202,
    summary="Stop a re-evaluation",
    responses=problems(401, 404, 409, 429, 503),
)
async def cancel(parts: PartsDep, reevaluation_id: ReevaluationId) -> ReevaluationView:
    """Runs that were measured stay measured."""
    return await parts.reevaluations.cancel(reevaluation_id)


@router.post(
    "/reevaluations/{reevaluation_id}/resume",
    status_code=202,
    summary="Go on with a re-evaluation",
    responses=problems(401, 404, 409, 429, 503),
)
async def resume(parts: PartsDep, reevaluation_id: ReevaluationId) -> ReevaluationView:
    """Take up one that was stopped or interrupted, where it stood, or the failed runs of one that ended."""
    return await parts.reevaluations.resume(reevaluation_id)


@router.get("/runs/{run_id}/revisions", summary="List the evaluations of a run", responses=problems(401, 404, 422, 429, 503))
async def revisions(parts: PartsDep, run_id: RunId, cursor: Cursor = None, limit: Limit = 50) -> Page[RevisionView]:
    """Newest first; 1 is the one that came with the run. `GET /v1/runs/{run_id}/report?revision=1` reads its report."""
    return await parts.reevaluations.revisions(run_id, cursor=cursor, limit=limit)

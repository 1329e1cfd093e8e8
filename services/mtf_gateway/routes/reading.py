"""`/v1/comparisons`, `/v1/leaderboard`, `/v1/plugins` and `/v1/schema/run`: what can be read over more than one run."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, Query, Response
from pydantic import Field

from mtf.contracts.base import Contract
from mtf.contracts.registry import ComparisonView, PluginView
from mtf_gateway.catalogue import schema_of
from mtf_gateway.registry.board import Leaderboard
from mtf_gateway.routes.body import Document
from mtf_gateway.routes.examples import COMPARISONS
from mtf_gateway.routes.parts import Limit, PartsDep, caller
from mtf_gateway.routes.problems import problems

router = APIRouter(prefix="/v1", tags=["comparing"], dependencies=[Depends(caller)])
about = APIRouter(prefix="/v1", tags=["about"], dependencies=[Depends(caller)])


class NewComparison(Document):
    """Two runs that scored the same rows."""

    run: str = Field(min_length=1, max_length=100, description="A run's id.")
    baseline: str = Field(min_length=1, max_length=100, description="The id of the run it is compared with.")


class Plugins(Contract):
    """The plug-ins of every worker that answered."""

    items: list[PluginView]
    down: list[str] = Field(default_factory=list, description="Workers that did not answer; their plug-ins are missing here.")


@router.post("/comparisons", summary="Compare two runs", responses=problems(401, 404, 409, 422, 429, 503))
async def compare(
    parts: PartsDep,
    new: Annotated[NewComparison, Body(openapi_examples=COMPARISONS)],
) -> ComparisonView:
    """Paired differences of the metrics of two runs on the same rows, run minus baseline, each with its interval and p-value."""
    return await parts.runs.compare(new.run, new.baseline)


@router.get("/leaderboard", response_model=Leaderboard, summary="Rank the runs of a dataset", responses=problems(401, 422, 429, 503))
async def leaderboard(
    *,
    parts: PartsDep,
    dataset: Annotated[str, Query(min_length=1, max_length=500, description="As the runs show it, `adult@3`.")],
    metric: Annotated[str, Query(min_length=1, max_length=100, description="What to rank by, `roc_auc`.")],
    order: Annotated[
        Literal["descending", "ascending"] | None, Query(description="By default the metric's own better side comes first.")
    ] = None,
    limit: Limit = 50,
) -> Response:
    """Succeeded runs of one dataset, best first, each value with its interval. Overlapping intervals mean that the order may be chance."""
    greater = None if order is None else order == "descending"
    return Response(await parts.board.rank(dataset, metric, greater=greater, limit=limit), media_type="application/json")


@about.get("/plugins", summary="List plug-ins", responses=problems(401, 429))
async def plugins(parts: PartsDep) -> Plugins:
    """Sources, steps, loaders, metrics and checks with the JSON Schema of their arguments."""
    items, down = await parts.runs.plugins()
    return Plugins(items=items, down=down)


@about.get("/schema/run", summary="Read the JSON Schema of a run file", responses=problems(401, 429, 503))
async def run_schema(parts: PartsDep) -> dict[str, Any]:
    """What an editor needs to complete and check a run file; arguments of plug-ins are those that the workers have now."""
    items, down = await parts.runs.plugins()
    return schema_of(items, down)

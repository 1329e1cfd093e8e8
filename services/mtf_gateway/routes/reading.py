"""`/v1/comparisons`, `/v1/leaderboard`, `/v1/plugins` and `/v1/schema/run`: what can be read over more than one run."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, Query, Response
from pydantic import Field

from mtf.contracts.base import Contract
from mtf.contracts.registry import ComparisonView, PluginView
from mtf.errors import SpecError
from mtf_gateway.catalogue import schema_of
from mtf_gateway.comparison import MOST
from mtf_gateway.registry.board import Leaderboard
from mtf_gateway.routes.body import Document
from mtf_gateway.routes.examples import COMPARISONS
from mtf_gateway.routes.parts import Limit, PartsDep, caller
from mtf_gateway.routes.problems import problems

router = APIRouter(prefix="/v1", tags=["comparing"], dependencies=[Depends(caller)])
about = APIRouter(prefix="/v1", tags=["about"], dependencies=[Depends(caller)])


RunText = Annotated[str, Field(min_length=1, max_length=100)]
MetricText = Annotated[str, Field(min_length=1, max_length=200)]


class NewComparison(Document):
    """Two runs or more. `{run, baseline}` is short for `{runs: [run, baseline]}`."""

    runs: list[RunText] | None = Field(default=None, max_length=MOST, description="Ids of runs; every two are compared, the earlier minus the later.")
    run: RunText | None = Field(default=None, description="Id of one run, where there are two.")
    baseline: RunText | None = Field(default=None, description="Id of the run that all others are compared with.")
    metrics: list[MetricText] | None = Field(
        default=None,
        max_length=100,
        description="The metrics that decide, as a run file writes them; Holm corrects them. Without it those that the runs were measured by, "
        "corrected by Benjamini and Hochberg.",
    )
    paired: bool = Field(default=True, description="Row by row. False compares runs that scored other rows, taken for independent.")


class Plugins(Contract):
    """The plug-ins of every worker that answered."""

    items: list[PluginView]
    down: list[str] = Field(default_factory=list, description="Workers that did not answer; their plug-ins are missing here.")


@router.post("/comparisons", summary="Compare runs", responses=problems(401, 404, 409, 422, 429, 503))
async def compare(
    parts: PartsDep,
    new: Annotated[NewComparison, Body(openapi_examples=COMPARISONS)],
) -> ComparisonView:
    """Differences of the metrics, row by row, each with interval, p-value, the difference these rows could show and the rows that would settle it.

    Every two runs are compared, or each with the baseline; more than two also get an overall test and ranks with ties. Runs that scored other
    rows are refused (409, with what differs and how many rows they share) unless `paired` is false.
    """
    if new.run is None:
        return await parts.runs.compare(new.runs or [], baseline=new.baseline, metrics=new.metrics, paired=new.paired)
    if new.runs is not None:
        raise SpecError("`run` and `runs` say the same", field="run", found=new.run, fix="name all of them in `runs`")
    pair = [new.run] if new.baseline is None else [new.run, new.baseline]
    return await parts.runs.compare(pair, metrics=new.metrics, paired=new.paired)


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

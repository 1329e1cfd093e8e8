"""`/v1/comparisons`, `/v1/leaderboard`, `/v1/plugins` and `/v1/schema/run`: what can be read over more than one run."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, Query, Response
from pydantic import Field

from mtf.contracts.base import Contract
from mtf.contracts.board import History, Leaderboard
from mtf.contracts.looks import Looks
from mtf.contracts.registry import ComparisonView, PluginView
from mtf.errors import SpecError
from mtf_gateway.catalogue import schema_of
from mtf_gateway.comparison import MOST
from mtf_gateway.memory.past import Question
from mtf_gateway.routes.body import Document
from mtf_gateway.routes.examples import COMPARISONS
from mtf_gateway.routes.parts import Cursor, Limit, PartsDep, RunId, caller
from mtf_gateway.routes.problems import problems

router = APIRouter(prefix="/v1", tags=["comparing"], dependencies=[Depends(caller)])
about = APIRouter(prefix="/v1", tags=["about"], dependencies=[Depends(caller)])


RunText = Annotated[str, Field(min_length=1, max_length=100)]
MetricText = Annotated[str, Field(min_length=1, max_length=200)]


class NewComparison(Document):
    """Two runs or more. `{run, baseline}` is short for `{runs: [run, baseline]}`."""

    runs: list[RunText] | None = Field(
        default=None, max_length=MOST, description="Ids of runs; every two are compared, the earlier minus the later."
    )
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


Metric = Annotated[str, Query(min_length=1, max_length=200, description="As a run file writes it: `roc_auc`, `f_beta(beta=2)`.")]


@router.get("/leaderboard", response_model=Leaderboard, summary="Rank the models of a dataset", responses=problems(401, 422, 429, 503))
async def leaderboard(
    *,
    parts: PartsDep,
    dataset: Annotated[str, Query(min_length=1, max_length=500, description="As the runs show it, `adult@3`.")],
    metric: Metric,
    order: Annotated[
        Literal["descending", "ascending"] | None, Query(description="Of the list; by default the metric's own better side comes first.")
    ] = None,
    rows_key: Annotated[
        str | None, Query(max_length=100, description="Other test rows of the dataset, from `others`; by default those of the newest run.")
    ] = None,
    limit: Limit = 50,
) -> Response:
    """The newest succeeded run of each model on the same test rows, best first.

    Models that the rows cannot tell apart share a rank: every two are compared row by row, corrected by Holm over all pairs, and `rank` to
    `worst_rank` is where a model may stand. A metric without a paired test is ranked by value, and `notes` says so.
    """
    greater = None if order is None else order == "descending"
    board = await parts.board.rank(dataset, metric, greater=greater, limit=limit, rows_key=rows_key)
    return Response(board, media_type="application/json")


@router.get("/history", summary="Follow a model through its runs", responses=problems(400, 401, 422, 429, 503))
async def history(
    *,
    parts: PartsDep,
    metric: Metric,
    model: Annotated[str | None, Query(min_length=1, max_length=500, description="`forest` for every version, or `forest@3`.")] = None,
    dataset: Annotated[str | None, Query(min_length=1, max_length=500, description="`adult` for every version, or `adult@3`.")] = None,
    name: Annotated[str | None, Query(min_length=1, max_length=100, description="Runs of this name.")] = None,
    cursor: Cursor = None,
    limit: Limit = 20,
) -> History:
    """Runs in the order of time, each with its interval and its change from the one before: row by row on the same rows, else as two samples.

    Give `model` to follow it over dataset versions, `dataset` to follow model versions on it, or both. The newest runs come first by page;
    `cursor` leads to older ones.
    """
    return await parts.past.of(Question(metric=metric, name=name, model=model, dataset=dataset, limit=limit, cursor=cursor))


class LookList(Contract):
    """Each set of test rows of a dataset."""

    items: list[Looks]


@router.get("/looks", summary="Count the looks at a dataset's test rows", responses=problems(401, 404, 422, 429, 503))
async def looks(
    parts: PartsDep,
    dataset: Annotated[str, Query(min_length=1, max_length=500, description="`adult` for every version, or `adult@3`.")],
) -> LookList:
    """How many models were scored on the same test rows since when, and how far the best of so many can flatter itself.

    A test set that many models were chosen by is no test set any more (Blum and Hardt 2015). Deleted runs count: they were looked at.
    """
    return LookList(items=await parts.looks.of_dataset(dataset))


@router.get("/runs/{run_id}/looks", summary="Count the looks at a run's test rows", responses=problems(401, 404, 429, 503))
async def run_looks(parts: PartsDep, run_id: RunId) -> Looks | None:
    """The same for the rows of one run; null while they are not known."""
    await parts.runs.get(run_id)
    return await parts.looks.of_run(run_id)


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

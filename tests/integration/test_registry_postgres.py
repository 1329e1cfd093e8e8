"""The registries on PostgreSQL: what only a server with real concurrency can prove."""

import asyncio
from typing import Any

from sqlalchemy import insert

from mtf.contracts.job import JobResult
from mtf.contracts.reference import Reference
from mtf.contracts.registry import Upload
from mtf.contracts.stages import Roles
from mtf.errors import ConflictError
from mtf_gateway.db.engine import Database
from mtf_gateway.db.history import board, board_tag
from mtf_gateway.db.results import tag_of
from mtf_gateway.db.tables import RUNS
from mtf_gateway.registry.datasets import Datasets
from mtf_gateway.registry.models import Models, NewModel
from mtf_gateway.registry.records import UploadTable

REFERENCE = Reference(ref="data:raw/f/1/data.parquet", sha256="a" * 64, size=10)


async def _acquire(section: dict[str, Any]) -> JobResult:
    facts = {"digest": section["digest"], "rows": 3}
    return JobResult(outputs={"data": REFERENCE}, facts=facts, manifest=REFERENCE, cached=False, seconds=0.1)


def test_writers_of_one_content_make_one_version(database: Database) -> None:
    """Sixteen at once, on a name that nobody knew before, end at version 1 together; other contents get numbers without a gap."""

    async def scene() -> None:
        datasets = Datasets(database, _acquire)
        same = await asyncio.gather(*(datasets.create("iris", {"digest": "d"}, Roles(target="y"), created_by="ann") for _ in range(16)))
        assert {view.version for view, _ in same} == {1}
        assert sum(created for _, created in same) == 1
        other = await asyncio.gather(*(datasets.create("iris", {"digest": f"e{i}"}, Roles(), created_by="ann") for i in range(16)))
        assert sorted(view.version for view, _ in other) == list(range(2, 18))

    asyncio.run(scene())


def test_of_many_who_move_an_alias_one_wins(database: Database) -> None:
    """Eight movers from the same version: one success, seven conflicts, and the alias stands where the winner put it."""

    async def scene() -> None:
        models = Models(database)
        for index in range(9):
            await models.create("forest", NewModel("skops", {"digest": str(index)}), created_by="ann")
        await models.point("forest", "champion", 1, expected=None, anywhere=False, by="ann")
        moves = [models.point("forest", "champion", version, expected=1, anywhere=False, by="ann") for version in range(2, 10)]
        results = await asyncio.gather(*moves, return_exceptions=True)
        winners = [result for result in results if not isinstance(result, BaseException)]
        assert len(winners) == 1
        assert sum(isinstance(result, ConflictError) for result in results) == 7
        assert (await models.find("forest", "champion")).version == winners[0].version

    asyncio.run(scene())


def test_one_upload_is_remembered_once(database: Database) -> None:
    """Whoever comes first gives the file its name; a size beyond 32 bits is kept."""

    async def scene() -> None:
        table = UploadTable(database)
        uploads = [Upload(digest="b" * 64, size=2**40, name=f"n{index}", kind="csv") for index in range(8)]
        kept = await asyncio.gather(*(table.add(upload, ref="data:uploads/b", created_by="ann") for upload in uploads))
        assert len({upload.name for upload in kept}) == 1
        assert kept[0].size == 2**40

    asyncio.run(scene())


def test_rankings_and_tags_read_jsonb(database: Database) -> None:
    """Values come out of the metrics as numbers, undefined ones as null, and a metric's name is never SQL."""

    def run(run_id: str, value: float | None) -> dict[str, Any]:
        row: dict[str, Any] = {
            "id": run_id,
            "name": run_id,
            "status": "succeeded",
            "created_by": "ann",
            "created_at": 0.0,
            "spec": {},
            "plan": {"model": {"inputs": {}, "spec": {}}},
        }
        metrics = {"accuracy": {"value": value, "n": 150}}
        return row | {"dataset": "iris@1", "model": "m", "tags": {}, "max_runtime": 1.0, "metrics": metrics, "gates": [], "warnings": []}

    runs = [run("a", 0.5), run("b", 1e-300), run("c", None), run("d", 0.5000000001)]
    database.write_now(lambda connection: connection.execute(insert(RUNS), runs))
    rows = database.read_now(lambda connection: board(connection, "iris@1", "accuracy"))
    assert [(row["id"], row["metric"]["value"]) for row in rows] == [("d", 0.5000000001), ("c", None), ("b", 1e-300), ("a", 0.5)]
    hostile = "x'); DROP TABLE runs; --"
    assert [row["metric"] for row in database.read_now(lambda connection: board(connection, "iris@1", hostile))] == [None] * 4
    before = database.read_now(lambda connection: board_tag(connection, "iris@1"))
    assert database.read_now(lambda connection: tag_of(connection, "a")) == "0"
    assert database.read_now(lambda connection: tag_of(connection, "z")) is None
    database.write_now(lambda connection: connection.execute(insert(RUNS), [run("e", 0.7)]))
    assert database.read_now(lambda connection: board_tag(connection, "iris@1")) != before

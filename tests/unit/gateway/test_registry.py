"""The registries over a real SQLite file: versions, aliases, uploads by digest."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from mtf.contracts.job import JobResult
from mtf.contracts.reference import Reference
from mtf.contracts.stages import Roles
from mtf.errors import ConflictError, DataError, LimitError, NotFoundError, SpecError
from mtf.storage.store import LocalStore
from mtf_gateway.db.engine import Database, connect
from mtf_gateway.db.schema import create
from mtf_gateway.db.tables import RUNS
from mtf_gateway.registry.datasets import Datasets
from mtf_gateway.registry.models import Models, NewModel
from mtf_gateway.registry.names import check_name, from_cursor, to_cursor
from mtf_gateway.registry.records import UploadTable
from mtf_gateway.registry.uploads import Uploads, safe_name

DIGEST = "a" * 64


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty database at the newest schema."""
    opened = connect(f"sqlite:///{tmp_path}/mtf.db")
    create(opened)
    yield opened
    opened.close()


def _acquired(digest: str) -> JobResult:
    reference = Reference(ref="data:raw/f/1/data.parquet", sha256=DIGEST, size=10)
    facts = {"digest": digest, "rows": 3, "columns": [], "provenance": {"type": "builtin"}}
    return JobResult(outputs={"data": reference}, facts=facts, manifest=reference, cached=False, seconds=0.1)


def test_equal_content_is_the_same_version(database: Database) -> None:
    """A second acquisition of the same content makes no version; other content or other roles make one."""
    content = ["d1"]

    async def acquire(_section: dict[str, Any]) -> JobResult:
        return _acquired(content[0])

    async def scene() -> None:
        datasets = Datasets(database, acquire)
        first, created = await datasets.create("iris", {}, Roles(target="y"), created_by="ann")
        assert (first.version, first.created_by, created) == (1, "ann", True)
        again, created = await datasets.create("iris", {}, Roles(target="y"), created_by="bob")
        assert (again.version, again.created_by, created) == (1, "ann", False)
        content[0] = "d2"
        assert (await datasets.create("iris", {}, Roles(target="y"), created_by="bob"))[0].version == 2
        assert (await datasets.create("iris", {}, Roles(target="z"), created_by="bob"))[0].version == 3
        assert (await datasets.find("iris")).version == 3
        page = await datasets.list_versions("iris", cursor=None, limit=2)
        assert [view.version for view in page.items] == [3, 2]
        page = await datasets.list_versions("iris", cursor=page.cursor, limit=2)
        assert ([view.version for view in page.items], page.cursor) == ([1], None)

    asyncio.run(scene())


def test_concurrent_creations_of_one_content_make_one_version(database: Database) -> None:
    """Eight writers of the same new content end at version 1 together."""

    async def acquire(_section: dict[str, Any]) -> JobResult:
        return _acquired("d1")

    async def scene() -> None:
        datasets = Datasets(database, acquire)
        views = await asyncio.gather(*(datasets.create("iris", {}, Roles(), created_by="ann") for _ in range(8)))
        assert {view.version for view, _ in views} == {1}
        assert sum(created for _, created in views) == 1

    asyncio.run(scene())


def test_a_version_in_use_stays_and_a_number_never_returns(database: Database) -> None:
    """Deleting is refused while a run names the version; afterwards the next version gets the next number."""

    async def acquire(_section: dict[str, Any]) -> JobResult:
        return _acquired("d1")

    run = {"id": "r1", "name": "n", "created_by": "ann", "created_at": 0.0, "spec": {}, "plan": {}, "dataset": "iris@1", "model": "m"}
    run |= {"tags": {}, "max_runtime": 1.0, "metrics": {}, "gates": [], "warnings": []}

    async def scene() -> None:
        datasets = Datasets(database, acquire)
        await datasets.create("iris", {}, Roles(), created_by="ann")
        await database.write(lambda c: c.execute(insert(RUNS).values(**run)))
        with pytest.raises(ConflictError, match="1 run uses iris@1") as caught:
            await datasets.delete("iris", 1)
        assert caught.value.found == "r1"
        await database.write(lambda c: c.execute(RUNS.update().values(deleted_at=1.0)))
        await datasets.delete("iris", 1)
        with pytest.raises(NotFoundError):
            await datasets.find("iris", 1)
        assert (await datasets.list_newest(cursor=None, limit=10)).items == []
        assert (await datasets.create("iris", {}, Roles(), created_by="ann"))[0].version == 2

    asyncio.run(scene())


def test_lists_are_paged_by_name(database: Database) -> None:
    """Every dataset appears once over all pages, in the order of names."""

    async def acquire(_section: dict[str, Any]) -> JobResult:
        return _acquired("d1")

    async def scene() -> None:
        datasets, found, cursor = Datasets(database, acquire), [], None
        for name in ("b", "a", "d", "c", "e"):
            await datasets.create(name, {}, Roles(), created_by="ann")
        while True:
            page = await datasets.list_newest(cursor=cursor, limit=2)
            found += [view.name for view in page.items]
            cursor = page.cursor
            if cursor is None:
                break
        assert found == ["a", "b", "c", "d", "e"]

    asyncio.run(scene())


def test_an_alias_moves_only_from_where_it_is_expected(database: Database) -> None:
    """Of two who move an alias from the same place, one wins and the other gets a conflict."""
    artifact = Reference(ref=f"models:sha256/{DIGEST}", sha256=DIGEST, size=5)

    async def scene() -> None:
        models = Models(database)
        await models.create("forest", NewModel("skops", {"digest": "1"}, artifact), created_by="ann")
        _, created = await models.create("forest", NewModel("skops", {"digest": "1"}, artifact), created_by="bob")
        assert not created
        await models.create("forest", NewModel("skops", {"digest": "2"}, artifact), created_by="ann")
        view = await models.point("forest", "champion", 1, expected=None, anywhere=False, by="ann")
        assert view.aliases == ["champion"]
        moves = [models.point("forest", "champion", 2, expected=1, anywhere=False, by=by) for by in ("ann", "bob")]
        results = await asyncio.gather(*moves, return_exceptions=True)
        assert sum(isinstance(result, ConflictError) for result in results) == 1
        assert (await models.find("forest", "champion")).version == 2
        with pytest.raises(ConflictError, match="an alias names forest@2"):
            await models.delete("forest", 2)
        with pytest.raises(ConflictError, match="stands at version 2"):
            await models.point("forest", "champion", 1, expected=None, anywhere=False, by="ann")
        assert (await models.point("forest", "champion", 1, expected=None, anywhere=True, by="ann")).version == 1
        await models.drop_alias("forest", "champion")
        with pytest.raises(NotFoundError):
            await models.drop_alias("forest", "champion")
        with pytest.raises(NotFoundError):
            await models.point("forest", "champion", 9, expected=None, anywhere=False, by="ann")
        await models.delete("forest", 2)

    asyncio.run(scene())


async def _stream(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def test_an_upload_is_stored_by_digest_and_leaves_nothing_when_it_fails(database: Database, tmp_path: Path) -> None:
    """A file over the limit, with another digest or empty is refused and no byte of it stays."""
    store = LocalStore({"data": tmp_path / "data"})
    uploads = Uploads(store, UploadTable(database), limit=100)
    body = b"a,b\n1,2\n"
    digest = hashlib.sha256(body).hexdigest()

    async def broken() -> AsyncIterator[bytes]:
        yield body
        raise ConnectionError("the client went away")

    async def scene() -> None:
        with pytest.raises(LimitError, match="larger"):
            await uploads.receive(_stream(b"x" * 60, b"x" * 60), created_by="ann")
        with pytest.raises(LimitError, match="larger"):
            await uploads.receive(_stream(body), created_by="ann", announced=101)
        with pytest.raises(DataError, match="another digest"):
            await uploads.receive(_stream(body), created_by="ann", digest=DIGEST)
        with pytest.raises(DataError, match="empty"):
            await uploads.receive(_stream(), created_by="ann")
        with pytest.raises(ConnectionError):
            await uploads.receive(broken(), created_by="ann")
        assert list((tmp_path / "data/uploads").iterdir()) == []
        with pytest.raises(NotFoundError):
            await uploads.find(digest)
        stored = await uploads.receive(_stream(body[:3], body[3:]), created_by="ann", digest=digest.upper(), name="../../etc/passwd")
        assert (stored.digest, stored.size, stored.name, stored.kind) == (digest, 8, "passwd", "csv")
        assert await uploads.receive(_stream(body), created_by="bob", name="again.csv") == stored
        assert [path.name for path in (tmp_path / "data/uploads").iterdir()] == [digest]
        (tmp_path / "data/uploads" / digest).unlink()
        with pytest.raises(NotFoundError):
            await uploads.find(digest)

    asyncio.run(scene())


def test_old_drafts_are_swept(database: Database, tmp_path: Path) -> None:
    """A draft of a process that died a day ago goes; one that is being written stays."""
    import os

    folder = tmp_path / "data/uploads"
    folder.mkdir(parents=True)
    (folder / ".draft-old").write_bytes(b"x")
    (folder / ".draft-new").write_bytes(b"x")
    os.utime(folder / ".draft-old", (0, 0))
    uploads = Uploads(LocalStore({"data": tmp_path / "data"}), UploadTable(database), limit=100)
    assert asyncio.run(uploads.sweep()) == 1
    assert [path.name for path in folder.iterdir()] == [".draft-new"]


@pytest.mark.parametrize("name", ["x" * 5000, "../etc", "a/b", "", ".hidden", "a b", "ü", "a\x00b", "name\n"])
def test_names_that_a_path_would_misread_are_refused(name: str) -> None:
    """Too long a name and a name with path or control characters are wrong, and the error names the field."""
    with pytest.raises(SpecError) as caught:
        check_name(name)
    assert caught.value.field == "name"
    assert len(str(caught.value.found)) < 300


@given(st.text(max_size=300))
def test_any_file_name_becomes_harmless(name: str) -> None:
    """Whatever a client calls its file, what is kept has no separator, no control character and at most 200 characters."""
    kept = safe_name(name)
    assert kept is None or (len(kept) <= 200 and "/" not in kept and "\\" not in kept and kept.isprintable() and not kept.startswith("."))


@given(st.text(max_size=100))
def test_a_cursor_leads_back_to_its_position(position: str) -> None:
    """Encoding and decoding are inverse."""
    assert from_cursor(to_cursor(position)) == position


@given(st.text(max_size=60))
def test_a_foreign_cursor_is_refused_or_read_but_never_crashes(cursor: str) -> None:
    """Any text in place of a cursor gives a position or a SpecError."""
    with contextlib.suppress(SpecError):
        assert from_cursor(cursor) is not None

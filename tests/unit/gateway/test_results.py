"""Reports as they are handed out, files as they are imported, owners as they are recognised, and the embedded form around them."""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mtf.contracts.looks import Looks
from mtf.contracts.registry import RunView
from mtf.errors import ConflictError, DataError, UsageError
from mtf.storage.store import LocalStore
from mtf_gateway import importing, owner
from mtf_gateway.core import Gateway
from mtf_gateway.embedded import areas, folder_of, open_embedded
from mtf_gateway.ids import new_id
from mtf_gateway.results import Stamp, stamped
from mtf_gateway.settings import GatewaySettings
from tests.suites.driving import SPEC, at, final, vanish
from tests.suites.repository import change_row
from tests.suites.scripted import fleet


def test_the_id_is_filled_in_where_room_was_left_for_it() -> None:
    """In JSON only in the head, where the time of creation goes too; a user's text that looks alike stays."""
    data = b'{\n "run": {\n  "id": "{{run_id}}",\n  "dataset": "{{run_id}}.csv",\n  "created_at": null\n },\n "x": {"created_at": null}}'
    found = json.loads(stamped(data, "json", Stamp("abc", 0.0)))
    assert found["run"] == {"id": "abc", "dataset": "{{run_id}}.csv", "created_at": "1970-01-01T00:00:00.000Z"}
    assert found["x"] == {"created_at": None}
    assert json.loads(stamped(b'{"run":{"id":"{{run_id}}","created_at":null}}', "json", Stamp("abc", 0.0)))["run"]["id"] == "abc"
    assert stamped(b"<p>{{run_id}}</p>{{run_id}}", "html", Stamp("abc", 0.0)) == b"<p>abc</p>abc"
    kept = b'{"run": {"id": "{{run_id}}", "created_at": "2020"}}'
    assert json.loads(stamped(kept, "json", Stamp("abc", 0.0)))["run"]["created_at"] == "2020"


def test_a_report_learns_its_number_and_the_looks_when_it_is_handed_out() -> None:
    """Both stand in the head where room was left; a text that looks alike is escaped in JSON and stays."""
    head = {"id": "{{run_id}}", "name": '"revision": null', "created_at": None, "revision": None, "looks": None}
    looks = Looks(rows_key="k", rows=100, runs=3, models=2)
    for indent in (None, 1):
        data = json.dumps({"run": head, "notes": {"revision": None, "looks": None}}, indent=indent).encode()
        found = json.loads(stamped(data, "json", Stamp("abc", 0.0, 4, looks)))
        assert (found["run"]["revision"], found["run"]["looks"]["models"], found["run"]["name"]) == (4, 2, '"revision": null')
        assert found["notes"] == {"revision": None, "looks": None}
        assert json.loads(stamped(data, "json", Stamp("abc", 0.0)))["run"]["looks"] is None


def test_ids_sort_by_the_time_they_were_made() -> None:
    """26 characters of base 32; a later millisecond is a greater text, and no two are equal."""
    ids = [new_id(second / 1000) for second in range(1_700_000_000_000, 1_700_000_000_300)]
    assert ids == sorted(ids)
    assert {len(one) for one in ids} == {26}
    assert len({new_id(1.0) for _ in range(1000)}) == 1000
    assert set("".join(ids)) <= set("0123456789abcdefghjkmnpqrstvwxyz")


def test_a_file_is_imported_once_by_its_digest(tmp_path: Path) -> None:
    """The copy is the file's bytes; a second import finds it, and a later change of the original leaves it alone."""
    store = LocalStore(areas(tmp_path / "root"))
    file = tmp_path / "model.onnx"
    file.write_bytes(b"model")
    first = importing.import_file(store, file, "model", field="f")
    assert first.ref == f"models:sha256/{hashlib.sha256(b'model').hexdigest()}"
    before = store.path(first.ref).stat()
    assert importing.import_file(store, file, "model", field="f") == first
    assert store.path(first.ref).stat().st_mtime_ns == before.st_mtime_ns
    file.write_bytes(b"other")
    assert store.path(first.ref).read_bytes() == b"model"
    assert importing.import_file(store, file, "model", field="f") != first
    assert not [path for path in store.path(first.ref).parent.iterdir() if path.name.startswith(".")]
    assert importing.head_of(store, first, 3) == b"mod"


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left behind under the wrong digest."""
    store = LocalStore(areas(tmp_path / "root"))
    file = tmp_path / "model.onnx"
    file.write_bytes(b"model")
    monkeypatch.setattr(importing, "hash_file", lambda _: ("0" * 64, 5))
    with pytest.raises(DataError, match="changed while"):
        importing.import_file(store, file, "model", field="f")
    assert not list((tmp_path / "root" / "models" / "sha256").iterdir())


def test_an_owner_is_dead_when_its_process_is() -> None:
    """This process lives; a child that ended is dead, also when its number is used again; another machine's cannot be told."""
    mine = owner.this_process()
    assert not owner.is_dead(mine)
    host, pid, started, nonce = mine.split(":")
    assert owner.is_dead(f"{host}:{pid}:{int(started) - 1}:{nonce}")
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    living = f"{host}:{child.pid}:{Path(f'/proc/{child.pid}/stat').read_text().rpartition(')')[2].split()[19]}:x"
    assert not owner.is_dead(living)
    child.kill()
    while not os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT):
        pass
    assert owner.is_dead(living), "a zombie drives nothing"
    child.communicate()
    assert owner.is_dead(living)
    assert not owner.is_dead(f"elsewhere:{pid}:1:x")
    assert owner.is_dead(None)
    assert not owner.is_dead("nonsense")


async def embedded(root: Path, workers: dict[str, object]) -> Gateway:
    """An embedded gateway that runs."""
    settings = GatewaySettings(lease_seconds=60.0, poll_seconds=0.05, retry_seconds=0.05)
    gateway = open_embedded(root, workers, settings=settings)  # type: ignore[arg-type]
    await gateway.start()
    return gateway


def test_the_embedded_form_writes_the_reports_where_people_look(tmp_path: Path) -> None:
    """HTML, JSON, JUnit and the predictions lie in the run's own folder before the run counts as succeeded."""

    async def scenario() -> RunView:
        gateway = await embedded(tmp_path, dict(fleet(LocalStore(areas(tmp_path)))))
        try:
            run = await gateway.submit(SPEC, base=tmp_path, principal="local")
            return await final(gateway, run.id)
        finally:
            await gateway.close()

    view = asyncio.run(scenario())
    assert view.status == "succeeded"
    folder = folder_of(tmp_path, view.id)
    assert sorted(path.name for path in folder.iterdir()) == ["junit.xml", "report.html", "report.json", "scored.parquet"]
    assert json.loads((folder / "report.json").read_text())["run"] == {"id": view.id, "created_at": view.created_at}


def test_an_embedded_process_drives_only_its_own_runs(tmp_path: Path) -> None:
    """Another process on the same folder leaves a queued run alone, until it is asked to resume it."""

    async def scenario() -> None:
        workers = dict(fleet(LocalStore(areas(tmp_path))))
        first, second = await embedded(tmp_path, workers), await embedded(tmp_path, workers)
        try:
            workers["processing"].hold.clear()
            run = await first.submit(SPEC, base=tmp_path, principal="local")
            await at(first, run.id, "processing")
            await asyncio.sleep(0.3)
            assert (first.runner.driving, second.runner.driving) == (1, 0)
            assert (await second.get(run.id)).status == "running"
            with pytest.raises(ConflictError):
                await second.resume(run.id)
        finally:
            await first.close()
        try:
            assert (await second.get(run.id)).status == "interrupted"
            assert [view.id for view in (await second.list_runs(status="interrupted")).items] == [run.id]
            workers["processing"].hold.set()
            await second.resume(run.id)
            assert (await final(second, run.id)).status == "succeeded"
        finally:
            await second.close()

    asyncio.run(scenario())


def test_an_orphan_shows_as_interrupted_and_is_taken_up(tmp_path: Path) -> None:
    """A process that was killed leaves a run that says `running`; whoever looks sees the truth, long before the lease ends, and can go on."""

    async def scenario() -> None:
        workers = dict(fleet(LocalStore(areas(tmp_path))))
        workers["inference"].hold.clear()
        first = await embedded(tmp_path, workers)
        run = await first.submit(SPEC, base=tmp_path, principal="local")
        await at(first, run.id, "inference")
        await vanish(first)
        second = await embedded(tmp_path, workers)
        try:
            assert (await second.get(run.id)).status == "running", "its process, which is this one, lives"
            change_row(second.database, run.id, owner="{}:{}:{}:x".format(*first.context.owner.split(":")[:2], 1))
            assert (await second.get(run.id)).status == "interrupted"
            assert [view.status for view in (await second.list_runs()).items] == ["interrupted"]
            assert [event.stage async for event in second.events(run.id)][-1] == "inference", "nobody is waited for"
            workers["inference"].hold.set()
            await second.resume(run.id)
            assert (await final(second, run.id)).status == "succeeded"
            assert sum(workers["inference"].starts.values()) == 1
        finally:
            await second.close()

    asyncio.run(scenario())


def test_an_orphan_can_be_cancelled_and_deleted(tmp_path: Path) -> None:
    """Nobody needs to resume a run in order to be rid of it."""

    async def scenario() -> None:
        workers = dict(fleet(LocalStore(areas(tmp_path))))
        gateway = await embedded(tmp_path, workers)
        try:
            workers["acquisition"].hold.clear()
            made = [await gateway.submit(SPEC, base=tmp_path, principal="local") for _ in range(2)]
            for run in made:
                await at(gateway, run.id, "acquisition")
        finally:
            await gateway.close()
        gateway = await embedded(tmp_path, workers)
        try:
            assert (await gateway.cancel(made[0].id)).status == "cancelled"
            await gateway.delete(made[1].id)
            assert [view.id for view in (await gateway.list_runs()).items] == [made[0].id]
        finally:
            await gateway.close()

    asyncio.run(scenario())


def test_a_report_comes_in_the_forms_it_was_written_in(tmp_path: Path) -> None:
    """Another form is refused by name; a run from before a form existed says how to make it from its JSON."""

    async def scenario() -> None:
        gateway = await embedded(tmp_path, dict(fleet(LocalStore(areas(tmp_path)))))
        try:
            run = await gateway.submit(SPEC, base=tmp_path, principal="local")
            await final(gateway, run.id)
            with pytest.raises(UsageError, match="no report as pdf"):
                await gateway.report(run.id, "pdf")
            with pytest.raises(ConflictError, match="before reports came as md") as told:
                await gateway.report(run.id, "md")
            assert "mtf report report.json --format md" in str(told.value.fix)
            assert (await gateway.predictions(run.id)).read_bytes() == b"inference test.scored"
        finally:
            await gateway.close()

    asyncio.run(scenario())

"""Registries of the embedded form."""

from pathlib import Path
from typing import Any

import pytest

from mtf.errors import DataError, MtfError, SpecError
from mtf_gateway.core import Gateway
from mtf_gateway.desk import Desk
from tests.suites.scripted import FACTS, ScriptedWorker
from tests.unit.gateway.desks import play

Workers = dict[str, ScriptedWorker]


def test_a_dataset_is_read_once_and_numbered(tmp_path: Path) -> None:
    """A relative path is that of the caller's folder; equal content gives the version that is there."""

    async def scene(gateway: Gateway, workers: Any) -> None:
        desk = Desk(gateway, workers)
        first = await desk.add_dataset("birds", {"type": "file", "path": "a/b.csv"}, tmp_path, {"target": "species"})
        again = await desk.add_dataset("birds", {"type": "file", "path": "a/b.csv"}, tmp_path, {"target": "species"})
        assert (first.version, again.version, first.created_by) == (1, 1, "local")
        assert first.rows == FACTS["acquisition"]["rows"]
        assert first.roles["target"] == "species"
        assert workers["acquisition"].sections[0] == {
            "source": {"type": "file", "path": str(tmp_path / "a/b.csv")}, "types": {}, "expect": None,
        }  # fmt: skip
        assert (await desk.datasets.find("birds", None)).digest == first.digest

    play(tmp_path / ".mtf", scene)


def test_what_the_worker_refuses_registers_nothing(tmp_path: Path) -> None:
    """A wrong section or a wrong name leaves no dataset behind."""

    async def scene(gateway: Gateway, workers: Any) -> None:
        desk = Desk(gateway, workers)
        workers["acquisition"].wrong = SpecError("no such source", field="source.type")
        with pytest.raises(MtfError, match="no such source"):
            await desk.add_dataset("birds", {"type": "x"}, tmp_path, {})
        workers["acquisition"].wrong = None
        with pytest.raises(SpecError, match="cannot be a name"):
            await desk.add_dataset("../birds", {"type": "builtin"}, tmp_path, {})
        assert (await desk.datasets.list_newest(cursor=None, limit=10)).items == []

    play(tmp_path / ".mtf", scene)


def test_without_an_acquisition_worker(tmp_path: Path) -> None:
    """A house that was opened for reading lists datasets and says why it makes none."""

    async def scene(gateway: Gateway, _: Any) -> None:
        desk = Desk(gateway, {})
        assert (await desk.datasets.list_newest(cursor=None, limit=10)).items == []
        with pytest.raises(MtfError, match="no acquisition worker"):
            await desk.add_dataset("birds", {"type": "builtin", "name": "iris"}, tmp_path, {})

    play(tmp_path / ".mtf", scene)


def test_a_model_file_is_stored_by_digest(tmp_path: Path) -> None:
    """The bytes lie under their digest; the worker that opens models said the format; equal bytes are one version."""
    (tmp_path / "forest.skops").write_bytes(b"PK\x03\x04 model")

    async def scene(gateway: Gateway, workers: Any) -> None:
        desk = Desk(gateway, workers)
        view = await desk.add_model("forest", {"type": "file", "path": "forest.skops"}, tmp_path, {})
        again = await desk.add_model("forest", {"type": "file", "path": "forest.skops"}, tmp_path, {})
        assert (view.version, again.version, view.format) == (1, 1, "skops")
        assert view.artifact is not None
        assert gateway.store.path(view.artifact.ref).read_bytes() == b"PK\x03\x04 model"
        assert workers["inference"].sections[0]["name"] == "forest.skops"

    play(tmp_path / ".mtf", scene)


def test_an_endpoint_is_a_model_without_a_file(tmp_path: Path) -> None:
    """Its address is kept, and nothing is called."""

    async def scene(gateway: Gateway, workers: Any) -> None:
        view = await Desk(gateway, workers).add_model("far", {"type": "endpoint", "url": "http://h/v2/models/m"}, tmp_path, {})
        assert view.artifact is None
        assert view.source["url"] == "http://h/v2/models/m"
        assert not workers["inference"].jobs

    play(tmp_path / ".mtf", scene)


def test_a_model_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file is told with its path."""

    async def scene(gateway: Gateway, workers: Any) -> None:
        with pytest.raises(DataError, match="cannot be read") as caught:
            await Desk(gateway, workers).add_model("forest", {"type": "file", "path": "no.skops"}, tmp_path, {})
        assert caught.value.found == str(tmp_path / "no.skops")

    play(tmp_path / ".mtf", scene)

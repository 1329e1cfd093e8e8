"""A disk that fills up, and a service that starts."""

import errno
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtf_processing.app import create_app
from mtf_processing.settings import ProcessingSettings
from tests.unit.processing.conftest import Process


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EIO])
def test_a_full_disk_is_the_error_that_is_reported(process: Process, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """The system's error reaches the job as it is: closing what was begun adds no second one."""

    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(number, "no room")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(OSError, match="no room") as caught:
        process(pa.table({"x": [1, 2], "y": [0, 1]}), train=pa.table({"x": [1, 2], "y": [0, 1]}))
    assert caught.value.errno == number


def test_the_service_is_built_from_its_settings(tmp_path: Path) -> None:
    """The worker protocol's routes are there, and nothing is opened before the lifespan begins."""
    areas = {f"{area}_url": (tmp_path / area).as_uri() for area in ("data", "artifacts", "models", "logs")}
    app = create_app(ProcessingSettings.model_validate({"token": "t" * 20, **areas}))
    paths = set(app.openapi()["paths"])
    assert {"/v1/jobs", "/v1/validate", "/v1/fingerprint"} <= paths
    assert not list(tmp_path.iterdir())


def test_names_with_dots_spaces_and_other_letters(process: Process) -> None:
    """Column names are names, not paths into nested columns."""
    names = ["a", "a.b", "a.b.c", "b c", "é", "*", "[0]", "'", "select"]
    table = pa.table({**{name: [float(index), 1.0, 2.0, 3.0] for index, name in enumerate(names)}, "y": [0, 1, 0, 1]})
    found = process(table, [{"scale": {"columns": ["a.b"]}}, {"impute": {}}], train=table, slices=["a.b.c"], weight="a")
    assert found.facts["features"] == names[1:]
    assert found.table("test.features")["a.b.c"].to_pylist() == [2.0, 1.0, 2.0, 3.0]


def test_wide_tables(process: Process) -> None:
    """3,000 columns take no longer than their values: nothing is searched column by column."""
    table = pa.table({**{f"c{index}": [1.0, 2.0, None, 4.0] for index in range(3000)}, "y": [0, 1, 0, 1]})
    found = process(table, [{"split": {"test": 0.5, "stratify": True}}, {"impute": {}}, {"scale": {}}, "drop_missing"])
    assert len(found.facts["features"]) == 3000
    assert len(found.facts["steps"][1]["columns"]) == 50

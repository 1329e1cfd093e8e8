"""The specification, the stage object, and what never enters either."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from mtf.contracts.stages import AcquisitionSpec
from mtf.errors import SpecError
from mtf.plugins import names
from mtf_acquisition.stage import STAGE


@pytest.mark.parametrize(
    ("section", "field", "fix"),
    [
        ({}, "dataset.source.type", "type: file"),
        ({"source": {"type": "fil", "path": "x"}}, "dataset.source.type", "`file`"),
        ({"source": {"type": "file"}}, "dataset.source.path", "path"),
        ({"source": {"type": "file", "path": "x", "delimeter": ";"}}, "dataset.source.delimeter", "`delimiter`"),
        ({"source": {"type": "file", "path": "x", "delimiter": ";;"}}, "dataset.source.delimiter", ""),
        ({"source": {"type": "file", "path": "x", "names": ["a", "a"]}}, "dataset.source.names", ""),
        ({"source": {"type": "file", "path": "x", "credential": "../x"}}, "dataset.source.credential", ""),
        ({"source": {"type": "file", "path": "x"}, "types": {"a": "integer"}}, "dataset.types.a", "int"),
        ({"source": {"type": "file", "path": "x"}, "types": {"a": "decimal(50,2)"}}, "dataset.types.a", "decimal"),
        ({"source": {"type": "file", "path": "x"}, "types": ["a"]}, "dataset.types", "int64"),
        ({"source": {"type": "file", "path": "x"}, "expect": {"row": 1}}, "expect.row", "`rows`"),
        ({"source": {"type": "http", "url": "ftp://x/y"}}, "dataset.source.url", ""),
        ({"source": {"type": "http", "url": "http://user:pw@x/y"}}, "dataset.source.url", ""),
        ({"source": {"type": "sql", "query": "SELECT 1"}}, "dataset.source.credential", "credential"),
        ({"source": {"type": "sql", "credential": "W", "query": "DELETE FROM t"}}, "dataset.source.query", ""),
        ({"source": {"type": "builtin", "name": "mnist"}}, "dataset.source.name", ""),
    ],
)
def test_what_is_wrong_is_named(section: dict[str, Any], field: str, fix: str) -> None:
    """Each wrong key has its path and what to do."""
    with pytest.raises(SpecError) as caught:
        STAGE.validate(section)
    assert caught.value.field == field
    assert fix in str(caught.value.fix)
    assert caught.value.fix


def test_a_password_in_an_address_is_not_repeated() -> None:
    """Not even in the error that refuses it."""
    with pytest.raises(SpecError) as caught:
        STAGE.validate({"source": {"type": "http", "url": "https://ann:hunter2@host/x.csv"}})
    assert "hunter2" not in caught.value.problem().model_dump_json()


def test_defaults_are_written_out() -> None:
    """The validated spec is a fixed point, and short forms are long."""
    spec = STAGE.validate({"source": {"type": "file", "path": "x.csv", "na_values": "?"}, "types": {"a": "decimal(10,2)"}}).spec
    assert spec["source"]["args"]["na_values"] == ["?"]
    assert spec["source"]["args"]["encoding"] == "utf-8"
    source = spec["source"]
    again = STAGE.validate({"source": {"type": source["name"], **source["args"]}, "types": spec["types"], "expect": None}).spec
    assert again == spec
    assert AcquisitionSpec.model_validate(spec).model_dump(mode="json") == spec


def test_versions_name_what_decides_the_result() -> None:
    """The plug-in, the reader and pyarrow."""
    assert set(STAGE.validate({"source": {"type": "builtin", "name": "iris"}}).versions) == {"source.builtin", "reader", "pyarrow"}


def test_sources_are_found_by_entry_point() -> None:
    """Built-ins register like a stranger's."""
    assert set(names("source")) >= {"file", "http", "sql", "builtin", "upload"}


def test_the_parent_stays_light() -> None:
    """Validating every kind of source imports no heavy library: the embedded command does it before anything else."""
    code = """
import sys
from mtf_acquisition.stage import STAGE
for source in ({"type": "file", "path": "x"}, {"type": "http", "url": "http://x/y"}, {"type": "builtin", "name": "iris"},
               {"type": "sql", "credential": "W", "query": "SELECT 1"}, {"type": "upload", "digest": "0" * 64}):
    STAGE.validate({"source": source})
print([name for name in ("pyarrow", "numpy", "pandas", "sklearn", "sqlalchemy", "httpx2", "fastapi") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_provenance_says_what_was_asked_and_decided(lab: Any) -> None:
    """Arguments, found facts and decisions are there as JSON."""
    done = lab.file("t.csv", "a,b\n1,x\n", na_values=["", "?"])
    provenance = done.facts["provenance"]
    assert provenance["source"]["type"] == "file"
    assert provenance["source"]["na_values"] == ["", "?"]
    assert provenance["decisions"]["readings"] == 1
    json.dumps(provenance)


def test_a_csv_needs_no_pandas(lab: Any) -> None:
    """Arrow imports pandas for some of its conveniences; a small job would spend most of its time there, and the image has none."""
    lab.write("t.csv", "a,b,c,d\n1,2.5,true,x\n2,,false,\n")
    code = f"""
import sys
from pathlib import Path
from mtf.plugins import SourceContext
from mtf.testing import run_stage
from mtf_acquisition.stage import STAGE
spec = STAGE.validate({{"source": {{"type": "file", "path": "t.csv"}}}}).spec
folder = Path({str(lab.folder)!r})
run_stage(STAGE.entry, spec, output=folder / "out", source=SourceContext(credentials={{}}, base=folder))
print("pandas" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

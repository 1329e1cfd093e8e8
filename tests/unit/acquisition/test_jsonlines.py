"""JSON lines."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from mtf.errors import DataError


def lines(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_types_are_those_of_json(lab: Any) -> None:
    """Numbers, truth values and texts keep their type; text that looks like a number stays text; null and empty text are missing."""
    done = lab.file("t.jsonl", lines({"i": 1, "f": 1, "b": True, "s": "7", "e": ""}, {"i": None, "f": 2.5, "b": None, "s": "8", "e": "x"}))
    assert done.types == {"i": "int64", "f": "float64", "b": "bool", "s": "utf8", "e": "utf8"}
    assert done.table.to_pylist()[1] == {"i": None, "f": 2.5, "b": None, "s": "8", "e": "x"}
    assert done.table["e"].null_count == 1


def test_keys_may_come_and_go(lab: Any) -> None:
    """A key that a line lacks is missing there; a declared type turns text into times."""
    done = lab.file("t.jsonl", lines({"a": 1}, {"b": "2020-01-01", "a": 2}, {}), types={"b": "timestamp"})
    assert done.types == {"a": "int64", "b": "timestamp"}
    assert done.table["a"].to_pylist() == [1, 2, None]


def test_a_late_key_and_a_late_type(lab: Any) -> None:
    """A key that appears, and a number that turns out text, far behind the beginning, cost a second reading and are told."""
    rows = [{"a": index} for index in range(70_000)] + [{"a": "n/a", "z": 1}]
    done = lab.file("t.jsonl", lines(*rows))
    assert done.types == {"a": "utf8", "z": "int64"}
    assert done.table["z"].null_count == 70_000
    assert done.table["a"][-1].as_py() == "n/a"
    assert any("second time" in warning for warning in done.warnings)


def test_sniffed_and_packed(lab: Any) -> None:
    """Content tells the format where the name does not."""
    assert lab.file("rows", gzip.compress(lines({"a": 1}, {"a": 2}).encode())).facts["rows"] == 2
    assert lab.file("t.ndjson", lines({"a": 1}) + "\n").facts["rows"] == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"a": 1}\n{"a": \n', "line 2 is no JSON"),
        ('{"a": 1}\n\n[1]\n', "line 3 is no JSON object"),
        ('{"a": 1}\n{"a": 1, "a": 2}\n', "line 2 names the key `a` twice"),
        ('{"a": 1}\n{"a": [1]}\n', "nested"),
        ('{"a": {"b": 1}}\n', "nested"),
        ("\n\n", "empty"),
        ('{"a": 1}\n' + "[" * 100_000, "line 2"),
        ('{"a": ""}\n{"a": "\\ud800"}\n', "line 2"),
        ('{"' + "x" * 5000 + '": 1}\n', "5,000 characters"),
        ('{"": 1}\n', "no name"),
        ("{}\n", "no columns"),
    ],
)
def test_broken_lines(lab: Any, content: str, said: str) -> None:
    """Each broken line is named with what is wrong."""
    with pytest.raises(DataError) as caught:
        lab.file("t.jsonl", content)
    assert said in caught.value.message
    assert caught.value.fix
    assert len(caught.value.message) < 300


def test_columns_leave_nested_ones_out(lab: Any) -> None:
    """`columns` is the way around a nested key."""
    assert lab.file("t.jsonl", lines({"a": 1, "n": [1]}), columns=["a"]).table.to_pydict() == {"a": [1]}

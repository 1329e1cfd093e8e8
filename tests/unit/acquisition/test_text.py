"""Types of text."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from mtf_acquisition.canonical import BOOL, FLOAT, INT, TEXT, TIME
from mtf_acquisition.text import infer, parse


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2", None], INT),
        ([" 1", "2 "], INT),
        (["007"], INT),
        (["1", "2.5"], FLOAT),
        (["1e5", "nan", "-inf"], FLOAT),
        (["99999999999999999999"], FLOAT),
        (["true", "False", "TRUE"], BOOL),
        (["true", "1"], TEXT),
        (["2020-01-01", "2020-01-01T10:00:00"], TIME),
        (["2020-01-01 10:00:00+02:00", "2020-01-01"], TIME),
        (["2020-01-01T10:00:00.123456789Z"], TIME),
        (["2020-13-01"], TEXT),
        (["20200101"], INT),
        (["0x1f"], TEXT),
        (["1,5"], TEXT),
        (["", "1"], TEXT),
        ([None, None], None),
        (["1", "x"], TEXT),
        (["12:30"], TEXT),
    ],
)
def test_infer(values: list[str | None], kind: pa.DataType | None) -> None:
    """A column is the first of int64, float64, bool and timestamp that all its values fit, else text."""
    assert infer(pa.array(values, pa.string())) == kind


def test_times_with_and_without_zone_mix() -> None:
    """A zone is honoured, no zone means UTC, and digits below the microsecond are dropped."""
    found = parse(pa.array(["2020-01-01T12:00:00+02:00", "2020-01-01T10:00:00", None, "2020-01-01T10:00:00.0000019Z"]), TIME)
    ten = dt.datetime(2020, 1, 1, 10, tzinfo=dt.UTC)
    assert found.to_pylist() == [ten, ten, None, ten + dt.timedelta(microseconds=1)]


def test_hexadecimal_is_found_in_a_slice_alone() -> None:
    """An x outside the slice is none of its business."""
    whole = pa.array(["0x1f", "12", "13"])
    assert parse(whole[1:], INT).to_pylist() == [12, 13]
    with pytest.raises(pa.ArrowInvalid):
        parse(whole, INT)

"""What each step does to values and rows, at the edges."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mtf.errors import DataError, MtfError, SpecError
from tests.unit.processing.conftest import Process


def column(process: Process, values: Any, steps: list[Any], *, train: Any = None, name: str = "a") -> list[Any]:
    """A column of the test features behind the steps."""
    found = process(one(values), steps, train=None if train is None else one(train))
    return list(found.table("test.features")[name].to_pylist())


def one(values: Any) -> pa.Table:
    """A table of one feature and a target."""
    array = values if isinstance(values, pa.Array) else pa.array(values)
    return pa.table({"a": array, "y": [index % 2 for index in range(len(array))], "z": [1] * len(array)})


def refuse(process: Process, values: Any, steps: list[Any], *, train: Any = None) -> MtfError:
    """The error that the steps get."""
    with pytest.raises(MtfError) as caught:
        column(process, values, steps, train=train)
    return caught.value


NAN = float("nan")
MOMENT = datetime(2024, 5, 17, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "type_", "expected"),
    [
        (["1", " 2 ", None], "int64", [1, 2, None]),
        (["1.0", "2", None], "int64", [1, 2, None]),
        ([1.0, NAN, None], "int64", [1, None, None]),
        ([True, False, None], "int64", [1, 0, None]),
        (["1.5", "-2e3", None], "float64", [1.5, -2000.0, None]),
        ([1, 2, None], "float64", [1.0, 2.0, None]),
        ([1, 2, None], "utf8", ["1", "2", None]),
        ([True, False, None], "utf8", ["true", "false", None]),
        (["Yes", "no", "T", "0", None], "bool", [True, False, True, False, None]),
        ([1, 0, None], "bool", [True, False, None]),
        ([1.0, NAN], "bool", [True, None]),
        (["2024-05-17T12:30:00Z", None], "timestamp", [MOMENT, None]),
        (["2024-05-17 12:30:00", None], "timestamp", [MOMENT, None]),
        (pa.array([MOMENT, None], pa.timestamp("us", tz="UTC")), "int64", [1715949000000000, None]),
        (["1.50", None], "decimal", [1.5, None]),
    ],
)
def test_cast(process: Process, values: Any, type_: str, expected: list[Any]) -> None:
    """Values keep their meaning in another type; missing stays missing, NaN included."""
    assert column(process, values, [{"cast": {"columns": {"a": type_}}}]) == expected


@pytest.mark.parametrize(
    ("values", "type_"),
    [(["1", "x"], "int64"), (["1.5"], "int64"), ([1.5, 2.0], "int64"), (["maybe"], "bool"), ([2], "bool"), (["17.5.2024"], "timestamp")],
)
def test_cast_of_values_without_meaning(process: Process, values: Any, type_: str) -> None:
    """The error shows the first one; `invalid: missing` makes them missing instead."""
    doubled = [*values, *values]
    error = refuse(process, doubled, [{"cast": {"columns": {"a": type_}}}])
    assert isinstance(error, DataError)
    assert error.field == "processing[0].cast.columns"
    assert None in column(process, doubled, [{"cast": {"columns": {"a": type_}, "invalid": "missing"}}])


@pytest.mark.parametrize(
    ("values", "pairs", "expected"),
    [
        (["a", "b", None], {"a": "x", "c": "y"}, ["x", "b", None]),
        (["a", "b", None], {"b": None}, ["a", None, None]),
        (["1", "b"], {"1": 7}, ["7", "b"]),
        ([1, 2, None], {"1": 10, "2.0": 20}, [10, 20, None]),
        ([1.0, 2.5, None], {"1": -1, "2.5": None}, [-1.0, None, None]),
        ([-999, 5], {"-999": None}, [None, 5]),
        ([True, False, None], {"true": False}, [False, False, None]),
        (["a", "b"], {"a": "b", "b": "a"}, ["b", "a"]),
        (["?", "b"], {"?": None}, [None, "b"]),
    ],
)
def test_replace(process: Process, values: Any, pairs: dict[str, Any], expected: list[Any]) -> None:
    """Old values go by name, all at once; null makes a value missing; the column keeps its type."""
    assert column(process, values, [{"replace": {"columns": ["a"], "values": pairs}}]) == expected


def test_replace_with_a_value_that_does_not_fit(process: Process) -> None:
    """A column of numbers cannot hold a text: the fix is a cast. Columns that nobody named are left alone."""
    error = refuse(process, [1, 2], [{"replace": {"columns": ["a"], "values": {"1": "one"}}}])
    assert (error.field, error.found) == ("processing[0].replace.values", "one")
    assert column(process, [1, 2], [{"replace": {"values": {"1": "one"}}}]) == [1, 2]


def test_rename(process: Process) -> None:
    """Names change, swaps too; the target follows, and two columns of one name are refused."""
    found = process(one([1, 2]), [{"rename": {"columns": {"a": "z", "z": "a", "y": "truth"}}}])
    assert found.table("test.features")["z"].to_pylist() == [1, 2]
    assert found.table("test.context")["target"].to_pylist() == [0, 1]
    assert isinstance(refuse(process, [1, 2], [{"rename": {"columns": {"a": "z"}}}]), SpecError)


def test_slices_go_by_the_old_or_the_new_name(process: Process) -> None:
    """A renamed column can be sliced by either name."""
    steps = [{"rename": {"columns": {"a": "b"}}}]
    found = process(one(["u", "v"]), steps, slices=["a", "b"], slice_values={"b": ["v"]})
    context = found.table("test.context")
    assert context["slice:a"].to_pylist() == context["slice:b"].to_pylist() == ["u", "v"]


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ([1.0, NAN, None, 2.0], [0, 3]),
        (["", None, "x", "y"], [0, 2, 3]),
        ([True, None, False, True], [0, 2, 3]),
        ([1, 2, 3, 4], [0, 1, 2, 3]),
    ],
)
def test_drop_missing(process: Process, values: Any, kept: list[int]) -> None:
    """Null and NaN are missing, an empty text is a value, and a row keeps its position as row_id."""
    found = process(one(values), ["drop_missing"])
    assert found.table("test.features")["row_id"].to_pylist() == kept
    assert found.table("test.context")["row_id"].to_pylist() == kept


@pytest.mark.parametrize(("keep", "kept"), [("first", [0, 1, 2, 4, 6]), ("last", [1, 2, 3, 5, 6])])
def test_drop_duplicates(process: Process, keep: str, kept: list[int]) -> None:
    """One of equal rows stays, over row-group borders too; missing equals missing, NaN equals null, ids do not count."""
    table = pa.table(
        {
            "id": range(10, 17),
            "a": [1.0, 2.0, 3.0, 1.0, None, NAN, 4.0],
            "b": ["x", "x", "y", "x", None, None, "x"],
            "y": [0, 0, 1, 0, 1, 1, 1],
        }
    )
    found = process(table, [{"drop_duplicates": {"keep": keep}}], id="id", row_group=2)
    assert [value - 10 for value in found.table("test.features")["row_id"].to_pylist()] == kept


def test_drop_duplicates_by_columns(process: Process) -> None:
    """Only the named columns count."""
    table = pa.table({"a": [1, 1, 2], "b": [5, 6, 5], "y": [0, 1, 0]})
    assert process(table, [{"drop_duplicates": {"columns": ["a"]}}], positive=1).facts["rows"]["test"] == 2


@pytest.mark.parametrize(
    ("values", "args", "expected"),
    [
        ([1, None, 4], {"numeric": "mean"}, [1.0, 2.5, 4.0]),
        ([1.0, NAN, 4.0, None], {"numeric": "constant", "numeric_value": -1}, [1.0, -1.0, 4.0, -1.0]),
        (pa.array([Decimal("1.5"), None, Decimal("2.5")]), {}, [1.5, 2.0, 2.5]),
        ([True, None, True, False], {}, [True, True, True, False]),
        ([True, None], {"categorical": "constant", "categorical_value": False}, [True, False]),
        (["a", None], {"categorical": "constant", "categorical_value": "?"}, ["a", "?"]),
        (["a", None], {"categorical": None}, ["a", None]),
        ([1.0, None], {"numeric": None}, [1.0, None]),
        (pa.array([MOMENT, None], pa.timestamp("us", tz="UTC")), {}, [MOMENT, None]),
        (pa.array([None, None], pa.float64()), {"numeric": "constant"}, [0.0, 0.0]),
        (pa.array([None, None], pa.string()), {"categorical": "constant"}, ["missing", "missing"]),
    ],
)
def test_impute(process: Process, values: Any, args: dict[str, Any], expected: list[Any]) -> None:
    """Every kind of column, with and without its strategy."""
    assert column(process, values, [{"impute": args}], train=values) == expected


@pytest.mark.parametrize(
    "values",
    [pa.array([None, None], pa.float64()), pa.array([NAN, NAN]), pa.array([None, None], pa.string()), pa.array([None, None], pa.null())],
)
def test_impute_of_a_column_without_values(process: Process, values: pa.Array) -> None:
    """There is nothing to learn, and the error says how to go on."""
    error = refuse(process, values, [{"impute": {}}], train=values)
    assert isinstance(error, DataError)
    assert error.field == "processing[0].impute.columns"
    assert "constant" in (error.fix or "")


def test_impute_of_times_that_were_named(process: Process) -> None:
    """Times have no mean that anyone asked for."""
    assert (
        refuse(
            process,
            pa.array([MOMENT, None], pa.timestamp("us", tz="UTC")),
            [{"impute": {"columns": ["a"]}}],
            train=pa.array([MOMENT, None], pa.timestamp("us", tz="UTC")),
        ).found
        == "a"
    )


def test_a_bool_cannot_be_filled_with_a_text(process: Process) -> None:
    """The type of a column does not depend on whether it has gaps."""
    assert (
        refuse(process, [True, None], [{"impute": {"numeric": "constant", "categorical": "constant"}}]).field
        == "processing[0].impute.categorical_value"
    )


def test_scale_of_a_constant_column(process: Process) -> None:
    """Nothing is divided by zero: the constant becomes 0, another value its distance."""
    for method in ("standard", "minmax", "robust"):
        assert column(process, [5.0, 7.0], [{"scale": {"method": method}}], train=[5.0, 5.0, 5.0]) == [0.0, 2.0]


def test_scale_keeps_gaps(process: Process) -> None:
    """Null and NaN do not count and stay missing."""
    assert column(process, [1.0, None, 3.0, NAN], [{"scale": {}}], train=[1.0, None, 3.0, NAN]) == [-1.0, None, 1.0, None]


def test_scale_of_a_column_without_values(process: Process) -> None:
    """The error names the column."""
    hole = pa.array([None, None], pa.float64())
    assert refuse(process, hole, [{"scale": {}}], train=hole).field == "processing[0].scale.columns"


def test_scale_of_infinite_values(process: Process) -> None:
    """Infinity has no mean; the column is named and nothing is written."""
    values = [1.0, float("inf"), 2.0]
    error = refuse(process, values, [{"scale": {"columns": ["a"]}}], train=values)
    assert (error.field, error.found) == ("processing[0].scale", "a")


def test_scale_of_text(process: Process) -> None:
    """Numbers are asked for."""
    assert refuse(process, ["a", "b"], [{"scale": {"columns": ["a"]}}], train=["a", "b"]).found == "a"


def test_clip(process: Process) -> None:
    """Bounds hold on both sides and leave gaps alone."""
    assert column(process, [-5, 0, None, 5], [{"clip": {"lower": -1, "upper": 2.5, "columns": ["a"]}}]) == [-1.0, 0.0, None, 2.5]


@pytest.mark.parametrize(
    "args",
    [
        {},
        {"lower": 1, "lower_quantile": 0.1},
        {"upper": 1, "upper_quantile": 0.1},
        {"lower": 2, "upper": 1},
        {"lower_quantile": 0.9, "upper_quantile": 0.1},
    ],
)
def test_clip_limits_that_contradict_each_other(process: Process, args: dict[str, Any]) -> None:
    """Said before any data is read."""
    assert isinstance(refuse(process, [1], [{"clip": args}]), SpecError)


def test_unseen_categories(process: Process) -> None:
    """`ignore` gives zeros, `error` the value and the way out; ordinal gives its number for unknown."""
    train, test = ["a", "b", "a"], ["a", "new", None]
    found = process(one(test), [{"one_hot": {}}], train=one(train)).table("test.features")
    assert found.select(["a_a", "a_b"]).to_pydict() == {"a_a": [1.0, 0.0, 0.0], "a_b": [0.0, 0.0, 0.0]}
    error = refuse(process, test, [{"one_hot": {"handle_unknown": "error"}}], train=train)
    assert (error.field, error.found) == ("processing[0].one_hot.handle_unknown", "new")
    assert column(process, test, [{"ordinal": {"unknown_value": 99}}], train=train) == [0.0, 99.0, None]


def test_category_names_of_5000_characters(process: Process) -> None:
    """Long names stay whole in the features and short in messages."""
    long = "x" * 5000
    found = process(one([long, "b"]), [{"one_hot": {}}], train=one([long, "b"]))
    assert f"a_{long}" in found.table("test.features").schema.names
    error = refuse(process, [long, "b"], [{"one_hot": {"handle_unknown": "error"}}], train=["b", "b"])
    assert len(error.message) < 300
    assert len(error.found or "") < 300


def test_too_many_categories(process: Process) -> None:
    """An id that is encoded by mistake is refused with the count."""
    ids = [f"id{index}" for index in range(10_001)]
    error = refuse(process, ids, [{"one_hot": {}}], train=ids)
    assert error.found == "10001"
    assert "max_categories" in (error.fix or "")


def test_two_features_of_one_name(process: Process) -> None:
    """one_hot of `a` makes `a_b`, which exists already."""
    table = pa.table({"a": ["b", "c"], "a_b": [1, 2], "y": [0, 1]})
    with pytest.raises(DataError) as caught:
        process(table, [{"one_hot": {}}], train=table)
    assert caught.value.found == "a_b"


def test_a_feature_named_like_the_target(process: Process) -> None:
    """one_hot must not make a second target."""
    table = pa.table({"a": ["b", "c"], "a_b": [1, 0]})
    with pytest.raises(DataError) as caught:
        process(table, [{"one_hot": {}}], train=table, target="a_b")
    assert caught.value.found == "a_b"


def test_ordinal_of_bools_and_numbers_in_a_declared_order(process: Process) -> None:
    """The order is written as the values stand in the data; one that cannot fit is refused."""
    assert column(process, [3, 1, 2, None], [{"ordinal": {"order": {"a": [3, 2, 1]}}}]) == [0.0, 2.0, 1.0, None]
    assert column(process, [True, False], [{"ordinal": {"order": {"a": [True, False]}}}]) == [0.0, 1.0]
    assert refuse(process, [1, 2], [{"ordinal": {"order": {"a": ["low", "high"]}}}]).field == "processing[0].ordinal.order"


def test_times_and_decimals_pass_through(process: Process) -> None:
    """A recipe that does not touch them hands times on as they are and decimals as float64, in values that slices share."""
    table = pa.table(
        {
            "when": pa.array([MOMENT, None], pa.timestamp("us", tz="UTC")),
            "price": pa.array([Decimal("1.25"), None]),
            "flag": [True, None],
            "y": [0, 1],
        }
    )
    found = process(table, [{"split": {"test": 0.999}}], slices=["price", "when"]).table("test.features")
    assert found.schema.types[1:] == [pa.timestamp("us", tz="UTC"), pa.float64(), pa.bool_()]
    assert found["price"].to_pylist() == [1.25, None]


def test_other_widths_and_dictionaries_are_read_as_canonical_types(process: Process) -> None:
    """float32, int8, unsigned numbers, dates, large and dictionary text arrive as the types that steps know."""
    table = pa.table(
        {
            "f": pa.array([1.5, 2.5], pa.float32()),
            "i": pa.array([1, 2], pa.int8()),
            "u": pa.array([1, 2**40], pa.uint64()),
            "d": pa.array([0, 1], pa.date32()),
            "l": pa.array(["a", "b"], pa.large_string()),
            "c": pa.array(["a", "b"]).dictionary_encode(),
            "y": [0, 1],
        }
    )
    found = process(table).table("test.features")
    assert found.schema.types[1:] == [pa.float64(), pa.int64(), pa.float64(), pa.timestamp("us", tz="UTC"), pa.string(), pa.string()]


def test_context_values_are_those_before_the_first_fitted_step(process: Process) -> None:
    """Slices, group, weight and time are read before anything is scaled or encoded, and after everything that stands before it."""
    table = pa.table({"s": ["u", "v"] * 10, "n": range(20), "g": ["p", "q"] * 10, "t": range(100, 120), "w": [1, 2] * 10, "y": [0, 1] * 10})
    steps = [
        {"replace": {"columns": ["s"], "values": {"u": "U"}}},
        {"split": {"test": 0.5}},
        {"one_hot": {}},
        {"scale": {}},
        {"rename": {"columns": {"n": "m"}}},
    ]
    found = process(table, steps, slices=["s", "n"], group="g", time="t", weight="w")
    context = found.table("test.context")
    position = context["row_id"].to_numpy()
    assert context["slice:s"].to_pylist() == [["U", "v"][index % 2] for index in position]
    assert context["slice:n"].to_pylist() == position.tolist()
    assert context["time"].to_pylist() == (position + 100).tolist()
    assert context["weight"].to_pylist() == [1.0 + index % 2 for index in position]
    assert found.facts["features"] == ["s_U", "s_v", "m"]


def test_features_and_context_are_in_step(process: Process) -> None:
    """Row by row the same ids, over many row groups, in test and train."""
    rng = np.random.default_rng(0)
    table = pa.table({"k": [f"k{index}" for index in range(1000)], "x": rng.normal(size=1000), "y": rng.integers(0, 2, 1000)})
    found = process(table, [{"split": {"test": 0.3}}, {"scale": {}}], id="k", row_group=64)
    for name in ("test", "train"):
        features, context = found.table(f"{name}.features"), found.table(f"{name}.context")
        assert features["row_id"].equals(context["row_id"])
        truth = dict(zip(table["k"].to_pylist(), table["y"].to_pylist(), strict=True))
        assert [truth[key] for key in context["row_id"].to_pylist()] == context["target"].to_pylist()

"""What is refused as soon as the data is known, and what is said."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mtf.errors import DataError, MtfError, SpecError
from tests.unit.processing.conftest import Process

ROWS = 20
TABLE = pa.table(
    {
        "age": pa.array(range(ROWS), pa.int64()),
        "sex": ["f", "m"] * (ROWS // 2),
        "site": [f"s{index % 4}" for index in range(ROWS)],
        "w": np.linspace(0, 1, ROWS),
        "y": [0, 1] * (ROWS // 2),
    }
)


def with_column(name: str, values: Any) -> pa.Table:
    """The table with one column exchanged or added."""
    column = values if isinstance(values, pa.Array) else pa.array(values)
    return (
        TABLE.set_column(TABLE.schema.get_field_index(name), name, column)
        if name in TABLE.schema.names
        else TABLE.append_column(name, column)
    )


def refuse(process: Process, table: pa.Table, steps: Any = (), **roles: Any) -> MtfError:
    """The error that a run gets."""
    with pytest.raises(MtfError) as caught:
        process(table, steps, **roles)
    return caught.value


@pytest.mark.parametrize(
    ("roles", "field"),
    [
        ({"target": "Y"}, "dataset.target"),
        ({"id": "agee"}, "dataset.id"),
        ({"weight": "ww"}, "dataset.weight"),
        ({"group": "sitee"}, "dataset.group"),
        ({"time": "when"}, "dataset.time"),
        ({"features": ["agee"]}, "dataset.features"),
        ({"drop": ["agee"]}, "dataset.drop"),
        ({"slices": ["sexx"]}, "evaluation.slices"),
        ({"slice_values": {"sexx": ["f"]}}, "evaluation.gates"),
        ({"slices": ["sex"], "slice_values": {"sex": ["female"]}}, "evaluation.gates"),
    ],
)
def test_columns_and_values_that_are_not_there(process: Process, roles: dict[str, Any], field: str) -> None:
    """Every name in the run file is looked up in the data, and the field that holds it is named."""
    error = refuse(process, TABLE, **roles)
    assert isinstance(error, SpecError)
    assert error.field == field
    assert error.fix


@pytest.mark.parametrize(
    ("step", "field"),
    [
        ({"drop_columns": {"columns": ["agee"]}}, "processing[1].drop_columns.columns"),
        ({"rename": {"columns": {"agee": "b"}}}, "processing[1].rename.columns"),
        ({"cast": {"columns": {"agee": "utf8"}}}, "processing[1].cast.columns"),
        ({"replace": {"columns": ["agee"], "values": {"1": 2}}}, "processing[1].replace.columns"),
        ({"drop_missing": {"columns": ["agee"]}}, "processing[1].drop_missing.columns"),
        ({"drop_duplicates": {"columns": ["agee"]}}, "processing[1].drop_duplicates.columns"),
        ({"impute": {"columns": ["agee"]}}, "processing[1].impute.columns"),
        ({"clip": {"columns": ["agee"], "lower": 0}}, "processing[1].clip.columns"),
        ({"scale": {"columns": ["agee"]}}, "processing[1].scale.columns"),
        ({"one_hot": {"columns": ["agee"]}}, "processing[1].one_hot.columns"),
        ({"ordinal": {"order": {"agee": ["a"]}}}, "processing[1].ordinal.order"),
    ],
)
def test_a_step_that_names_a_column_which_is_not_there(process: Process, step: Any, field: str) -> None:
    """The nearest column is in the fix, also where the step stands behind another that has to learn."""
    error = refuse(process, TABLE, [{"split": {}}, step])
    assert (error.field, error.fix) == (field, "did you mean `age`?")
    error = refuse(process, TABLE, [{"split": {}}, {"impute": {"columns": ["w"]}}, step])
    assert (error.field, error.fix) == (field.replace("[1]", "[2]"), "did you mean `age`?")


def test_the_known_values_of_a_slice_are_listed(process: Process) -> None:
    """Whoever misspelt a value sees the right ones."""
    error = refuse(process, TABLE, slices=["sex"], slice_values={"sex": ["f", "x"]})
    assert error.found == "sex=x"
    assert "f, m" in (error.fix or "")


def test_what_slices_need_is_looked_at(process: Process) -> None:
    """A column of the wrong kind and a selected value that never occurs are the run file's mistakes, told with the field that asks."""
    where = {"column": "sex", "kinds": ["integer", "float"], "field": "evaluation.slices[0].where", "why": "`sex > 5` compares it with 5"}
    error = refuse(process, TABLE, slices=["sex"], slice_demands=[where])
    assert (error.field, error.message) == ("evaluation.slices[0].where", "`sex` is text, and `sex > 5` compares it with 5")
    values = {"column": "sex", "values": ["f", "x"], "field": "evaluation.slices[1].values"}
    error = refuse(process, TABLE, slices=["sex"], slice_demands=[values])
    assert (error.field, error.found) == ("evaluation.slices[1].values", "sex=x")
    assert process(TABLE, slices=["sex"], slice_demands=[{**values, "values": ["f"], "kinds": ["text"]}]).facts["rows"]["test"] == ROWS


def test_rows_without_a_value_are_a_slice_where_there_are_some(process: Process) -> None:
    """`sex=(missing)` is known where values are missing, and refused where none is."""
    assert refuse(process, TABLE, slices=["sex"], slice_values={"sex": ["(missing)"]}).field == "evaluation.gates"
    holes = with_column("sex", [None, *["f"] * 19])
    assert process(holes, slices=["sex"], slice_values={"sex": ["(missing)"]}).facts["rows"]["test"] == ROWS


def test_slice_values_go_by_name(process: Process) -> None:
    """`age=3`, `y=1` and `flag=True` find numbers and bools; values read as they stand before the first fitted step."""
    table = with_column("flag", [True, False] * (ROWS // 2))
    steps = [{"replace": {"columns": ["sex"], "values": {"f": "female"}}}, {"split": {"seed": 1}}, {"one_hot": {}}, {"scale": {}}]
    values = {"age": ["3"], "y": ["1"], "flag": ["True"], "sex": ["female"], "w": ["0", "1.0"]}
    found = process(table, steps, slices=list(values), slice_values=values)
    assert set(found.table("test.context")["slice:sex"].to_pylist()) <= {"female", "m"}


@pytest.mark.parametrize(
    ("column", "values", "roles", "field"),
    [
        ("y", pa.array([None] * ROWS, pa.int64()), {}, "dataset.target"),
        ("y", [1] * ROWS, {}, "dataset.target"),
        ("y", [None, 1, *[0, 1] * 9], {}, "dataset.target"),
        ("y", [float("inf"), 0.5, *np.linspace(2, 3, 18)], {}, "dataset.target"),
        ("w", [-1.0, *[1.0] * 19], {"weight": "w"}, "dataset.weight"),
        ("w", [float("nan"), *[1.0] * 19], {"weight": "w"}, "dataset.weight"),
        ("w", [None, *[1.0] * 19], {"weight": "w"}, "dataset.weight"),
        ("w", [float("inf"), *[1.0] * 19], {"weight": "w"}, "dataset.weight"),
        ("w", [0.0] * 20, {"weight": "w"}, "dataset.weight"),
        ("w", ["a"] * 20, {"weight": "w"}, "dataset.weight"),
        ("site", [None, *["s"] * 19], {"group": "site"}, "dataset.group"),
        ("age", [5, 5, *range(6, 24)], {"id": "age"}, "dataset.id"),
        ("site", ["a", "a", "b", "b", *"cdefghijklmnopqr"], {"id": "site"}, "dataset.id"),
        ("age", [None, *range(19)], {"id": "age"}, "dataset.id"),
    ],
)
def test_rows_that_cannot_be_tested(process: Process, column: str, values: Any, roles: dict[str, Any], field: str) -> None:
    """Targets, weights, groups and ids must be usable in every row that remains."""
    error = refuse(process, with_column(column, values), **roles)
    assert isinstance(error, DataError)
    assert error.field == field


def test_duplicate_ids_come_with_examples_and_a_count(process: Process) -> None:
    """Two values repeat, three rows too many."""
    error = refuse(process, with_column("site", ["a", "a", "b", "b", "b", *"cdefghijklmnopq"]), id="site")
    assert "3 of the rows" in error.message
    assert error.found is not None
    assert {"a", "b"} == set(error.found.split(", "))


def test_rows_with_a_missing_target_may_be_dropped_by_a_step(process: Process) -> None:
    """drop_missing before or behind a fitted step mends them; without it the error tells how many and how."""
    table = with_column("y", [None, None, *[0, 1] * 9])
    error = refuse(process, table)
    assert error.message.startswith("2 rows")
    assert "drop_missing: {columns: [y]}" in (error.fix or "")
    assert process(table, [{"drop_missing": {"columns": ["y"]}}]).facts["rows"]["test"] == 18
    late = process(table, [{"split": {"test": 0.5}}, {"scale": {}}, {"drop_missing": {"columns": ["y"]}}]).facts
    assert late["rows"]["test"] + late["rows"]["train"] == 18
    assert refuse(process, table, [{"split": {}}, {"scale": {}}, {"drop_missing": {"columns": ["age"]}}]).field == "dataset.target"


def test_duplicates_dropped_by_a_step_are_no_duplicate_ids(process: Process) -> None:
    """Ids are judged on the rows that remain."""
    twice = pa.concat_tables([TABLE, TABLE])
    assert process(twice, ["drop_duplicates"], id="age").facts["rows"] == {"test": 20, "total": 40}


def test_features_are_what_has_no_role(process: Process) -> None:
    """All columns but target, id, weight, group, time and dropped ones; or the declared list, in its order."""
    found = process(TABLE, id="age", weight="w", group="site")
    assert found.facts["features"] == ["sex"]
    assert found.table("test.features").schema.names == ["row_id", "sex"]
    assert found.table("test.context").schema.names == ["row_id", "target", "weight", "group"]
    assert process(TABLE, drop=["w", "age"]).facts["features"] == ["sex", "site"]
    assert process(TABLE, features=["w", "age"]).facts["features"] == ["w", "age"]


def test_a_dropped_column_can_still_slice(process: Process) -> None:
    """Neither `drop` nor drop_columns takes a slice away: fairness is measured on columns that the model must not see."""
    found = process(TABLE, [{"drop_columns": {"columns": ["site"]}}], drop=["sex"], slices=["sex", "site"])
    assert found.facts["features"] == ["age", "w"]
    assert found.table("test.context").schema.names == ["row_id", "target", "slice:sex", "slice:site"]


def test_no_features_left(process: Process) -> None:
    """A model needs something to look at."""
    assert refuse(process, TABLE.select(["age", "y"]), drop=["age"]).field == "processing"


def test_a_feature_called_row_id(process: Process) -> None:
    """The name is taken."""
    assert refuse(process, with_column("row_id", list(range(ROWS)))).found == "row_id"
    assert process(with_column("row_id", list(range(ROWS))), id="row_id").facts["features"] == ["age", "sex", "site", "w"]


def test_every_row_dropped(process: Process) -> None:
    """The error says which step it was."""
    error = refuse(process, with_column("hole", pa.array([None] * ROWS, pa.float64())), [{"drop_missing": {"columns": ["hole"]}}])
    assert "drop_missing: 20 to 0 rows" in (error.found or "")


def test_columns_of_types_that_nothing_understands(process: Process) -> None:
    """Lists and the like are refused by name, unless they are dropped."""
    table = with_column("list", pa.array([[1]] * ROWS))
    assert "list" in refuse(process, table).message
    assert process(table, drop=["list"]).facts["features"] == ["age", "sex", "site", "w"]


def test_the_training_data_needs_the_same_columns(process: Process) -> None:
    """A column that only the tested data has cannot be a feature; text against numbers needs a declaration."""
    error = refuse(process, TABLE, train=TABLE.drop_columns(["age"]))
    assert error.field == "dataset.train"
    assert process(TABLE, train=TABLE.drop_columns(["age"]), drop=["age"]).facts["rows"]["train"] == ROWS
    assert refuse(process, TABLE, train=with_column("age", ["x"] * ROWS)).field == "dataset.types"
    mixed = process(TABLE, train=with_column("age", np.linspace(0, 1, ROWS)))
    assert mixed.table("test.features")["age"].type == pa.float64() == mixed.table("train.features")["age"].type


def test_a_constant_gap_in_one_table_takes_the_type_of_the_other(process: Process) -> None:
    """A column without any value has no type of its own."""
    hole = with_column("sex", pa.array([None] * ROWS, pa.float64()))
    found = process(TABLE, [{"impute": {}}], train=TABLE)
    assert found.facts["rows"]["train"] == ROWS
    assert process(hole, [{"impute": {}}], train=TABLE).table("test.features")["sex"].to_pylist() == ["f"] * ROWS


def test_the_facts_say_what_each_step_did(process: Process) -> None:
    """Rows before and after, both sides of the split, columns touched."""
    table = pa.concat_tables([with_column("age", [None, *range(19)]), with_column("age", [None, *range(19)])])
    steps = [
        "drop_missing",
        "drop_duplicates",
        {"split": {"test": 0.5, "stratify": True}},
        {"scale": {}},
        {"drop_missing": {"columns": ["age"]}},
    ]
    facts = process(table, steps).facts["steps"]
    assert facts[0] == {"name": "drop_missing", "rows_before": 40, "rows_after": 38}
    assert facts[1] == {"name": "drop_duplicates", "rows_before": 38, "rows_after": 19}
    assert facts[2] == {"name": "split", "train": 9, "test": 10}
    assert facts[3] == {"name": "scale", "columns": ["age", "w"], "column_count": 2}
    assert facts[4] == {"name": "drop_missing", "rows_before": 19, "rows_after": 19}


def test_progress_is_told(process: Process) -> None:
    """Each pass reports rows of rows."""
    events = [event for event in process(TABLE, [{"split": {}}, {"scale": {}}]).run.events if event["type"] == "progress"]
    assert {"looking at every row", "learning scale", "writing features"} == {event["message"] for event in events}
    assert all(event["done"] <= event["total"] == ROWS for event in events)

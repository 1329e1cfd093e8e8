"""A fitted recipe as a file: what it transforms again, and what it refuses."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtf.errors import DataError, MtfError, UsageError
from mtf_processing.recipes import apply, join, types
from tests.unit.processing.conftest import Process, Processed
from tests.unit.processing.test_fitting import CASES, table

CHAIN: list[dict[str, Any]] = [
    {"rename": {"columns": {"fraction": "part"}}},
    {"drop_missing": {"columns": ["flag", "y"]}},
    {"split": {"test": 0.4}},
    {"impute": {"numeric": "mean"}},
    {"clip": {"columns": ["part"], "upper_quantile": 0.95}},
    {"one_hot": {"columns": ["text"], "max_categories": 3}},
    {"scale": {"columns": ["part", "whole"]}},
]


def stored(path: Path, rows: pa.Table) -> Path:
    """The table as a stored version."""
    pq.write_table(rows, path, row_group_size=61)
    return path


def rows_of(found: Processed, name: str) -> pa.Table:
    """Features by row_id."""
    return found.table(f"{name}.features").sort_by("row_id")


@pytest.mark.parametrize(("name", "args"), CASES)
def test_a_recipe_read_from_its_file_transforms_alike(process: Process, name: str, args: dict[str, Any]) -> None:
    """Fit -> JSON -> apply equals what the fit wrote, to the last digit, for every fitted step."""
    first = process(table(), [{"split": {"test": 0.4}}, {name: args}], id="key")
    again = process(table(), recipe=first.recipe, id="key")
    both = pa.concat_tables([first.table("train.features"), first.table("test.features")]).sort_by("row_id")
    assert rows_of(again, "test").equals(both)
    assert again.facts["features"] == first.facts["features"]


def test_a_chain_applied_again(process: Process) -> None:
    """Row-dropping, renaming and fitted steps are applied to new rows, and the split is not: that is said."""
    first = process(table(), CHAIN, id="key")
    again = process(table(), recipe=first.recipe, id="key", slices=["text"], slice_values={"text": ["a"]})
    both = pa.concat_tables([first.table("train.features"), first.table("test.features")]).sort_by("row_id")
    assert rows_of(again, "test").equals(both)
    assert "slice:text" in again.table("test.context").schema.names
    assert any("split" in warning for warning in again.warnings)
    assert json.loads(again.recipe.read_text())["steps"] == [
        step for step in json.loads(first.recipe.read_text())["steps"] if step["name"] != "split"
    ]


def test_a_recipe_for_data_without_some_columns(process: Process, tmp_path: Path) -> None:
    """Columns that the recipe does not read may be absent; one that it reads is named."""
    first = process(table(), CHAIN, id="key")
    unlabelled = stored(tmp_path / "new.parquet", table(5).drop_columns(["y", "key"]))
    written = apply(first.recipe, unlabelled, tmp_path / "out.parquet")
    found = pq.read_table(tmp_path / "out.parquet")
    assert (written.rows, written.columns) == (found.num_rows, found.num_columns)
    assert found.schema.names == first.facts["features"]
    assert written.rows + written.dropped == 200
    with pytest.raises(DataError) as caught:
        apply(first.recipe, stored(tmp_path / "less.parquet", table(5).drop_columns(["whole"])), tmp_path / "none.parquet")
    assert caught.value.found == "whole"
    assert not (tmp_path / "none.parquet").exists()


def test_apply_keeps_the_target_where_there_is_one(process: Process, tmp_path: Path) -> None:
    """The table can be scored or trained on at once, and nothing is learned: garbage changes no other row."""
    first = process(table(), CHAIN, id="key")
    apply(first.recipe, stored(tmp_path / "a.parquet", table(5)), tmp_path / "a.out.parquet")
    longer = pa.concat_tables([table(5), table(6)])
    apply(first.recipe, stored(tmp_path / "b.parquet", longer), tmp_path / "b.out.parquet")
    a, b = (pq.read_table(tmp_path / f"{name}.out.parquet") for name in "ab")
    assert a.schema.names == [*first.facts["features"], "y"]
    assert b.slice(0, a.num_rows).equals(a)


def test_a_recipe_for_a_column_that_became_text(process: Process, tmp_path: Path) -> None:
    """Another kind of column is refused; whole numbers for fractions and columns without values are not."""
    first = process(table(), CHAIN, id="key")
    index = table().schema.get_field_index("fraction")
    text = table().set_column(index, "fraction", pa.array(["x"] * 200))
    with pytest.raises(DataError) as caught:
        apply(first.recipe, stored(tmp_path / "text.parquet", text), tmp_path / "out.parquet")
    assert caught.value.field == "dataset.types"
    whole = table().set_column(index, "fraction", pa.array(range(200)))
    assert apply(first.recipe, stored(tmp_path / "whole.parquet", whole), tmp_path / "out.parquet").rows
    hole = table().set_column(table().schema.get_field_index("text"), "text", pa.array([math.nan] * 200))
    assert apply(first.recipe, stored(tmp_path / "hole.parquet", hole), tmp_path / "out.parquet").rows


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"{}", b'{"kind": "other", "roles": {}, "input": {}, "features": [], "output": {}, "steps": []}']
)
def test_files_that_are_no_recipe(process: Process, tmp_path: Path, content: bytes) -> None:
    """Refused as data, with how to get one."""
    (tmp_path / "recipe.json").write_bytes(content)
    with pytest.raises(DataError) as caught:
        process(table(), recipe=tmp_path / "recipe.json")
    assert caught.value.field == "processing.recipe"


@pytest.mark.parametrize("change", [{"version": 99}, {"name": "from_elsewhere"}])
def test_a_recipe_of_other_plugins(process: Process, tmp_path: Path, change: dict[str, Any]) -> None:
    """What was fitted by another version, or by a plug-in that is not here, is not applied."""
    first = json.loads(process(table(), CHAIN, id="key").recipe.read_text())
    first["steps"][3].update(change)
    (tmp_path / "recipe.json").write_text(json.dumps(first))
    with pytest.raises(MtfError) as caught:
        process(table(), recipe=tmp_path / "recipe.json")
    assert caught.value.field == "processing.recipe"


def test_a_recipe_knows_the_types_to_declare(process: Process) -> None:
    """Text, bools and times are declared to whoever reads a text file for it; numbers are not."""
    assert types(process(table(), CHAIN, id="key").recipe) == {"text": "utf8", "flag": "bool"}


def test_join_makes_a_table_to_train_on(process: Process, tmp_path: Path) -> None:
    """Features and then the target under its own name, row by row; no row_id, which is no feature."""
    found = process(table(), CHAIN, id="key")
    for name in ("train", "test"):
        written = join(found.run.path(f"{name}.features"), found.run.path(f"{name}.context"), tmp_path / f"{name}.parquet", target="y")
        joined = pq.read_table(tmp_path / f"{name}.parquet")
        assert joined.schema.names == [*found.facts["features"], "y"]
        assert joined.num_rows == written.rows == found.facts["rows"][name]
        assert joined["y"].equals(found.table(f"{name}.context")["target"])
        assert joined.drop_columns(["y"]).equals(found.table(f"{name}.features").drop_columns(["row_id"]))


def test_join_refuses_what_does_not_belong_together(process: Process, tmp_path: Path) -> None:
    """Two row sets of different length, and a place that cannot be written; no file is left behind."""
    found = process(table(), CHAIN, id="key")
    with pytest.raises(DataError):
        join(found.run.path("train.features"), found.run.path("test.context"), tmp_path / "x.parquet", target="y")
    with pytest.raises(UsageError):
        join(found.run.path("test.features"), found.run.path("test.context"), tmp_path / "no" / "x.parquet", target="y")
    assert not [path for path in tmp_path.glob("**/*x.parquet*") if path.is_file()]


def test_the_recipe_says_what_it_reads_and_makes(process: Process) -> None:
    """Input kinds, output names and rows stand in the file, and no value of the data but what was learned."""
    recipe = json.loads(process(table(), CHAIN, id="key").recipe.read_text())
    assert recipe["input"] == {"fraction": "float", "whole": "integer", "text": "text", "flag": "bool"}
    assert list(recipe["output"])[:2] == ["part", "whole"]
    assert recipe["rows"]["train"] > recipe["rows"]["test"]
    assert np.isfinite(recipe["steps"][3]["params"]["columns"]["part"]["value"])

"""Nothing is learned from test rows, and nothing depends on how a file was cut."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtf.contracts.stages import PluginCall, Roles
from mtf.plugins import load, names
from mtf_processing.kernels.moments import Moments
from mtf_processing.kernels.quantiles import RELATIVE_ERROR, Quantiles
from mtf_processing.learning import learn
from mtf_processing.pipeline import Pipeline
from mtf_processing.rows import TRAIN, Rows
from mtf_processing.rules import bind
from mtf_processing.version import Version
from tests.unit.processing.conftest import Process

ROWS = 200

FITTED: dict[str, list[dict[str, Any]]] = {
    "impute": [{"numeric": "median"}, {"numeric": "mean"}, {"numeric": "constant"}],
    "clip": [{"lower_quantile": 0.1, "upper_quantile": 0.9}, {"lower": 0.0}],
    "scale": [{"method": "standard"}, {"method": "minmax"}, {"method": "robust"}],
    "one_hot": [{}, {"max_categories": 3}, {"columns": ["text", "flag", "whole"]}],
    "ordinal": [{}, {"columns": ["text", "whole"]}, {"order": {"text": ["a", "b"]}}],
}
CASES = [(name, args) for name, variants in FITTED.items() for args in variants]


def table(seed: int = 0, rows: int = ROWS) -> pa.Table:
    """Columns of every kind, with gaps."""
    rng = np.random.default_rng(seed)
    gaps = rng.random(rows) < 0.15
    return pa.table(
        {
            "key": np.arange(rows) + 1000 * seed,
            "fraction": pa.array(rng.normal(3, 10, rows), mask=gaps),
            "whole": pa.array(rng.integers(0, 9, rows), mask=rng.random(rows) < 0.1),
            "text": pa.array(rng.choice(["a", "b", "c", "dd"], rows), mask=rng.random(rows) < 0.1),
            "flag": pa.array(rng.random(rows) < 0.3, mask=rng.random(rows) < 0.1),
            "y": rng.integers(0, 3, rows),
        }
    )


def garbage(rows: int) -> dict[str, pa.Array]:
    """Values that would change whatever is learned from them."""
    return {
        "fraction": pa.array(np.where(np.arange(rows) % 3 == 0, np.nan, 1e12)),
        "whole": pa.array(np.arange(rows) * 10**6),
        "text": pa.array([f"garbage {index}" for index in range(rows)]),
        "flag": pa.array([None] * rows, pa.bool_()),
    }


def test_every_fitted_step_is_proven() -> None:
    """No built-in step of the kind `fitted` is missing from these tests."""
    assert {
        name
        for name in names("step")
        if load("step", name).kind == "fitted" and type(load("step", name)).__module__.startswith("mtf_processing")
    } == set(FITTED)


@pytest.mark.parametrize(("name", "args"), CASES)
def test_garbage_in_the_test_rows_changes_nothing_that_is_learned(process: Process, name: str, args: dict[str, Any]) -> None:
    """With an id the split knows no values, so the same rows are test rows; the fitted recipe and the training features are identical."""
    clean = table()
    steps = [{"split": {"test": 0.4, "seed": 3}}, {name: args}]
    first = process(clean, steps, id="key")
    test = np.isin(clean["key"].to_numpy(), first.table("test.context")["row_id"].to_numpy())
    dirty = clean
    for column, values in garbage(ROWS).items():
        mixed = pa.compute.if_else(pa.array(test), values, clean[column].combine_chunks())
        dirty = dirty.set_column(dirty.schema.get_field_index(column), column, mixed)
    second = process(dirty, steps, id="key")
    one, two = (json.loads(found.recipe.read_text()) for found in (first, second))
    assert one["steps"] == two["steps"]
    assert first.table("train.features").equals(second.table("train.features"))
    assert first.table("test.context")["row_id"].equals(second.table("test.context")["row_id"])


@pytest.mark.parametrize(("name", "args"), CASES)
def test_garbage_in_the_tested_version_changes_nothing_that_train_teaches(process: Process, name: str, args: dict[str, Any]) -> None:
    """The same holds where the training rows come in a table of their own."""
    train, test = table(1), table(2)
    dirty = test
    for column, values in garbage(ROWS).items():
        dirty = dirty.set_column(dirty.schema.get_field_index(column), column, values)
    recipes = [json.loads(process(found, [{name: args}], train=train, id="key").recipe.read_text())["steps"] for found in (test, dirty)]
    assert recipes[0] == recipes[1]


@pytest.mark.parametrize(("name", "args"), CASES)
def test_the_fit_does_not_depend_on_row_groups(process: Process, name: str, args: dict[str, Any]) -> None:
    """Files with row groups of 7, 64 and 200 rows give the same recipe to the last digit."""
    steps = [{"split": {"test": 0.4}}, {name: args}]
    found = [json.loads(process(table(), steps, id="key", row_group=size).recipe.read_text()) for size in (7, 64, ROWS)]
    assert found[0]["steps"] == found[1]["steps"] == found[2]["steps"]


def fit(path: Path, name: str, args: dict[str, Any], *, block: int, memory: int) -> dict[str, Any]:
    """The parameters that one step learns from a whole file."""
    version = Version.open(path, "train")
    line = Pipeline.bind([bind(0, PluginCall(name=name, args=args))], version.schema, Roles(target="y", id="key"))
    learn(line, Rows.of(version, line, TRAIN, lambda _rows, _what: None), block=block, memory=memory)
    assert line.params[0] is not None
    return line.params[0]


@pytest.mark.parametrize(
    ("name", "args"), [case for case in CASES if "constant" not in case[1].values() and "lower" not in case[1] and "order" not in case[1]]
)
def test_states_merge(tmp_path: Path, name: str, args: dict[str, Any]) -> None:
    """Whatever the blocks and however columns take turns, the same is learned up to the rounding of sums."""
    pq.write_table(table(), tmp_path / "t.parquet", row_group_size=31)
    whole = fit(tmp_path / "t.parquet", name, args, block=10**6, memory=10**9)
    for block, memory in ((1, 10**9), (7, 1), (64, 8 * ROWS)):
        parts = fit(tmp_path / "t.parquet", name, args, block=block, memory=memory)
        assert list(parts["columns"]) == list(whole["columns"])
        for column, learned in whole["columns"].items():
            assert _close(parts["columns"][column], learned)


def _close(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_close(a[key], b[key]) for key in a)
    return bool(a == pytest.approx(b, rel=1e-13)) if isinstance(a, float) else bool(a == b)


floats = st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), max_size=60)


@settings(deadline=None)
@given(floats, st.lists(st.integers(0, 60), max_size=4))
def test_moments_merge_to_numpys(values: list[float], cuts: list[int]) -> None:
    """Any cut into parts gives numpy's mean and variance."""
    array = np.array(values, dtype=float)
    state = Moments.of(np.zeros(0))
    for part in np.split(array, sorted(min(cut, len(array)) for cut in cuts)):
        state = state.merge(Moments.of(part))
    present = array[~np.isnan(array)]
    assert state.n == present.size
    if present.size:
        scale = float(np.abs(present).max()) or 1.0
        assert state.mean == pytest.approx(present.mean(), rel=1e-12, abs=1e-12 * scale)
        assert state.variance == pytest.approx(present.var(), rel=1e-9, abs=1e-12 * scale**2)
        assert (state.low, state.high) == (present.min(), present.max())


@settings(deadline=None)
@given(
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=60), st.lists(st.integers(0, 60), max_size=4), st.floats(0, 1), st.integers(0, 80)
)
def test_quantiles_are_exact_and_beyond_their_limit_within_the_bound(
    values: list[float], cuts: list[int], share: float, exact: int
) -> None:
    """Up to the limit numpy's quantile to the last digit, whatever the parts; beyond it within the stated error."""
    array = np.array(values)
    state = Quantiles.of(np.zeros(0), exact)
    for part in np.split(array, sorted(min(cut, len(array)) for cut in cuts)):
        state = state.merge(Quantiles.of(part, exact))
    (found,) = state.at([share])
    expected = float(np.quantile(array, share))
    if len(values) <= exact:
        assert found == expected
    else:
        nearby = float(np.abs(array).max())
        assert abs(found - expected) <= RELATIVE_ERROR * nearby + 1e-300
        assert found == Quantiles.of(array, exact).at([share])[0]


def test_steps_that_need_each_other_are_fitted_in_turn(process: Process) -> None:
    """Scale behind one_hot scales the encoded columns, and impute before it fills what it scales."""
    found = process(table(), [{"split": {}}, {"impute": {}}, {"one_hot": {}}, {"scale": {}}, {"drop_missing": {}}], id="key")
    train = found.table("train.features").to_pandas().drop(columns=["row_id", "flag"])
    assert "text_a" in train
    np.testing.assert_allclose(train.mean(), 0, atol=1e-12)
    np.testing.assert_allclose(train.std(ddof=0), 1, atol=1e-12)

"""Every frame that people hold is welcome, none of their libraries is loaded by us, and the caller's state is left alone."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import mtf

RANDOM = np.random.default_rng(3)
N = 240
TRUTH = RANDOM.integers(0, 2, N)
SCORE = np.clip(0.35 + 0.3 * TRUTH + 0.25 * RANDOM.normal(size=N), 0.01, 0.99).round(3)
TABLE = {
    "truth": TRUTH.tolist(),
    "score": SCORE.tolist(),
    "place": RANDOM.choice(["Bergen", "Oslo", "Tromsø"], N).tolist(),
    "old": (RANDOM.random(N) < 0.4).tolist(),
    "weight": RANDOM.integers(1, 5, N).tolist(),
    "patient": RANDOM.integers(0, 60, N).tolist(),
}

FRAMES: dict[str, Callable[[], Any]] = {
    "dictionary": lambda: TABLE,
    "pandas": lambda: pd.DataFrame(TABLE),
    "pandas, shuffled index": lambda: pd.DataFrame(TABLE, index=RANDOM.permutation(N)),
    "pandas, nullable": lambda: pd.DataFrame(TABLE).convert_dtypes(),
    "pandas, Arrow": lambda: pd.DataFrame(TABLE).convert_dtypes(dtype_backend="pyarrow"),
    "pandas, categories and objects": lambda: pd.DataFrame(TABLE).astype({"place": "category", "truth": object}),
    "polars": lambda: pl.DataFrame(TABLE),
    "polars, two chunks": lambda: pl.concat([pl.DataFrame(TABLE)[:100], pl.DataFrame(TABLE)[100:]], rechunk=False),
    "Arrow": lambda: pa.table(TABLE),
    "Arrow, two chunks": lambda: pa.concat_tables([pa.table(TABLE)[:100], pa.table(TABLE)[100:]]),
    "numpy": lambda: {name: np.array(values) for name, values in TABLE.items()},
    "numpy, objects": lambda: {name: np.array(values, dtype=object) for name, values in TABLE.items()},
}


def _slices(frame: Any) -> Any:
    if isinstance(frame, dict):
        return {name: frame[name] for name in ("place", "old")}
    return frame.select(["place", "old"]) if hasattr(frame, "select") else frame[["place", "old"]]


@pytest.mark.parametrize("name", FRAMES)
def test_every_frame_gives_the_same_report(name: str) -> None:
    """Truth, scores, weights, groups and slices from one frame of any kind: the report is that of plain lists, to the last digit."""
    frame = FRAMES[name]()
    found = mtf.evaluate(frame["truth"], y_score=frame["score"], weight=frame["weight"], group=frame["patient"], slices=_slices(frame))
    plain = mtf.evaluate(
        TABLE["truth"],
        y_score=TABLE["score"],
        weight=TABLE["weight"],
        group=TABLE["patient"],
        slices={"place": TABLE["place"], "old": TABLE["old"]},
    )
    assert found.metrics == plain.metrics
    assert [(one.name, one.rows, one.metrics) for one in found.slices] == [(one.name, one.rows, one.metrics) for one in plain.slices]


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_the_type_of_a_score_is_not_part_of_the_metric(kind: type) -> None:
    """A sure and wrong probability costs the same in every type, where scikit-learn's clip depends on it."""
    score = np.array([0.0, 1.0, 0.5, 0.5], dtype=kind)
    value = mtf.evaluate([1, 1, 0, 1], y_score=score).metrics["log_loss"]
    assert value.value == pytest.approx((-np.log(np.finfo(np.float64).eps) + 2 * np.log(2)) / 4, rel=1e-9)
    assert value.reliable is False
    assert "probability of 0" in (value.reason or "")


@pytest.mark.parametrize(("name", "wide"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame), ("Arrow", pa.table)])
def test_scores_may_come_as_a_frame(name: str, wide: Callable[[Any], Any]) -> None:
    """One column for each label, in the order of the labels."""
    scores = RANDOM.dirichlet([1, 1, 1], N)
    truth = [("a", "b", "c")[row.argmax()] if number % 3 else "b" for number, row in enumerate(scores)]
    found = mtf.evaluate(truth, y_score=wide({label: scores[:, code] for code, label in enumerate("abc")}))
    assert found.metrics == mtf.evaluate(truth, y_score=scores).metrics, name


def test_no_frame_library_is_needed() -> None:
    """Arrays are evaluated where pandas, polars and scikit-learn are not installed; none of them is loaded unless it is given."""
    script = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"pandas", "polars", "sklearn", "matplotlib"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
import numpy as np, mtf
report = mtf.evaluate(np.array([0, 1] * 50), y_score=np.linspace(0, 1, 100), slices={"a": np.array(["x", "y"] * 50)})
print(len(report.to_json()) > 1000, len(report._repr_html_()) > 500, len(report.to_html()) > 10_000)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True True True"


def test_the_callers_random_state_is_left_alone() -> None:
    """Draws behind intervals come from our own generator: numpy's and Python's global ones go on where they were."""
    np.random.seed(5)  # noqa: NPY002 - the caller's old habit is what is protected
    random.seed(5)
    before = np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    mtf.evaluate(TABLE["truth"], y_score=TABLE["score"])
    assert (np.random.get_state()[1].tolist(), random.getstate()) == before  # noqa: NPY002


def test_arrays_that_may_not_be_written_are_read() -> None:
    """Read-only views and memory maps are enough, and stay as they were."""
    truth, score = TRUTH.copy(), SCORE.copy()
    for array in (truth, score):
        array.setflags(write=False)
    assert mtf.evaluate(truth, y_score=score).metrics == mtf.evaluate(TRUTH, y_score=SCORE).metrics

"""Rows and models for the tests of hostile models."""

from __future__ import annotations

import pickle
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mtf.contracts.job import Limits
from mtf.testing import StageRun, run_stage

ROWS = 6
SPEC = {"loader": {"name": "pickle"}, "task": "binary", "labels": ["a", "b"]}
HEAD = """
import os, sys
class Model:
    classes_ = ["a", "b"]
    def predict(self, rows):
        return self.answer(rows) or ["a"] * len(rows)
    def answer(self, rows):
        return None
"""


class Built:
    """Unpickles into whatever `model` is after `code` ran: what an attacker's `__reduce__` does."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return eval, ("(exec(code, space), space['model'])[1]", {"code": self.code, "space": {"__name__": "hostile"}})


def model(folder: Path, *, load: str = "pass", predict: str = "pass") -> Path:
    """A pickle that runs `load` while it is opened, and `predict` while it scores (`rows` is what it was given)."""
    code = f"{HEAD}{textwrap.dedent(load)}\ndef answer(self, rows):\n{textwrap.indent(textwrap.dedent(predict), '    ')}\n"
    path = folder / "model.pkl"
    path.write_bytes(pickle.dumps(Built(f"{code}Model.answer = answer\nmodel = Model()\n")))
    return path


def rows(folder: Path) -> dict[str, Path]:
    """Six rows with one feature."""
    features, context = folder / "features.parquet", folder / "context.parquet"
    ids = pa.array(range(ROWS), pa.int64())
    pq.write_table(pa.table({"row_id": ids, "x": pa.array([float(n) for n in range(ROWS)])}), features)
    pq.write_table(pa.table({"row_id": ids, "target": ["a", "b"] * (ROWS // 2)}), context)
    return {"test.features": features, "test.context": context}


def score(folder: Path, path: Path, *, timeout: float = 60, memory: int = 1 << 30, **options: Any) -> StageRun:
    """Run the stage on a model file with pickles switched on."""
    return run_stage(
        "mtf_inference.execute:execute",
        SPEC,
        output=folder / "out",
        inputs={**rows(folder), "model": path},
        options={"allow_pickle": True, "sandbox": "prefer", **options},
        limits=Limits(timeout=timeout, memory=memory),
    )


def predictions(run: StageRun) -> list[int | None]:
    """The codes that were written."""
    return list(pq.read_table(run.path("test.scored")).column("prediction").to_pylist())

"""Rows and small real models, trained once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from mtf.contracts.job import Limits
from mtf.testing import StageRun, run_stage

SPECIES = ["setosa", "versicolor", "virginica"]
Score = Callable[..., StageRun]


@pytest.fixture(scope="session")
def iris() -> tuple[Any, np.ndarray]:
    """Features as a frame with short names, and species by name."""
    frame, codes = load_iris(return_X_y=True, as_frame=True)
    frame.columns = ["a", "b", "c", "d"]
    return frame, np.array(SPECIES)[codes]


@pytest.fixture(scope="session")
def logistic(iris: tuple[Any, np.ndarray]) -> LogisticRegression:
    """A model that knows its feature names."""
    return LogisticRegression(max_iter=500).fit(*iris)


@pytest.fixture(scope="session")
def plain(iris: tuple[Any, np.ndarray]) -> LogisticRegression:
    """The same model, fitted on a matrix of float32."""
    return LogisticRegression(max_iter=500).fit(iris[0].to_numpy(np.float32), iris[1])


@pytest.fixture
def row_set(tmp_path: Path) -> Callable[..., dict[str, Path]]:
    """Writes features and context as the processing stage does."""

    def write(features: dict[str, Any], target: Any, **context: Any) -> dict[str, Path]:
        size = len(target)
        ids = context.pop("row_id", pa.array(range(size), pa.int64()))
        paths = {"test.features": tmp_path / "features.parquet", "test.context": tmp_path / "context.parquet"}
        pq.write_table(pa.table({"row_id": ids, **features}), paths["test.features"])
        pq.write_table(pa.table({"row_id": ids, "target": target, **context}), paths["test.context"], row_group_size=37)
        return paths

    return write


@pytest.fixture
def score(tmp_path: Path) -> Score:
    """Runs the stage."""

    def run(loader: str, inputs: dict[str, Path], *, options: dict[str, Any] | None = None, **spec: Any) -> StageRun:
        args, cpus = spec.pop("args", {}), spec.pop("cpus", 1.0)
        return run_stage(
            "mtf_inference.execute:execute",
            {"loader": {"name": loader, "args": args}, **spec},
            output=tmp_path / "out",
            inputs=inputs,
            options=options,
            limits=Limits(timeout=60, memory=2 << 30, cpus=cpus),
        )

    return run

"""Run the stage on small tables, here and without a child."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtf.testing import StageRun, run_stage
from mtf_processing.stage import STAGE


@dataclass(frozen=True)
class Processed:
    """What one run of the stage wrote."""

    run: StageRun

    def table(self, output: str) -> pa.Table:
        """A Parquet output."""
        return pq.read_table(self.run.path(output))

    @property
    def facts(self) -> Mapping[str, Any]:
        """The facts."""
        return self.run.outcome.facts

    @property
    def warnings(self) -> Sequence[str]:
        """The warnings."""
        return self.run.outcome.warnings

    @property
    def recipe(self) -> Path:
        """The fitted recipe."""
        return self.run.path("recipe")


Process = Callable[..., Processed]


@pytest.fixture
def process(tmp_path: Path) -> Process:
    """`process(table, steps, target="y", ...)` validates the section as the gateway does, then runs the stage."""
    count = 0

    def run(
        table: pa.Table,
        steps: Sequence[Any] = (),
        *,
        train: pa.Table | None = None,
        recipe: Path | None = None,
        slices: Sequence[str] = (),
        slice_values: Mapping[str, list[str]] | None = None,
        slice_demands: Sequence[Mapping[str, Any]] = (),
        task: str | None = None,
        positive: Any = None,
        seed: int = 0,
        row_group: int = 1_000_000,
        **roles: Any,
    ) -> Processed:
        nonlocal count
        count += 1
        folder = tmp_path / str(count)
        folder.mkdir()
        inputs = {"data": folder / "data.parquet"}
        pq.write_table(table, inputs["data"], row_group_size=row_group)
        if train is not None:
            inputs["train"] = folder / "train.parquet"
            pq.write_table(train, inputs["train"], row_group_size=row_group)
        if recipe is not None:
            inputs["recipe"] = recipe
        section = {
            "steps": list(steps),
            "roles": {"target": "y", **roles},
            "fit_source": train is not None or recipe is not None,
            "task": task,
            "positive": positive,
            "seed": seed,
        }
        spec = {**STAGE.validate(section).spec, "slices": list(slices), "slice_values": dict(slice_values or {})}
        spec["slice_demands"] = list(slice_demands)
        return Processed(run_stage(STAGE.entry, spec, output=folder / "out", inputs=inputs))

    return run

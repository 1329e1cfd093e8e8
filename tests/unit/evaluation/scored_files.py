"""Files as the inference stage writes them, and runs of the evaluation on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mtf.contracts.report import Report
from mtf.plugins import Sample
from mtf.testing import StageRun, run_stage
from mtf_evaluation.stage import STAGE

ENTRY = "mtf_evaluation.execute:execute"


def table(sample: Sample, slices: Mapping[str, Any] | None = None, *, row_id: Sequence[Any] | None = None) -> pa.Table:
    """A sample as a scored table."""
    kind = pa.float64() if sample.task == "regression" else pa.int32()
    columns: dict[str, Any] = {
        "row_id": pa.array(range(len(sample.target)) if row_id is None else row_id),
        "target": pa.array(sample.target, kind),
        "prediction": pa.array(sample.prediction, kind),
    }
    if sample.weight is not None:
        columns["weight"] = pa.array(sample.weight)
    if sample.group is not None:
        columns["group"] = pa.array([f"g{code}" for code in sample.group])
    if sample.scores is not None:
        columns |= {f"score_{index}": pa.array(sample.scores[:, index]) for index in range(sample.scores.shape[1])}
    return pa.table(columns | {f"slice:{name}": pa.array(values) for name, values in (slices or {}).items()})


def spec(sample: Sample, evaluation: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """The stage's spec, as the gateway composes it."""
    validated = STAGE.validate({"evaluation": {"task": sample.task} | dict(evaluation or {})}).spec
    labels = list(sample.labels) or None
    titles = {"name": "demo", "dataset": "rows@1", "model": "forest@2", "baseline": "older"}
    return validated | {"task": sample.task, "labels": labels, "titles": titles} | more


def run(folder: Path, spec: Mapping[str, Any], scored: pa.Table, baseline: pa.Table | None = None) -> StageRun:
    """The stage on these tables."""
    folder.mkdir(parents=True, exist_ok=True)
    inputs = {"scored": folder / "scored.parquet"}
    pq.write_table(scored, inputs["scored"])
    if baseline is not None:
        inputs["baseline"] = folder / "baseline.parquet"
        pq.write_table(baseline, inputs["baseline"])
    return run_stage(ENTRY, spec, output=folder / "out", inputs=inputs)


def report(done: StageRun) -> Report:
    """The report that a run wrote."""
    return Report.model_validate_json(done.path("report").read_bytes())

"""The report of rows measured in parts is the report of the same rows in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtf.compute import local
from mtf.contracts.report import Report
from mtf.contracts.stages import EvaluateSpec
from mtf.errors import DataError
from mtf.plugins import Sample
from mtf_evaluation import assemble, baseline, render
from mtf_evaluation.gates.grammar import parse
from mtf_evaluation.scored import read
from mtf_evaluation.streams import report as streams
from mtf_evaluation.streams.chunks import ParquetChunks
from tests.unit.evaluation import samples
from tests.unit.evaluation.streams.test_measure import agree

N = 30_000


def _table(sample: Sample, *, seed: int = 0) -> pa.Table:
    random = np.random.default_rng(seed)
    n = sample.target.size
    columns: dict[str, Any] = {"row_id": np.arange(n), "target": sample.target, "prediction": sample.prediction}
    if sample.scores is not None:
        columns |= {f"score_{code}": sample.scores[:, code] for code in range(sample.scores.shape[1])}
    columns["slice:age"] = random.integers(18, 24, n)
    columns["slice:sex"] = np.array(["F", "M", "X"])[random.choice(3, n, p=[0.5, 0.45, 0.05])]
    return pa.table(columns)


def _written(path: Path, table: pa.Table, rows: int) -> Path:
    pq.write_table(table, path, row_group_size=rows)
    return path


def _spec(sample: Sample, gates: tuple[str, ...] = (), slices: tuple[Any, ...] = ()) -> EvaluateSpec:
    terms = [parse(gate).model_dump() for gate in gates]
    return EvaluateSpec.model_validate(
        {
            "task": sample.task,
            "labels": list(sample.labels) or None,
            "gates": terms,
            "slices": list(slices),
            "titles": {"baseline": "older"},
        }
    )


def _both(tmp_path: Path, spec: EvaluateSpec, ours: pa.Table, theirs: pa.Table | None = None) -> tuple[Report, Report]:
    """In parts, and in memory."""
    path = _written(tmp_path / "scored.parquet", ours, 1_000)
    older = None if theirs is None else _written(tmp_path / "older.parquet", theirs, 1_700)
    labels = spec.labels

    def chunks(file: Path) -> ParquetChunks:
        return ParquetChunks(file, task=spec.task, labels=labels, chunk=8_000)

    with local(2) as runner:
        parts = streams.report(spec, chunks(path), None if older is None else chunks(older), runner=runner, progress=lambda *_: None)
    scored = read(path, task=spec.task, labels=labels)
    other = None if older is None else baseline.align(scored, read(older, task=spec.task, labels=labels), title="older")
    return parts, assemble.report(spec, scored, other, progress=lambda *_: None)


@pytest.mark.parametrize("make", [samples.binary, samples.multiclass, samples.regression])
def test_the_whole_document_agrees(tmp_path: Path, make: Any) -> None:
    """Metrics, slices in their order, gates with their verdicts, and a page that can be drawn."""
    sample = make(N, seed=3)
    bound, metric = (">= 0.5", "accuracy") if sample.task != "regression" else ("<= 2", "mae")
    gates = (f"{metric} {bound}", f"{metric} {bound} in sex=F", f"{metric} {bound} in worst slice of sex", f"point({metric}) {bound}")
    parts, memory = _both(tmp_path, _spec(sample, gates, (["sex"], ["sex", "age"])), _table(sample))
    assert (parts.rows, parts.verdict) == (memory.rows, memory.verdict)
    assert [gate.verdict for gate in parts.gates] == [gate.verdict for gate in memory.gates]
    for name, value in memory.metrics.items():
        agree(name, parts.metrics[name], value)
    assert [(one.name, one.rows) for one in parts.slices] == [(one.name, one.rows) for one in memory.slices]
    for one, other in zip(parts.slices[:3], memory.slices[:3], strict=True):
        for name, value in other.metrics.items():
            agree(name, one.metrics[name], value)
    assert "streamed" in parts.notes["evaluation"]
    assert len(render.to_html(parts)) < 1_000_000
    if sample.task != "regression":
        assert parts.plots["confusion"] == memory.plots["confusion"]


@pytest.mark.parametrize("make", [samples.binary, samples.multiclass, samples.regression])
def test_a_baseline_is_compared_row_by_row(tmp_path: Path, make: Any) -> None:
    """Difference, interval and p-value of metrics with influence values; a gate on them gives the same verdict."""
    sample = make(N, seed=3)
    other = make(N, seed=3, **({"noise": 1.3} if sample.task == "regression" else {}))
    if sample.task != "regression":
        random = np.random.default_rng(8)
        scores = other.scores * random.uniform(0.7, 1.3, other.scores.shape)
        scores /= scores.sum(axis=1, keepdims=True)
        other = Sample(other.task, other.target, scores.argmax(axis=1).astype(np.int32), scores, other.labels)
    metric = "mae" if sample.task == "regression" else "log_loss"
    gates = (f"{metric} not worse than baseline by 0.01",)
    parts, memory = _both(tmp_path, _spec(sample, gates), _table(sample), _table(other))
    found = {one.metric: one for one in parts.comparisons}
    compared = 0
    for one in memory.comparisons:
        mine = found[one.metric]
        if (
            one.difference is None
            or one.lower is None
            or one.upper is None
            or one.interval_method in {"tango", "none"}
            or mine.lower is None
        ):
            continue
        compared += 1
        width = one.upper - one.lower
        bound = sum(report.metrics[one.metric].bound or 0.0 for report in (parts, parts))
        assert mine.difference == pytest.approx(one.difference, abs=1e-9 + bound)
        assert mine.lower == pytest.approx(one.lower, abs=0.02 * width + bound), one.metric
        assert mine.p_value == pytest.approx(one.p_value, abs=0.05), one.metric
    assert compared >= 5
    assert [gate.verdict for gate in parts.gates] == [gate.verdict for gate in memory.gates]


def test_a_baseline_on_other_rows_is_refused(tmp_path: Path) -> None:
    """The error names the baseline, as for rows in memory."""
    sample = samples.binary(N, seed=3)
    theirs = _table(sample).set_column(0, "row_id", pa.array(np.arange(N) + 5))
    with pytest.raises(DataError, match="older"):
        _both(tmp_path, _spec(sample), _table(sample), theirs)


def test_quantiles_have_one_set_of_edges(tmp_path: Path) -> None:
    """Slices by quantiles are the same in every part, and the same as in memory."""
    sample = samples.binary(N, seed=3)
    by_age = {"name": "age", "kind": "quantiles", "columns": ["age"], "quantiles": 4}
    parts, memory = _both(tmp_path, _spec(sample, slices=([by_age],)), _table(sample))
    assert [(one.name, one.rows) for one in parts.slices] == [(one.name, one.rows) for one in memory.slices]

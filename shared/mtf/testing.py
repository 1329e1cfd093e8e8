"""What authors of plug-ins test with: run a stage function in this process, on files, without a server or a child; check a plug-in's promises."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtf.contracts.job import Limits
from mtf.contracts.stages import Roles
from mtf.jobs.child import Emitter, JobContext
from mtf.plugins import RankMetric, RowMetric, Sample, SourceContext, StageOutcome, resolve

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class StageRun:
    """What one stage function did."""

    outcome: StageOutcome
    folder: Path
    events: list[dict[str, Any]] = field(default_factory=list)

    def path(self, output: str) -> Path:
        """The file of a named output."""
        return self.folder / self.outcome.outputs[output]


def run_stage(
    entry: str,
    spec: Mapping[str, Any],
    *,
    output: Path,
    inputs: Mapping[str, Path] | None = None,
    source: SourceContext | None = None,
    options: Mapping[str, Any] | None = None,
    limits: Limits | None = None,
) -> StageRun:
    """Run `module:function` of a stage here and return its outcome and events. Errors of the stage are raised as they are."""
    output.mkdir(parents=True, exist_ok=True)
    events_file = output.parent / f"{output.name}.events"
    descriptor = os.open(events_file, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    try:
        context = JobContext(
            stage=entry.partition(".")[0].removeprefix("mtf_"),
            spec=dict(spec),
            inputs=dict(inputs or {}),
            output=output,
            emitter=Emitter(descriptor),
            limits=limits or Limits(),
            source=source or SourceContext(credentials={}, http_allow=("loopback", "private", "public")),
            options=dict(options or {}),
        )
        outcome = resolve(entry)(context)
    finally:
        os.close(descriptor)
    return StageRun(outcome, output, [json.loads(line) for line in events_file.read_text().splitlines()])


def check_arguments(plugin: Any) -> None:
    """Check what every plug-in owes: a name, a version, and frozen arguments that forbid unknown keys and describe each known one."""
    assert isinstance(plugin.name, str) and plugin.name, "a plug-in has a name"  # noqa: S101, PT018 - assertions are what a check is made of
    assert isinstance(plugin.version, int) and plugin.version >= 1, "a plug-in has a version from 1 upwards"  # noqa: S101, PT018
    config, schema = plugin.Args.model_config, plugin.Args.model_json_schema()
    assert config.get("frozen") is True, f"the arguments of `{plugin.name}` are frozen"  # noqa: S101
    assert config.get("extra") == "forbid", f"the arguments of `{plugin.name}` forbid unknown keys"  # noqa: S101
    bare = [name for name, field in schema.get("properties", {}).items() if not field.get("description")]
    assert not bare, f"editors show a description of each argument; `{plugin.name}` has none for {bare}"  # noqa: S101


def check_step(step: Any, batch: pa.RecordBatch, args: Mapping[str, Any], roles: Roles) -> dict[str, Any]:
    """Check that a processing step keeps the promises of its kind on `batch` (at least 2 rows), and return what it learned.

    Every kind: no rows give the same columns as some rows. `values` and `fitted`: every row is kept, and a row's result depends on the row
    alone. `fitted`: parts merge to the whole, and what is learned is JSON. `rows`: the rows that stay are rows of the input, in order.
    `split`: every row is kept and marked.
    """
    import pyarrow as pa

    check_arguments(step)
    checked = step.Args.model_validate(dict(args))
    middle = batch.num_rows // 2
    parts = [batch.slice(0, middle), batch.slice(middle)]
    params: dict[str, Any] = {}
    if step.kind == "fitted":
        params = step.finish(step.fit_state(batch, checked, roles), checked)
        states = [step.fit_state(part, checked, roles) for part in parts]
        merged = step.finish(step.merge(*states), checked)
        assert _close(merged, params), f"`{step.name}`: parts merge to {merged}, the whole gives {params}"  # noqa: S101
        assert json.loads(json.dumps(params, allow_nan=False)) == params, f"`{step.name}`: what is learned is plain JSON"  # noqa: S101
    position = "mtf:row"
    if step.kind in {"rows", "split"}:
        batch = batch.append_column(position, pa.array(range(batch.num_rows), pa.int64()))
        parts = [batch.slice(0, middle), batch.slice(middle)]
    whole = step.apply(batch, checked, params, roles)
    nothing = step.apply(batch.slice(0, 0), checked, params, roles)
    assert nothing.schema.equals(whole.schema), f"`{step.name}`: no rows give the columns that some rows give"  # noqa: S101
    if step.kind in {"values", "fitted"}:
        found = pa.Table.from_batches([step.apply(part, checked, params, roles) for part in parts])
        assert found.num_rows == batch.num_rows, f"`{step.name}` keeps every row"  # noqa: S101
        assert found.equals(pa.Table.from_batches([whole])), f"`{step.name}`: a row's result depends on that row alone"  # noqa: S101
    else:
        rows = whole.column(position).to_pylist()
        assert rows == sorted(set(rows)), f"`{step.name}` keeps rows in order, each once"  # noqa: S101
        if step.kind == "split":
            assert rows == list(range(batch.num_rows)), f"`{step.name}` keeps every row"  # noqa: S101
            assert whole.column("mtf:test").null_count == 0, f"`{step.name}` marks every row in the column mtf:test"  # noqa: S101
    return params


def check_source(source: Any, args: Mapping[str, Any], context: SourceContext) -> pa.Table:
    """Check that a source keeps its promises on data that does not change meanwhile, and return what it reads.

    Two readings give the same batches; batches have columns of one name each; freshness is None or the same text twice; and the value of a
    credential appears in none of it.
    """
    import pyarrow as pa

    check_arguments(source)
    checked = source.Args.model_validate(dict(args))
    first, second = (list(source.read(checked, context)) for _ in range(2))
    assert first, f"`{source.name}` yields at least one batch"  # noqa: S101
    schema = first[0].schema
    assert len(set(schema.names)) == len(schema.names), f"`{source.name}` names each column once"  # noqa: S101
    assert all(batch.schema.equals(schema) for batch in first), f"`{source.name}` yields batches of one schema"  # noqa: S101
    table = pa.Table.from_batches(first)
    assert table.equals(pa.Table.from_batches(second)), f"`{source.name}` reads the same twice"  # noqa: S101
    told = [source.freshness(checked, context) for _ in range(2)]
    assert told[0] == told[1] and isinstance(told[0], str | None), f"`{source.name}` tells a freshness that holds"  # noqa: S101, PT018
    said = repr((schema.metadata, told, checked))
    assert not [name for name, value in context.credentials.items() if value in said], f"`{source.name}` keeps secrets"  # noqa: S101
    return table


def _close(a: Any, b: Any) -> bool:
    """Whether two JSON values are equal up to the rounding of sums."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_close(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_close, a, b))
    if isinstance(a, float) or isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-300)
    return bool(a == b)


def check_metric(metric: Any, sample: Sample) -> float:
    """Check that a metric keeps its promises on classification or regression rows (at least 2), and return its value.

    It describes itself, the order of rows does not matter, and no array of the sample is changed. A row or rank metric, to which weights are
    applied: repeated rows count as often as they stand there; a rank metric's influence values have the mean 0.
    """
    from dataclasses import replace

    import numpy as np

    check_arguments(metric)
    name = metric.name
    assert sample.task in metric.tasks, f"`{name}` is checked on rows of a task it serves: {metric.tasks}"  # noqa: S101
    assert metric.bounds[0] < metric.bounds[1], f"`{name}` says its smallest and its largest value"  # noqa: S101
    assert metric.greater_is_better in {True, False, None}, f"`{name}` says which direction is better"  # noqa: S101
    assert metric.summary.strip(), f"`{name}` says in a sentence what it measures"  # noqa: S101

    parts = ("target", "prediction", "scores", "weight", "group", "interval")

    def taken(rows: Any) -> Any:
        chosen: dict[str, Any] = {part: getattr(sample, part) for part in parts}
        cut: dict[str, Any] = {part: array if array is None else array[rows] for part, array in chosen.items()}
        return replace(sample, extra={}, **cut)

    def value(of: Sample) -> float:
        if isinstance(metric, RowMetric):
            return float(metric.value(np.average(metric.terms(of), axis=0, weights=of.weight)))
        if isinstance(metric, RankMetric):
            found, influence = metric.influence(of)
            centre = float(np.average(influence, weights=of.weight))
            assert abs(centre) <= 1e-8 * (1 + float(np.abs(influence).max())), f"`{name}`: influence values have the mean 0"  # noqa: S101
            return float(found)
        answer = metric.measured(of, 0.95).value
        return math.nan if answer is None else float(answer)

    n = len(sample.target)
    whole = taken(np.arange(n))
    for part in parts:
        if getattr(whole, part) is not None:
            getattr(whole, part).setflags(write=False)
    result = value(whole)
    other = {"shuffled": np.random.default_rng(0).permutation(n)}
    if isinstance(metric, RowMetric | RankMetric):
        other["repeated"] = np.repeat(np.arange(n), 2)
    for what, rows in other.items():
        again = value(taken(rows))
        same = math.isclose(result, again, rel_tol=1e-7, abs_tol=1e-12) or (math.isnan(result) and math.isnan(again))
        assert same, f"`{name}` is {result}, and {again} for {what} rows"  # noqa: S101
    return result

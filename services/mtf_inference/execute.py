"""Stage 3 in the child: fork the model process first, then read rows, ask, check, write."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mtf import plugins
from mtf.contracts.stages import InferenceFacts, InferenceSpec
from mtf.errors import DataError, PlatformError, SpecError
from mtf.jobs.child import JobContext
from mtf.plugins import StageOutcome
from mtf_inference.host import Guest
from mtf_inference.labels import Labels, agree, rename
from mtf_inference.matching import Match, match
from mtf_inference.outputs import Rules, read
from mtf_inference.policy import Policy, settled
from mtf_inference.rows import RowSet
from mtf_inference.scored import ScoredWriter
from mtf_inference.scorer import Direct, Scorer
from mtf_inference.wire import Loaded

MOST_SCORES = 1_000
"""Score columns that a model of unknown labels may give."""
MOST_NAMED = 1_000
"""Features that the facts list by name."""


@dataclass
class Tally:
    """What was seen over all row sets."""

    rows: dict[str, int] = field(default_factory=dict)
    missing: int = 0
    seconds: float = 0.0


def execute(job: JobContext) -> StageOutcome:
    """Score every row set with one load of the model. Inputs, outputs and facts: `InferenceSpec`. Raises ModelError, DataError, SpecError, ..."""
    deadline = time.monotonic() + job.limits.timeout - min(2.0, 0.1 * job.limits.timeout)
    spec = InferenceSpec.model_validate(job.spec)
    loader = plugins.load("loader", spec.loader.name)
    args = loader.Args.model_validate(spec.loader.args)
    policy = Policy.of(job.options)
    policy.admit(loader)
    with _scorer(job, spec, loader, args, policy, deadline) as (scorer, sandbox):
        job.progress(0, None, "rows", "opening the model")
        loaded = scorer.load()
        return _score(job, spec, scorer, loaded, sandbox)


@contextmanager
def _scorer(
    job: JobContext, spec: InferenceSpec, loader: Any, args: Any, policy: Policy, deadline: float
) -> Iterator[tuple[Scorer, Callable[[], dict[str, Any]]]]:
    """Whoever answers, and what is known of its sandbox when all is done."""
    regression = spec.task == "regression"
    if loader.remote:
        model = loader.connect(args, job.source, deadline)
        yield Direct(model, regression=regression), lambda: {"level": "none"}
        return
    if getattr(loader, "aligned", False):
        model = loader.align(_input(job, "predictions", "model"), args, id_column=spec.id_column, rows=_total(job, spec))
        yield Direct(model, regression=regression), lambda: {"level": "none"}
        return
    guest = Guest(
        loader=loader,
        path=_input(job, "model"),
        args=args,
        regression=regression,
        memory=job.limits.memory,
        cpus=job.limits.cpus,
        deadline=deadline,
    )
    with guest:
        settled(policy, loader, guest.level, guest.lacking)
        yield guest, lambda: {"level": guest.level, "lacking": guest.lacking, "attempts": guest.attempts}


def _score(job: JobContext, spec: InferenceSpec, scorer: Scorer, loaded: Loaded, sandbox: Callable[[], dict[str, Any]]) -> StageOutcome:
    declared = spec.model_labels if spec.model_labels is not None else loaded.labels
    labels = None if spec.task == "regression" else agree(spec.labels or [], declared, spec.task)
    order = None if labels is None or declared is None else labels.translate(declared)[0]
    if order is not None and len(set(order)) != len(order):
        raise SpecError("two labels of the model are the same label", field="model.labels", found=declared)
    if spec.model_labels is not None and loaded.labels is not None and len(spec.model_labels) != len(loaded.labels):
        raise SpecError(
            f"{len(spec.model_labels)} labels are declared, and the model has {len(loaded.labels)}",
            field="model.labels",
            found=loaded.labels,
        )
    rules = Rules(spec.task, labels, order, spec.threshold, spec.missing == "exclude", spec.model_labels)
    tally, outputs = Tally(), {}
    used: Match | None = None
    for name in spec.row_sets:
        with RowSet(_input(job, f"{name}.features"), _input(job, f"{name}.context")) as rows:
            used = match(loaded.features, loaded.width, rows.columns) if loaded.features != ["row_id"] else Match(["row_id"], [], "row")
            outputs[f"{name}.scored"] = f"{name}.scored.parquet"
            _row_set(job, name, rows, scorer, used, rules, loaded, tally)
    return _outcome(spec, loaded, labels, used, tally, outputs, sandbox())


def _row_set(job: JobContext, name: str, rows: RowSet, scorer: Scorer, used: Match, rules: Rules, loaded: Loaded, tally: Tally) -> None:
    if rows.rows == 0:
        raise DataError(
            f"no rows are left to score in `{name}`", field="processing", fix="look at the steps that drop rows, and at `split`"
        )
    known = None if rules.order is None or rules.labels is None else frozenset(rules.order)
    most = MOST_SCORES if rules.order is None else len(rules.order)
    first = 0
    with ScoredWriter(job.output / f"{name}.scored.parquet", rules.labels, known) as writer:
        for features, context in rows.batches(used.columns):
            answer = scorer.predict(features.select(used.columns), most)
            scored = read(answer.prediction, rename(answer.values, loaded.labels, rules.declared), first, rules)
            writer.write(context, scored)
            first += features.num_rows
            tally.missing += scored.missing
            tally.seconds += answer.seconds
            job.progress(first, rows.rows, "rows", f"scoring {name}")
    tally.rows[name] = first


def _outcome(
    spec: InferenceSpec,
    loaded: Loaded,
    labels: Labels | None,
    used: Match | None,
    tally: Tally,
    outputs: dict[str, str],
    sandbox: dict[str, Any],
) -> StageOutcome:
    level = sandbox.pop("level")
    model = {**loaded.about, "labels": loaded.labels, **{key: value for key, value in sandbox.items() if value}}
    warnings = []
    if used is not None and used.by != "row":
        model |= {
            "features": used.columns[:MOST_NAMED],
            "n_features": len(used.columns),
            "matched_by": used.by,
            "ignored": used.ignored[:MOST_NAMED],
        }
        if used.ignored:
            shown = ", ".join(used.ignored[:10]) + (f" and {len(used.ignored) - 10} more" if len(used.ignored) > 10 else "")  # noqa: PLR2004
            warnings.append(f"the model has no use for these columns, and they were ignored: {shown}")
    warnings += [f"the model tried to {deed}; the sandbox refused" for deed in sandbox.get("attempts", ())]
    if tally.missing:
        warnings.append(f"{tally.missing:,} predictions are missing and were excluded")
    facts = InferenceFacts(
        task=spec.task,
        labels=None if labels is None else list(labels.values),
        sandbox=level,
        loader=spec.loader.name,
        model=model,
        rows=tally.rows,
        missing_predictions=tally.missing,
        seconds={"load": round(loaded.seconds, 6), "predict": round(tally.seconds, 6)},
    )
    return StageOutcome(outputs=outputs, facts=facts.model_dump(mode="json"), warnings=warnings)


def _input(job: JobContext, *names: str) -> Path:
    """The first input of these names. Raises PlatformError when there is none."""
    for name in names:
        if name in job.inputs:
            return job.inputs[name]
    raise PlatformError(f"the job has no input `{names[0]}`")


def _total(job: JobContext, spec: InferenceSpec) -> int:
    """Rows of the only row set, for predictions that come in a file. Raises SpecError where several are asked for."""
    if len(spec.row_sets) != 1:
        raise SpecError("a predictions file covers one row set", field="model.source", found=", ".join(spec.row_sets))
    with RowSet(_input(job, f"{spec.row_sets[0]}.features"), _input(job, f"{spec.row_sets[0]}.context")) as rows:
        return rows.rows

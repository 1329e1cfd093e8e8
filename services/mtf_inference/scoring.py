"""Drives a scorer over the row sets and puts down what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mtf.contracts.stages import InferenceFacts, InferenceSpec
from mtf.errors import DataError, PlatformError, SpecError
from mtf.jobs.child import JobContext
from mtf.plugins import StageOutcome
from mtf_inference.labels import Labels, agree, rename
from mtf_inference.matching import Match, match
from mtf_inference.outputs import Rules, read
from mtf_inference.rows import RowSet
from mtf_inference.scored import ScoredWriter
from mtf_inference.scorer import Scorer
from mtf_inference.wire import Loaded

MOST_SCORES = 1_000
"""Score columns that a model of unknown labels may give."""
MOST_NAMED = 1_000
"""Features that the facts list by name."""
SHOWN = 10


class Scoring:
    """One load of one model, and every row set."""

    def __init__(self, job: JobContext, spec: InferenceSpec, scorer: Scorer) -> None:
        self.job, self.spec, self.scorer = job, spec, scorer
        self.rows: dict[str, int] = {}
        self.missing = 0
        self.seconds = 0.0
        self.used: Match | None = None

    def run(self) -> StageOutcome:
        """Open the model, score, and tell what was seen."""
        self.loaded = self.scorer.load()
        self.rules = rules(self.spec, self.loaded)
        for name in self.spec.row_sets:
            with RowSet(self._input(f"{name}.features"), self._input(f"{name}.context")) as rows:
                self._score(name, rows)
        return StageOutcome(
            outputs={f"{name}.scored": f"{name}.scored.parquet" for name in self.rows},
            facts=self._facts().model_dump(mode="json"),
            warnings=self._warnings(),
        )

    def _score(self, name: str, rows: RowSet) -> None:
        if rows.rows == 0:
            raise DataError(
                f"no rows are left to score in `{name}`", field="processing", fix="look at the steps that drop rows, and at `split`"
            )
        by_row = self.loaded.features == ["row_id"]
        self.used = Match(["row_id"], [], "row") if by_row else match(self.loaded.features, self.loaded.width, rows.columns)
        order = self.rules.order
        known = None if order is None or self.rules.labels is None else frozenset(order)
        first = 0
        with ScoredWriter(self.job.output / f"{name}.scored.parquet", self.rules.labels, known) as writer:
            for features, context in rows.batches(self.used.columns):
                answer = self.scorer.predict(features.select(self.used.columns), MOST_SCORES if order is None else len(order))
                values = rename(answer.values, self.loaded.labels, self.spec.model_labels)
                scored = read(answer.prediction, values, first, self.rules)
                writer.write(context, scored)
                first += features.num_rows
                self.missing += scored.missing
                self.seconds += answer.seconds
                self.job.progress(first, rows.rows, "rows", f"scoring {name}")
        self.rows[name] = first

    def _facts(self) -> InferenceFacts:
        model: dict[str, Any] = {**self.loaded.about, "labels": self.loaded.labels}
        if self.used is not None and self.used.by != "row":
            model |= {
                "features": self.used.columns[:MOST_NAMED],
                "n_features": len(self.used.columns),
                "matched_by": self.used.by,
                "ignored": self.used.ignored[:MOST_NAMED],
            }
        model |= {name: found for name, found in (("lacking", self.scorer.lacking), ("attempts", self.scorer.attempts)) if found}
        labels = self.rules.labels
        return InferenceFacts(
            task=self.spec.task,
            labels=None if labels is None else list(labels.values),
            sandbox=self.scorer.level,
            loader=self.spec.loader.name,
            model=model,
            rows=self.rows,
            missing_predictions=self.missing,
            seconds={"load": round(self.loaded.seconds, 6), "predict": round(self.seconds, 6)},
        )

    def _warnings(self) -> list[str]:
        found = [f"the model tried to {deed}; the sandbox refused" for deed in self.scorer.attempts]
        if self.used is not None and self.used.ignored:
            found.append(f"the model has no use for these columns, and they were ignored: {_few(self.used.ignored)}")
        if self.scorer.level in {"process", "partial"}:
            found.append(f"the sandbox reached the level `{self.scorer.level}` only: {'; '.join(self.scorer.lacking)[:300]}")
        if self.missing:
            found.append(f"{self.missing:,} predictions are missing and were excluded")
        return found

    def _input(self, name: str) -> Any:
        path = self.job.inputs.get(name)
        if path is None:
            raise PlatformError(f"the job has no input `{name}`")
        return path


def rules(spec: InferenceSpec, loaded: Loaded) -> Rules:
    """How the model's answers are read. Raises SpecError where declared labels contradict the model's own."""
    exclude = spec.missing == "exclude"
    if spec.task == "regression":
        return Rules(spec.task, None, None, spec.threshold, exclude)
    carried, declared = loaded.labels, spec.model_labels
    if carried is not None and declared is not None and len(carried) != len(declared):
        raise SpecError(f"{len(declared)} labels are declared, and the model has {len(carried)}", field="model.labels", found=_few(carried))
    names = carried if declared is None else declared
    labels = agree(spec.labels or [], names, spec.task)
    return Rules(spec.task, labels, None if names is None else _order(labels, names), spec.threshold, exclude)


def _order(labels: Labels, names: Sequence[Any]) -> list[int]:
    order = labels.translate(names)[0]
    if len(set(order)) != len(order):
        raise SpecError("two labels of the model are the same label", field="model.labels", found=_few(names))
    return order


def _few(values: Sequence[Any]) -> str:
    return ", ".join(str(value)[:60] for value in values[:SHOWN]) + (f" and {len(values) - SHOWN:,} more" if len(values) > SHOWN else "")

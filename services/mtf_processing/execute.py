"""Stage 2 in the child: survey the rows, learn from the training rows, transform all of them, in a stream."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from mtf.contracts.stages import ProcessingFacts, ProcessingSpec, Roles, Task
from mtf.errors import DataError, SpecError
from mtf.jobs.child import JobContext
from mtf.plugins import StageOutcome
from mtf_processing import rules
from mtf_processing.census import Census, Judge
from mtf_processing.fitted import FittedRecipe, FittedStep, read_recipe
from mtf_processing.kernels.columns import kind_of
from mtf_processing.kernels.quantiles import EXACT, RELATIVE_ERROR
from mtf_processing.labels import decide
from mtf_processing.learning import learn
from mtf_processing.names import listed
from mtf_processing.pipeline import Pipeline
from mtf_processing.rows import TEST, TRAIN, Rows
from mtf_processing.rowset import RowSet
from mtf_processing.stage import STAGE
from mtf_processing.steps.base import ColumnStep
from mtf_processing.survey import check_columns, conclude, survey
from mtf_processing.version import Version, fit_types, unify

SHOWN_COLUMNS = 50
"""Columns of a step that the facts name; wide data must not make wide facts."""


@dataclass
class Work:
    """One job: its specification, its pipeline and its row sets."""

    spec: ProcessingSpec
    roles: Roles
    pipeline: Pipeline
    data: Rows
    train: Rows | None
    warnings: list[str]


def execute(job: JobContext) -> StageOutcome:
    """Turn a version into rows to score. See `ProcessingSpec` for inputs and outputs, `ProcessingFacts` for the facts."""
    work = _prepare(job)
    task, labels = _survey(work)
    _learn(work)
    sets = _write(job, work, labels)
    recipe = _recipe(work, sets)
    (job.output / "recipe.json").write_text(recipe.model_dump_json(indent=1), encoding="utf-8")
    facts = ProcessingFacts(
        task=task,
        labels=labels,
        features=work.pipeline.features,
        rows={**{one.name: one.rows for one in sets}, "total": work.data.version.rows},
        steps=[_step_fact(work, k) for k in range(len(work.pipeline.steps))],
    )
    outputs = {name: file for one in sets for name, file in one.files.items()}
    return StageOutcome(
        {**outputs, "recipe": "recipe.json"}, facts.model_dump(mode="json"), [*work.warnings, *_class_warnings(sets, labels)]
    )


def _prepare(job: JobContext) -> Work:
    spec = ProcessingSpec.model_validate(job.spec)
    pa.set_cpu_count(max(1, int(job.limits.cpus)))
    pa.set_io_thread_count(2)
    data = Version.open(job.inputs["data"], "data")
    recipe = read_recipe(job.inputs["recipe"]) if "recipe" in job.inputs else None
    if recipe is None:
        steps, params = [rules.bind(index, call) for index, call in enumerate(spec.steps)], None
        rules.check(steps, spec.roles, fit_source="train" in job.inputs)
    else:
        steps, params = recipe.bound()
    if spec.roles.target is None:
        raise SpecError("the dataset has no target", field="dataset.target", fix="name the column that holds the truth")
    check_columns(data, spec, steps)
    train = Version.open(job.inputs["train"], "train") if "train" in job.inputs else None
    roles = spec.roles
    warnings: list[str] = []
    if train is not None:
        data, train = _same_columns(data, train, spec)
    if recipe is not None:
        data = fit_types(data, recipe.input, _role_columns(recipe.roles))
        roles = roles.model_copy(update={"features": [name for name in recipe.features if name in data.schema.names]})
        if len(steps) < len(recipe.steps):
            warnings.append("the recipe's split was not applied: every row is scored, also rows that the recipe may have learned from")
    slices = list(dict.fromkeys([*spec.slices, *spec.slice_values]))
    pipeline = Pipeline.bind(steps, data.schema, roles, slices, params=params)
    tick = _Ticker(job, data.rows + (train.rows if train else 0))
    rows = Rows.of(data, pipeline, TEST, tick)
    return Work(spec, spec.roles, pipeline, rows, Rows.of(train, pipeline, TRAIN, tick) if train else None, warnings)


def _role_columns(roles: Roles) -> tuple[str, ...]:
    return tuple(column for role in rules.ROLES if (column := getattr(roles, role)) is not None)


def _same_columns(data: Version, train: Version, spec: ProcessingSpec) -> tuple[Version, Version]:
    unseen = set(spec.roles.drop) - set(spec.slices)
    lacking = [name for name in data.schema.names if name not in train.schema.names and name not in unseen]
    if lacking:
        raise DataError(
            f"the training data has no column `{lacking[0][:100]}`",
            field="dataset.train",
            found=listed(lacking),
            fix="both tables need the same columns; `drop` those that only one has",
        )
    return unify(data, train)


class _Ticker:
    """Progress over every pass: rows read so far, of rows known to be read."""

    def __init__(self, job: JobContext, rows: int) -> None:
        self._job, self._rows, self._done, self._what = job, rows, 0, ""

    def __call__(self, rows: int, what: str) -> None:
        if what != self._what:
            self._what, self._done = what, 0
        self._done = self._done + rows
        self._job.progress(min(self._done, self._rows), self._rows, "rows", what)


def _survey(work: Work) -> tuple[Task, list[Any] | None]:
    """Decide every row's fate, the task and the labels."""
    census = Census(work.roles, work.spec.slice_values, work.spec.slice_demands)
    for rows in _versions(work):
        survey(rows, census, work.roles)
    census.check_slices()
    task, labels = decide(census.as_target(), task=work.spec.task, positive=work.spec.positive)
    for bound in work.pipeline.steps:
        if task == "regression" and bound.kind == "split" and getattr(bound.args, "stratify", False) is True:
            raise SpecError(
                f"the target `{work.roles.target}` is a number, and `stratify` keeps the shares of classes",
                field=f"{bound.where}.stratify", found=True, fix="leave it out, or name a column of categories",
            )  # fmt: skip
    return task, labels


def _learn(work: Work) -> None:
    """Learn step by step; steps that must see every row decide as soon as what stands before them is known."""
    line = work.pipeline
    while True:
        for k in range(line.known):
            for rows in _versions(work):
                if line.steps[k].whole() and k not in rows.settled and k not in rows.decided:
                    rows.decide(k)
        if line.known == len(line.steps):
            return
        first, source = line.known, work.train or work.data
        learn(line, source)
        if int((source.fate == TRAIN).sum()) > EXACT:
            names = [
                bound.name for bound in line.steps[first : line.known] if isinstance(bound.step, ColumnStep) and bound.step.cost(bound.args)
            ]
            work.warnings += [
                f"`{name}`: quantiles of more than {EXACT:,} rows are rounded to {RELATIVE_ERROR:.0e} of their size" for name in names
            ]


def _versions(work: Work) -> list[Rows]:
    return [work.data] if work.train is None else [work.data, work.train]


def _write(job: JobContext, work: Work, labels: list[Any] | None) -> list[RowSet]:
    """Transform every row that is left and write the row sets, `test` first."""
    line = work.pipeline
    features = line.features
    if not features:
        raise SpecError("no feature is left for the model", field="processing", fix="drop fewer columns")
    if "row_id" in features:
        raise SpecError("a feature must not be called `row_id`", field="dataset", found="row_id", fix="name it as `id`, or `rename` it")
    late = any(bound.kind == "rows" for k, bound in enumerate(line.steps) if k not in work.data.settled)
    names = ("test", "train") if _has_train(work) else ("test",)
    with ExitStack() as stack:
        sets = [stack.enter_context(RowSet(job.output, name, features, line.slices, labels)) for name in names]
        for rows in _versions(work):
            judge = Judge(work.roles, rows.version.name)
            for frame in rows.frames(len(line.steps), features, "writing features", context=True, count=True):
                if late:
                    judge.add(frame)
                for one in sets:
                    one.write(frame, frame.test if one.name == "test" else ~frame.test)
            if late:
                conclude(rows, judge)
    if sets[0].rows == 0:
        raise DataError("the steps leave no test rows", field="processing", found="0 test rows", fix="look at the steps that drop rows")
    return sets


def _has_train(work: Work) -> bool:
    return work.train is not None or any(bound.kind == "split" for bound in work.pipeline.steps)


def _recipe(work: Work, sets: Sequence[RowSet]) -> FittedRecipe:
    line = work.pipeline
    splits = frozenset(k for k, bound in enumerate(line.steps) if bound.kind == "split")
    roles = set(_role_columns(line.points[0].roles))
    needed = line.needs(len(line.steps), line.features, skip=splits, context=False)
    schema, last = work.data.version.schema, line.points[len(line.steps)].schema
    return FittedRecipe(
        roles=work.roles,
        input={name: kind_of(schema.field(name).type) for name in needed if name not in roles},
        features=list(line.points[0].roles.features or ()),
        output={name: str(last.field(name).type) for name in line.features},
        steps=[
            FittedStep(name=b.name, version=b.step.version, args=b.args.model_dump(mode="json"), params=p or {})
            for b, p in zip(line.steps, line.params, strict=True)
        ],
        rows={one.name: one.rows for one in sets},
        versions=STAGE.versions({"steps": [{"name": bound.name} for bound in line.steps]}),
    )


def _step_fact(work: Work, k: int) -> dict[str, Any]:
    bound, params = work.pipeline.steps[k], work.pipeline.params[k] or {}
    fact: dict[str, Any] = {"name": bound.name}
    if bound.kind == "rows":
        fact["rows_before"], fact["rows_after"] = work.data.counts.get(k, (0, 0))
        if work.train is not None:
            fact["train_rows_before"], fact["train_rows_after"] = work.train.counts.get(k, (0, 0))
    elif bound.kind == "split":
        fact["train"], fact["test"] = int((work.data.fate == TRAIN).sum()), int((work.data.fate == TEST).sum())
    else:
        columns = list(params.get("columns", {})) or list(dict.fromkeys(column for _, column in bound.named()))
        fact["columns"] = [name[:100] for name in columns[:SHOWN_COLUMNS]]
        fact["column_count"] = len(columns)
    return fact


def _class_warnings(sets: Sequence[RowSet], labels: list[Any] | None) -> list[str]:
    absent = [label for label in labels or () if not sets[0].classes.get(label)]
    return [f"no test row has the label {listed(absent)}"] if absent else []

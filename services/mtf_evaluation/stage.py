"""What the room says before it computes anything: whether the `evaluation` section makes sense, and what decides its result."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import ValidationError

from mtf.contracts.job import Validated
from mtf.contracts.problem import FieldProblem
from mtf.contracts.run import EvaluationSpec
from mtf.contracts.stages import EvaluateSpec, Term
from mtf.errors import SpecError
from mtf.plugins import SourceContext, names
from mtf_evaluation.catalogue import Described, check_versions, describe, resolve
from mtf_evaluation.gates.grammar import parse
from mtf_evaluation.reference import read

REPORT_VERSION = 1
"""Part of every fingerprint: raised when the same numbers would be written, judged or drawn differently."""

_LIBRARIES = ("numpy", "scipy")


class EvaluationStage:
    """The evaluation room, for the service's parent and for the embedded gateway. It touches no data."""

    name: ClassVar[str] = "evaluation"
    entry: ClassVar[str] = "mtf_evaluation.execute:execute"

    def validate(self, section: dict[str, Any]) -> Validated:
        """Check `{"evaluation": EvaluationSpec}` and write it out: metrics, slices as lists, parsed gates. Raises SpecError."""
        spec = _section(section.get("evaluation") or {})
        known = names("metric")
        metrics = _metrics(spec.metrics, spec.task)
        slices = _slices(spec.slices)
        gates = _gates(spec, known)
        plan: dict[str, Any] = {"metrics": metrics, "slices": slices, "gates": [gate.model_dump() for gate in gates], "level": spec.level}
        if spec.task:
            plan["task"] = spec.task
        named = [*(metrics or ()), *(gate.metric for gate in gates)]
        return Validated(spec=plan, versions=_versions(named), warnings=_unused(spec, gates))

    def freshness(self, spec: dict[str, Any], context: SourceContext) -> str | None:  # noqa: ARG002 - the stage protocol names the arguments
        """Nothing besides spec, inputs and versions decides the result."""
        return "content"

    def versions(self, spec: dict[str, Any]) -> dict[str, str]:
        """Versions of the metrics that will be measured, of the report, and of the libraries below them."""
        parsed = EvaluateSpec.model_validate(spec)
        named = [*(parsed.metrics or names("metric")), *(gate.metric for gate in parsed.gates)]
        checks = {f"check:{name}": str(version) for name, version in check_versions().items()}
        return _versions(named) | checks


def _section(section: dict[str, Any]) -> EvaluationSpec:
    try:
        return EvaluationSpec.model_validate(section)
    except ValidationError as error:
        problems = [
            FieldProblem(field=".".join(["evaluation", *map(str, one["loc"])]), found=repr(one["input"])[:200], message=one["msg"])
            for one in error.errors(include_url=False)
        ]
        first = problems[0]
        raise SpecError(first.message, field=first.field, found=first.found, errors=problems, fix="see `mtf schema run`") from None


def _metrics(wanted: list[str] | None, task: str | None) -> list[str] | None:
    """The metrics without repetitions; None lets the task decide."""
    if wanted is None:
        return None
    if not wanted:
        raise SpecError("no metric is named", field="evaluation.metrics", found="[]", fix="name at least one, or leave `metrics` out")
    canonical = []
    for index, name in enumerate(wanted):
        field = f"evaluation.metrics[{index}]"
        reference, _, _ = resolve(name, where=field)
        _suits(str(reference), task, field)
        canonical.append(str(reference))
    return list(dict.fromkeys(canonical))


def _slices(wanted: Iterable[str | list[str]]) -> list[list[str]]:
    """Each slice as a list of columns, once."""
    slices: list[list[str]] = []
    for index, one in enumerate(wanted):
        columns = [one] if isinstance(one, str) else list(one)
        field = f"evaluation.slices[{index}]"
        if not columns or not all(columns):
            raise SpecError("a slice names at least one column", field=field, found=one, fix="write a column, or a list of columns")
        if len(set(columns)) < len(columns):
            raise SpecError("a cross names each column once", field=field, found=one, fix=f"write {sorted(set(columns))}")
        if not any(set(columns) == set(other) for other in slices):
            slices.append(columns)
    return slices


def _gates(spec: EvaluationSpec, known: list[str]) -> list[Term]:
    """Every gate, or one error that tells of every wrong one."""
    gates: list[Term] = []
    wrong: list[SpecError] = []
    for index, text in enumerate(spec.gates):
        field = f"evaluation.gates[{index}]"
        try:
            parsed = parse(text, known, field=field)
            term = parsed.model_copy(update={"metric": str(resolve(parsed.metric, where=field)[0])})
            _fits(term, spec, field)
        except SpecError as error:
            wrong.append(error)
        else:
            gates.append(term)
    if len(wrong) > 1:
        wrong[0].errors = [FieldProblem(field=str(one.field), found=one.found, message=one.message, fix=one.fix) for one in wrong]
    if wrong:
        raise wrong[0]
    return gates


def _fits(term: Term, spec: EvaluationSpec, field: str) -> None:
    """What the grammar cannot see: whether the metric has what the gate asks of it."""
    _suits(term.metric, spec.task, field)
    metric = describe(term.metric)
    if term.operator == "not_worse":
        if spec.baseline is None:
            raise SpecError(
                f"`{term.expression}` needs a baseline, and the run names none",
                field=field,
                found=term.expression,
                fix="add `baseline:` with the name of an earlier run",
            )
        if metric.greater_is_better is None:
            raise SpecError(
                f"`{term.metric}` has no better direction, so that nothing can be worse",
                field=field,
                found=term.expression,
                fix=f"give it bounds: `{term.metric} >= -0.1` and `{term.metric} <= 0.1`",
            )
    _certain(term, metric, field)
    _reachable(term, metric.bounds, field)


def _certain(term: Term, metric: Described, field: str) -> None:
    """A gate without `point()` needs an interval, and one against a baseline needs the interval of a paired difference."""
    if term.operator == "not_worse":
        if not metric.paired:
            raise SpecError(
                f"`{term.metric}` has no paired test, so that nobody can say whether it is worse",
                field=field,
                found=term.expression,
                fix=f"give it a bound, for example `{_value_gate(term.metric, metric, term.bound or 0.05)}`",
            )
    elif not term.point and not metric.has_interval:
        raise SpecError(
            f"`{term.metric}` has no interval, so that a gate can only judge its value",
            field=field,
            found=term.expression,
            fix=f"write `point({term.metric}) {term.operator} {term.bound:g}`",
        )


def _value_gate(name: str, metric: Described, bound: float) -> str:
    named = name if metric.has_interval else f"point({name})"
    return f"{named} {'>=' if metric.greater_is_better else '<='} {bound:g}"


def _reachable(term: Term, bounds: tuple[float, float], field: str) -> None:
    """A bound beyond what the metric can ever be is a slip of the pen, most often a percentage."""
    least, most = bounds
    if term.operator == "not_worse" or least <= term.bound <= most:
        return
    lies = f"is at least {least:g}" if math.isinf(most) else f"lies between {least:g} and {most:g}"
    percent = 1 < term.bound <= 100 and most == 1  # noqa: PLR2004 - a percentage
    fix = f"write {term.bound / 100:g} for {term.bound:g}%" if percent else "choose a bound that it can have"
    raise SpecError(f"`{term.metric}` {lies}", field=field, found=f"{term.bound:g}", fix=fix)


def _suits(name: str, task: str | None, field: str) -> None:
    if task is not None and task not in describe(name).tasks:
        fitting = [other for other in names("metric") if task in describe(other).tasks]
        raise SpecError(f"`{name}` does not apply to a {task} task", field=field, found=name, fix=f"choose from {', '.join(fitting)}")


def _unused(spec: EvaluationSpec, gates: list[Term]) -> list[str]:
    twice = sorted({gate.expression for gate in gates if [one.expression for one in gates].count(gate.expression) > 1})
    return [f"the gate `{expression}` is written twice" for expression in twice] if spec.gates else []


def _versions(metrics: Iterable[str]) -> dict[str, str]:
    from importlib.metadata import version

    found = {f"metric:{read(name).name}": str(describe(name).version) for name in sorted(set(metrics))}
    return found | {"report": str(REPORT_VERSION)} | {library: version(library) for library in _LIBRARIES}


STAGE = EvaluationStage()

"""What the room says before it computes anything: whether the `evaluation` section makes sense, and what decides its result."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import ValidationError

from mtf.contracts.job import Validated
from mtf.contracts.run import EvaluationSpec
from mtf.contracts.stages import EvaluateSpec, Term
from mtf.errors import SpecError
from mtf.fields import field_problems
from mtf.plugins import SourceContext, names
from mtf_evaluation.catalogue import check_versions, describe, resolve
from mtf_evaluation.declared import forms
from mtf_evaluation.declared.forms import Part
from mtf_evaluation.gates import rules
from mtf_evaluation.problems import Problems
from mtf_evaluation.reference import read

REPORT_VERSION = 2
"""Part of every fingerprint: raised when the same numbers would be written, judged or drawn differently."""

_LIBRARIES = ("numpy", "scipy")


class EvaluationStage:
    """The evaluation room, for the service's parent and for the embedded gateway. It touches no data."""

    name: ClassVar[str] = "evaluation"
    entry: ClassVar[str] = "mtf_evaluation.execute:execute"

    def validate(self, section: dict[str, Any]) -> Validated:
        """Check `{"evaluation": EvaluationSpec}` and write it out: metrics, slices as lists, parsed gates. Raises SpecError for all mistakes at once."""
        spec = _section(section.get("evaluation") or {})
        problems = Problems()
        metrics = _metrics(spec.metrics, spec.task, problems)
        slices: list[list[Part]] = []
        with problems.collected():
            slices = forms.crosses(spec.slices)
        gates = _gates(spec, forms.names(slices), problems)
        problems.throw()
        slices = forms.with_worst(slices, gates)
        plan: dict[str, Any] = {
            "metrics": metrics,
            "slices": [[part if isinstance(part, str) else part.model_dump() for part in cross] for cross in slices],
            "slice_min_rows": spec.slice_min_rows,
            "gates": [gate.model_dump() for gate in gates],
            "level": spec.level,
            "needs": forms.needs(slices, gates).model_dump(),
        }
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
        problems = field_problems(error, EvaluationSpec, section, prefix="evaluation")
        first = problems[0]
        fix = first.fix or "see `mtf schema run`"
        raise SpecError(first.message, field=first.field, found=first.found, errors=problems, fix=fix) from None


def _metrics(wanted: list[str] | None, task: str | None, problems: Problems) -> list[str] | None:
    """The metrics without repetitions; None lets the task decide."""
    if wanted is None:
        return None
    canonical: list[str] = []
    with problems.collected():
        if not wanted:
            raise SpecError("no metric is named", field="evaluation.metrics", found="[]", fix="name at least one, or leave `metrics` out")
    for index, name in enumerate(wanted):
        field = f"evaluation.metrics[{index}]"
        with problems.collected():
            reference, _, _ = resolve(name, where=field)
            rules.suits(str(reference), task, field)
            canonical.append(str(reference))
    return list(dict.fromkeys(canonical))


def _gates(spec: EvaluationSpec, conditions: list[str], problems: Problems) -> list[Term]:
    """Every gate that can be judged."""
    gates: list[Term] = []
    known = names("metric")
    for index, text in enumerate(spec.gates):
        with problems.collected():
            field = f"evaluation.gates[{index}]"
            gates.append(rules.read(text, known, task=spec.task, baseline=spec.baseline is not None, field=field, conditions=conditions))
    return gates


def _unused(spec: EvaluationSpec, gates: list[Term]) -> list[str]:
    twice = sorted({gate.expression for gate in gates if [one.expression for one in gates].count(gate.expression) > 1})
    return [f"the gate `{expression}` is written twice" for expression in twice] if spec.gates else []


def _versions(metrics: Iterable[str]) -> dict[str, str]:
    from importlib.metadata import version

    found = {f"metric:{read(name).name}": str(describe(name).version) for name in sorted(set(metrics))}
    return found | {"report": str(REPORT_VERSION)} | {library: version(library) for library in _LIBRARIES}


STAGE = EvaluationStage()

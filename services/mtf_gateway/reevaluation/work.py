"""What one run is to be measured by this time, and the job that does it. The model and the data are not needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping

from mtf.contracts.job import Validated
from mtf.contracts.reference import Reference
from mtf.contracts.stages import EvaluateSpec
from mtf_gateway.compose import Work

COVERAGE = "coverage"
"""A report's own line about rows without a prediction, which is no metric of the run file."""


class Skipped(Exception):  # noqa: N818 - it is no error: the run stays as it is, and the reason is told
    """This run cannot be measured again."""


@dataclass(frozen=True)
class Subject:
    """A run and its newest evaluation."""

    run: RowMapping
    scored: Reference
    request: Mapping[str, Any]
    """Spec and inputs of the evaluation that came with the run, as the worker got them."""
    evaluation: Mapping[str, Any]
    """The section of the newest evaluation, as a run file would hold it."""
    fingerprint: str | None
    versions: Mapping[str, str]
    first: Mapping[str, Any]
    """What revision 1 holds besides the run's own row."""
    warnings: Sequence[str]
    """Of everything before the evaluation."""


def subject(run: RowMapping | None, stages: Mapping[str, RowMapping], newest: RowMapping | None) -> Subject:
    """What the database says of a run. Raises Skipped for one that is gone, or whose evaluation left no trace."""
    if run is None:
        raise Skipped("the run was deleted")
    if run["status"] != "succeeded":
        raise Skipped(f"the run is {run['status']}")
    inference, evaluation = stages.get("inference"), stages.get("evaluation")
    scored = None if inference is None else inference["outputs"].get("test.scored")
    if scored is None:
        raise Skipped("the run has no predictions")
    if evaluation is None or evaluation["request"] is None:
        raise Skipped("nothing is stored of how the run was evaluated: `mtf runs rerun` evaluates it anew")
    written = {**run["spec"].get("evaluation", {}), "task": evaluation["request"]["spec"]["task"]}
    first: dict[str, Any] = {"evaluation": written, "fingerprint": evaluation["fingerprint"], "versions": evaluation["versions"]}
    now: dict[str, Any] = first if newest is None else dict(newest)
    earlier = [line for name, row in stages.items() if name != "evaluation" for line in row["warnings"]]
    return Subject(
        run=run,
        scored=Reference.model_validate(scored),
        request=evaluation["request"],
        evaluation=now["evaluation"],
        fingerprint=now["fingerprint"],
        versions=now["versions"],
        first=first,
        warnings=[*run["plan"].get("warnings", []), *earlier],
    )


def section(found: Subject, spec: Mapping[str, Any]) -> dict[str, Any]:
    """The `evaluation` section that the run gets now: its own, with what was asked for beside it or in its place."""
    own = dict(found.evaluation)
    metrics, gates = list(spec.get("metrics") or []), list(spec.get("gates") or [])
    if spec.get("replace"):
        return own | ({"metrics": metrics} if metrics else {}) | {"gates": gates}
    if metrics:
        # The run may have named none: then the task's own set was measured, and it is what stands in the result.
        before = own.get("metrics") or [name for name in found.run["metrics"] if name != COVERAGE]
        own["metrics"] = list(dict.fromkeys([*before, *metrics]))
    if gates:
        own["gates"] = list(dict.fromkeys([*own.get("gates", []), *gates]))
    return own


def job(found: Subject, checked: Validated) -> Work:
    """The job: what the worker got the first time, predictions, baseline and titles alike, with the section as it was checked now."""
    spec = EvaluateSpec.model_validate({**found.request["spec"], **checked.spec, "task": found.request["spec"]["task"], "kind": "report"})
    inputs = {name: Reference.model_validate(reference) for name, reference in found.request["inputs"].items()}
    return Work(spec.model_dump(mode="json"), inputs)

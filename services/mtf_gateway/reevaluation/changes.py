"""What is different between two evaluations of one run: pure, so that a dry run tells exactly what the real one will."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mtf.contracts.reevaluation import GateChange, MetricChange
from mtf_gateway.memory.identity import OWN, metric_name, version_of

JUDGED = ("value", "lower", "upper", "reliable", "undefined")
"""What makes two values of a metric different; wording does not."""


def gate_changes(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[GateChange]:
    """Gates with another verdict, gates that are new and gates that are gone, in the order of the run."""
    was, now = ({str(gate["expression"]): gate for gate in gates} for gates in (before, after))
    found = []
    for expression in dict.fromkeys([*was, *now]):
        old, new = was.get(expression), now.get(expression)
        change = GateChange(
            gate=expression,
            before=None if old is None else old["verdict"],
            after=None if new is None else new["verdict"],
            value_before=_observed(old),
            value_after=_observed(new),
        )
        if change.before != change.after:
            found.append(change)
    return found


def metric_changes(
    before: Mapping[str, Mapping[str, Any]],
    after: Mapping[str, Mapping[str, Any]],
    versions_before: Mapping[str, str],
    versions_after: Mapping[str, str],
) -> list[MetricChange]:
    """Metrics with another value or another interval, and those that are new, in the order of the new report."""
    found = []
    for name, value in after.items():
        old = before.get(name)
        if old is not None and all(old.get(key) == value.get(key) for key in JUDGED):
            continue
        found.append(
            MetricChange(
                metric=name,
                before=None if old is None else old.get("value"),
                after=value.get("value"),
                version_before=None if old is None else version_of(versions_before, name),
                version_after=version_of(versions_after, name),
                new=old is None,
            )
        )
    return found


def outdated(metrics: Mapping[str, Any], versions: Mapping[str, str], current: Mapping[str, int]) -> bool:
    """Whether a metric of a run has another version now than it was measured with. One that is not installed any more is not newer."""
    used = {metric_name(name) for name in metrics}
    return any(name in current and f"{OWN}{name}" in versions and versions[f"{OWN}{name}"] != str(current[name]) for name in used)


def _observed(gate: Mapping[str, Any] | None) -> float | None:
    """The number that a gate judged: the difference of one against a baseline, else the metric's value."""
    if gate is None:
        return None
    observed = gate.get("observed") or {}
    number = observed.get("difference") if "difference" in observed else observed.get("value")
    return float(number) if isinstance(number, int | float) else None

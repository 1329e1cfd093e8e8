"""What the grammar cannot see: whether the metric of a gate has what the gate asks of it. No data and no numerical library is needed."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mtf.contracts.stages import Term
from mtf.errors import SpecError
from mtf.plugins import listed, names
from mtf_evaluation.catalogue import Described, describe, resolve
from mtf_evaluation.gates.grammar import parse


def read(
    text: str,
    known: Sequence[str] | None = None,
    *,
    task: str | None,
    baseline: bool,
    field: str | None = None,
    conditions: Sequence[str] = (),
) -> Term:
    """A gate that can be judged, with its metric in canonical text.

    Args:
        text: The gate as it is written.
        known: Names of the metrics that exist; looked up without it.
        task: The task, where it is known.
        baseline: Whether there is something to compare with.
        field: Where the gate stands, for errors.
        conditions: Names of declared conditions, which need no value: `in seniors`.

    Raises:
        SpecError: A mistake in the text, a metric of another task, a missing baseline, an interval that the metric has not, a bound
            beyond what the metric can be.
    """
    parsed = parse(text, names("metric") if known is None else known, field=field, conditions=conditions)
    term = parsed.model_copy(update={"metric": str(resolve(parsed.metric, where=field)[0])})
    suits(term.metric, task, field)
    metric = describe(term.metric)
    if term.operator == "not_worse":
        _comparable(term, metric, field, baseline=baseline)
    else:
        _certain(term, metric, field)
        _reachable(term, metric.bounds, field)
    return term


def suits(name: str, task: str | None, field: str | None) -> None:
    """Raise SpecError for a metric of another task."""
    if task is not None and task not in describe(name).tasks:
        fitting = [other for other in names("metric") if task in describe(other).tasks]
        raise SpecError(f"`{name}` does not apply to a {task} task", field=field, found=name, fix=f"choose from {listed(fitting)}")


def _comparable(term: Term, metric: Described, field: str | None, *, baseline: bool) -> None:
    """A gate against a baseline needs one, a direction, and the interval of a paired difference."""
    if not baseline:
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
    if not metric.paired:
        judged = term.metric if metric.has_interval else f"point({term.metric})"
        raise SpecError(
            f"`{term.metric}` has no paired test, so that nobody can say whether it is worse",
            field=field,
            found=term.expression,
            fix=f"give it a bound, for example `{judged} {'>=' if metric.greater_is_better else '<='} {term.bound or 0.05:g}`",
        )


def _certain(term: Term, metric: Described, field: str | None) -> None:
    """A gate without `point()` needs an interval."""
    if not term.point and not metric.has_interval:
        raise SpecError(
            f"`{term.metric}` has no interval, so that a gate can only judge its value",
            field=field,
            found=term.expression,
            fix=f"write `point({term.metric}) {term.operator} {term.bound:g}`",
        )


def _reachable(term: Term, bounds: tuple[float, float], field: str | None) -> None:
    """A bound beyond what the metric can ever be is a slip of the pen, most often a percentage."""
    least, most = bounds
    if least <= term.bound <= most:
        return
    lies = f"is at least {least:g}" if math.isinf(most) else f"lies between {least:g} and {most:g}"
    if math.isinf(least):
        lies = f"is at most {most:g}"
    percent = 1 < term.bound <= 100 and most == 1  # noqa: PLR2004 - a percentage
    fix = f"write {term.bound / 100:g} for {term.bound:g}%" if percent else "choose a bound that it can have"
    raise SpecError(f"`{term.metric}` {lies}", field=field, found=f"{term.bound:g}", fix=fix)

"""`mtf runs compare`: two runs or more, metric by metric."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from mtf.cli.session import session
from mtf.cli.show import console, number, table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from mtf.contracts.registry import ComparisonView, OverallTest
    from mtf.contracts.report import Comparison

WIDE = 110
"""Columns from which the values of both runs are shown beside their difference."""
MANY = 10_000_000
"""Rows of which nobody asks for more digits."""
RARE = 1e-6
"""A chance below which nobody asks for more digits."""
TINY = 1e-300
MOST_DECIMALS = 6
FEW = 3
"""Metrics of more than two runs whose pairs are shown; of more metrics the ranks alone."""


def compare(
    run_ids: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Ids of the runs; of two, the first minus the second.", show_default=False)
    ],
    *,
    baseline: Annotated[str | None, typer.Option("--baseline", metavar="RUN", help="Compare every other run with this one alone.")] = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option(
            "--metric", "-m", metavar="METRIC", help="A metric that decides, as a run file writes it; may be given more than once."
        ),
    ] = None,
    unpaired: Annotated[bool, typer.Option("--unpaired", help="Compare runs that scored other rows, as independent samples.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The comparison as JSON.")] = False,
) -> None:
    """Compare runs: differences with intervals and p-values, paired by row; of more than two also ranks with ties."""
    with session(stages=("evaluation",)) as gateway:
        view = gateway.compare(*run_ids, baseline=baseline, metrics=metrics or None, paired=not unpaired)
    if as_json:
        sys.stdout.write(view.model_dump_json(indent=1) + "\n")
        return
    _print(console(), view)


def _print(out: Console, view: ComparisonView) -> None:
    from rich.markup import escape

    out.print(escape(_head(view)))
    for line in view.differs:
        out.print(f"[yellow]other rows:[/] {escape(line)}")
    names = list(dict.fromkeys(one.metric for one in view.comparisons))
    many = len(view.runs) > 2  # noqa: PLR2004 - a pair
    if view.standings and many:
        out.print(_standings(view))
    if not many:
        out.print(_differences(view.comparisons, wide=out.width >= WIDE, many=False))
    elif len(names) <= FEW or not view.standings:
        for name in names:
            out.print(escape(_metric_head(name, view.overall)))
            out.print(_differences([one for one in view.comparisons if one.metric == name], wide=out.width >= WIDE, many=True))
    else:
        out.print("every pair: `--metric METRIC` for one metric, `--json` for all")
    for line in _remarks(view):
        out.print(line)


def _head(view: ComparisonView) -> str:
    """Who is compared with whom, and on which rows."""
    labels = [one.label for one in view.runs]
    base = next((one.label for one in view.runs if one.id == view.baseline), None)
    if base is None:
        who = f"{len(labels)} runs, every two compared: {', '.join(labels)}"
    else:
        who = f"{', '.join(dict.fromkeys(one.run for one in view.comparisons)) or labels[0]} minus {base}"
    if view.paired:
        return f"{who}; paired on {view.rows:,} rows"
    return f"{who}; unpaired, on other rows ({', '.join(f'{one.rows:,}' for one in view.runs)})"


def _standings(view: ComparisonView) -> Table:
    """Ranks with ties, metric by metric."""
    from rich.markup import escape

    rows = []
    for one in view.standings:
        for place, run in enumerate(one.runs):
            rank = f"{run.rank}" if run.rank == run.worst_rank else f"{run.rank} to {run.worst_rank}"
            rows.append((one.metric if place == 0 else "", rank, escape(run.run), number(run.value), run.letters))
    return table(("metric", "rank", "run", "value", "alike"), rows, right=("value",))


def _metric_head(name: str, overall: Sequence[OverallTest]) -> str:
    found = next((one for one in overall if one.metric == name), None)
    return name if found is None else f"{name}: {found.sentence}"


def _differences(found: Sequence[Comparison], *, wide: bool, many: bool) -> Table:
    """One line per difference: how large, how sure, how often by chance alone, and how many rows would settle it."""
    from rich.markup import escape

    level = next((f"{one.level:.0%} interval" for one in found if one.level), "interval")
    head = [
        "runs" if many else "metric",
        *(("value", "of other", "difference") if wide else ("by",)),
        level,
        "p adj.",
        "by chance",
        "needed",
    ]
    rows = []
    for one in found:
        name = f"{one.run} - {one.baseline}" if many else one.metric
        values = (number(one.value), number(one.baseline_value)) if wide else ()
        rows.append((escape(name), *values, *_numbers(one), _p(one.p_adjusted), _chance(one), _needed(one)))
    made = table(tuple(head), rows, right=tuple(head[1:]))
    made.padding = (0, 1, 0, 0)
    return made


def _numbers(one: Comparison) -> tuple[str, str]:
    """A difference and its interval with as many decimals as the interval's width says something about."""
    if one.difference is None or one.lower is None or one.upper is None:
        return number(one.difference, 3), ""
    decimals = 1 - math.floor(math.log10(max((one.upper - one.lower) / 2, TINY)))
    if decimals > MOST_DECIMALS:
        return number(one.difference, 3), f"{number(one.lower, 3)} to {number(one.upper, 3)}"
    places = max(decimals, 0)
    return f"{one.difference:+z,.{places}f}", f"{one.lower:z,.{places}f} to {one.upper:z,.{places}f}"


def _p(value: float | None) -> str:
    return "" if value is None else "<0.001" if value < 0.001 else f"{value:.3f}"  # noqa: PLR2004 - what a table can show


def _chance(one: Comparison) -> str:
    """`1 of 2,900`, out of the sentence that says it in full."""
    if one.p_value is not None and one.p_value < RARE and one.lower is not None:
        return "< 1 of 10^6"
    return one.sentence.partition("would appear in ")[2].partition(" test sets")[0]


def _needed(one: Comparison) -> str:
    """Whether the rows settle the difference, alone and after the correction, or how many would."""
    if one.lower is None or one.upper is None:
        return "no test"
    if not one.reliable:
        return "unsure"
    if one.lower > 0 or one.upper < 0:
        return "enough" if one.p_adjusted is not None and one.p_adjusted <= 1 - (one.level or 0.95) else "alone"
    if one.rows_needed is None or one.rows_needed > MANY:
        return "-" if one.rows_needed is None else "> 10^7"
    step = int(10 ** max(len(str(one.rows_needed)) - 2, 0))
    return f"{-(-one.rows_needed // step) * step:,}"


def _remarks(view: ComparisonView) -> Iterator[str]:
    """What the columns mean, what was corrected, and what cannot be relied on."""
    from rich.markup import escape

    if any(_chance(one) for one in view.comparisons):
        yield "by chance: in how many test sets two equally good models would differ this much"
        yield "needed: `enough` where these rows settle it, else how many would if the difference stayed as it is"
    words = {_needed(one) for one in view.comparisons}
    if "alone" in words:
        yield "alone: the interval excludes 0, but it does not stand once all tests are counted"
    if view.family:
        yield escape(f"p adj.: {view.family}")
    reasons = dict.fromkeys((one.metric, one.reason or one.undefined) for one in view.comparisons if not one.reliable)
    for metric, reason in reasons:
        if reason:
            yield f"[yellow]note:[/] {escape(f'{metric}: {reason}')}"
    for warning in view.warnings:
        yield f"[yellow]note:[/] {escape(warning)}"
    if len(view.comparisons) <= FEW:
        for one in view.comparisons:
            yield escape(one.sentence)

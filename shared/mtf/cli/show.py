"""How results look on a terminal: tables of metrics, verdicts of gates, problems in a few lines."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mtf.errors import MtfError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

MARKS: Mapping[str, str] = {"pass": "[green]✔ pass[/]", "fail": "[red]✘ fail[/]", "inconclusive": "[yellow]? inconclusive[/]"}


def console(*, stderr: bool = False) -> Console:
    """A console as wide as the terminal; at least 100 columns where there is none, so that logs stay readable."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else 140, soft_wrap=not stream.isatty())


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None, right: Sequence[str] = ()) -> Table:
    """A plain table. Cells are text; markup in user-supplied text is escaped."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold", no_wrap=column in right)
    for row in rows:
        made.add_row(*("" if cell is None else str(cell) for cell in row))
    return made


def number(value: float | None, digits: int = 4) -> str:
    """A number that a person compares: four significant digits, none lost before the point."""
    if value is None:
        return "-"
    if value != 0 and (abs(value) < 10 ** (1 - digits) or abs(value) >= 10**7):
        return f"{value:.{digits - 1}e}"
    decimals = max(0, digits - max(1, len(str(int(abs(value))))))
    return f"{value:,.{max(decimals, 3 if abs(value) < 1 else 0)}f}"


def metrics_table(report: Mapping[str, Any]) -> Table:
    """Metrics with their intervals."""
    from rich.markup import escape

    rows = []
    for name, metric in report["metrics"].items():
        interval = "" if metric.get("lower") is None else f"{number(metric['lower'])} to {number(metric['upper'])}"
        remark = metric.get("undefined") or metric.get("reason") or ""
        rows.append((name, number(metric["value"]), interval, metric["method"], f"{metric['n']:,}", escape(remark)))
    level = next((f"{m['level']:.0%}" for m in report["metrics"].values() if m.get("level")), "")
    return table(
        ("metric", "value", f"{level} interval".strip(), "method", "n", "remark"), rows, right=("value", f"{level} interval".strip(), "n")
    )


def gates_table(gates: Sequence[Mapping[str, Any]]) -> Table:
    """Gates with their verdicts and the reason of each."""
    from rich.markup import escape

    return table(
        ("gate", "verdict", "why"), [(escape(gate["expression"]), MARKS[gate["verdict"]], escape(gate["reason"])) for gate in gates]
    )


def comparisons_table(comparisons: Sequence[Mapping[str, Any]]) -> Table:
    """Paired differences with intervals and p-values."""
    from rich.markup import escape

    rows = []
    for item in comparisons:
        interval = "" if item.get("lower") is None else f"{number(item['lower'])} to {number(item['upper'])}"
        p_value = item.get("p_adjusted") if item.get("p_adjusted") is not None else item.get("p_value")
        rows.append(
            (
                item["metric"],
                number(item["difference"]),
                interval,
                number(p_value),
                escape(item.get("sentence") or item.get("undefined") or ""),
            )
        )
    return table(("metric", "difference", "interval", "p (adjusted)", "in words"), rows, right=("difference", "interval", "p (adjusted)"))


def complain(error: MtfError) -> None:
    """A problem in at most a few lines on standard error: what, where, what was found, what to do."""
    from rich.markup import escape

    problem = error.problem()
    out = console(stderr=True)
    head = "interrupted" if problem.cause == "cancelled" else "error"
    stage = f" in {problem.stage}" if problem.stage else ""
    out.print(f"[red bold]{head}[/]{escape(stage)}: {escape(problem.detail)}")
    listed = [item for item in problem.errors if (item.field, item.message) != (problem.field, problem.detail)]
    if not listed or problem.field:
        _details(out, problem.field, problem.found, problem.fix)
    for item in listed[:8]:
        out.print(f"  • [bold]{escape(item.field)}[/]: {escape(item.message)}")
        _details(out, None, item.found, item.fix, indent="    ")
    if len(listed) > 8:  # noqa: PLR2004 - a screen, not a book
        out.print(f"  … and {len(listed) - 8} more")


def _details(out: Console, field: str | None, found: str | None, fix: str | None, indent: str = "  ") -> None:
    from rich.markup import escape

    for word, text in (("field", field), ("found", found), ("fix", fix)):
        if text:
            out.print(f"{indent}[dim]{word}:[/] {escape(text)}")

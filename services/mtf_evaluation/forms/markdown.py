"""The report in Markdown, as it is drawn in a repository or pasted into a ticket: tables, no pictures."""

from __future__ import annotations

from collections.abc import Iterator

from mtf.contracts.report import Report
from mtf.summary.markdown import code, folded, plain, prose, table
from mtf_evaluation import numerals
from mtf_evaluation.assemble import RUN_ID
from mtf_evaluation.figures.svg import Table
from mtf_evaluation.page import comparisons, gates, metrics, parts, provenance, sections

_MARKS = {"pass": "✅ Pass", "fail": "❌ Fail", "inconclusive": "❓ Inconclusive"}
SLICES = 200
METRICS = 4
"""Metrics of the table of slices; the CSV has all."""


def to_markdown(report: Report) -> str:
    """The document. Nothing that a user or a model wrote is read as markup, as a link or as a mention."""
    text = "\n\n".join([*_head(report), *_judged(report), *_measured(report), *_plots(report), *_origin(report)]) + "\n"
    return text.replace(plain(RUN_ID), RUN_ID) if report.run.id == RUN_ID else text  # the gateway fills in the id


def _head(report: Report) -> Iterator[str]:
    yield f"# {plain(report.run.name)}"
    yield f"**{_MARKS[report.verdict]}**" if report.verdict else "**No verdict**: the run names no gates."
    rows = f"{report.rows.scored:,}" + (f" of {report.rows.total:,}" if report.rows.scored != report.rows.total else "")
    facts = [("dataset", code(report.run.dataset)), ("model", code(report.run.model)), ("task", report.task), ("rows", rows)]
    yield table([name for name, _ in [*facts, ("run", "")]], [[*(value for _, value in facts), code(report.run.id)]])


def _judged(report: Report) -> Iterator[str]:
    if report.gates:
        rows = [[_MARKS[one.verdict], code(one.expression), prose(one.reason)] for one in gates.rows(report)]
        yield "## Gates\n\n" + table(["verdict", "gate", "why"], rows)
    earlier = report.notes.get("warnings")
    warnings = list(dict.fromkeys([*report.warnings, *(map(str, earlier) if isinstance(earlier, list) else ())]))
    if warnings:
        yield "## Warnings\n\n" + "\n".join(f"- {prose(one)}" for one in warnings)


def _measured(report: Report) -> Iterator[str]:
    rows = [
        [code(one.name), one.value, one.interval, f"{one.n:,}", one.method, _remark(one.note, reliable=one.reliable)]
        for one in metrics.rows(report)
    ]
    yield "## Metrics\n\n" + table(
        ["metric", "value", f"{_level(report)} % interval", "rows", "method", "remark"], rows, right=("value", "rows")
    )
    if report.slices:
        yield from _slices(report)
    if report.comparisons:
        yield f"## Compared with {plain(report.comparisons[0].baseline)}"
        yield _compared(report)
    if report.checks:
        rows = [[_MARKS[one.verdict], code(one.name), prose(one.detail)] for one in report.checks]
        yield "## Checks\n\n" + table(["verdict", "check", "what was found"], rows)


def _slices(report: Report) -> Iterator[str]:
    found = parts.table(report, metrics=METRICS, most=SLICES)
    rows = [[code(one.name), f"{one.rows:,}", *(_cell(cell) for cell in one.cells)] for one in found.rows]
    body = table(["slice", "rows", *(code(name) for name in found.names)], rows, right=("rows",))
    yield "## Slices"
    yield body if len(rows) <= 15 else folded(numerals.count(len(rows), "slice"), body)  # noqa: PLR2004 - what a screen shows
    if found.notes:
        yield "\n".join(f"{at}. {prose(note)}" for at, note in enumerate(found.notes, start=1))
    if found.left_out:
        yield f"{found.left_out} The CSV and the JSON report have everything."


def _cell(cell: parts.Cell) -> str:
    shown = f"{cell.value} ({cell.interval})" if cell.interval else cell.value
    shown += "" if cell.reliable else " ?"
    shown += f" <sup>{plain(cell.note)}</sup>" if cell.note else ""
    return f"{shown} {cell.rest}" if cell.rest else shown


def _compared(report: Report) -> str:
    rows = []
    for one in comparisons.rows(report):
        where = f" in {code(one.where)}" if one.where else ""
        gate = " (gate)" if one.gated else ""
        rows.append([f"{code(one.metric)}{where}{gate}", one.ours, one.theirs, one.difference, one.interval, one.p, prose(one.sentence)])
    head = ["metric", "this run", "baseline", "difference", "interval", "p (adjusted)", "in words"]
    return table(head, rows, right=("this run", "baseline", "difference", "p (adjusted)"))


def _plots(report: Report) -> Iterator[str]:
    figures = [*sections.figures(report), *sections.by_column(report)]
    if any(one.tables for one in figures):
        yield "## Plots"
    for figure in figures:
        body = "\n\n".join(_table(one) for one in figure.tables)
        if body:
            yield folded(plain(figure.title), f"{plain(figure.caption)}\n\n{body}")


def _table(one: Table) -> str:
    return table([plain(name) for name in one.head], [[plain(cell) for cell in row] for row in one.rows], right=one.head[1:])


def _origin(report: Report) -> Iterator[str]:
    yield "## Provenance"
    for block in provenance.blocks(report):
        if block.pairs:
            yield folded(plain(block.title), table(["what", "value"], [[plain(name), plain(value)] for name, value in block.pairs]))
        elif block.items:
            yield folded(plain(block.title), "\n".join(f"- {plain(item)}" for item in block.items))
        else:
            yield folded(plain(block.title), _table(Table(block.head, block.rows)))


def _remark(note: str, *, reliable: bool) -> str:
    return prose(note if reliable else f"not reliable: {note}")


def _level(report: Report) -> str:
    found = next((one.level for one in report.metrics.values() if one.level), None)
    return f"{(found or 0.95) * 100:g}"

"""A report as the page of a build shows it: the verdict first, then why, then the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mtf.summary.markdown import code, folded, plain, prose, table
from mtf.summary.numbers import interval, number, shown

Document = Mapping[str, Any]
_MARKS = {"pass": "✅ pass", "fail": "❌ fail", "inconclusive": "❓ inconclusive"}
_OPEN, _MOST, _NOTES = 15, 60, 20
"""Rows of a table that stand open, rows at all, and notes: a build's page takes 1 MiB for all of its steps."""


def to_markdown(report: Document, *, place: str | None = None) -> str:
    """The job summary of a run.

    Args:
        report: `report.json` as a mapping.
        place: Where the full report lies: an address or a path.
    """
    head = report["run"]
    facts = [code(head["model"]) + " on " + code(head["dataset"]), f"{report['rows']['scored']:,} rows scored", plain(report["task"])]
    facts.append(f"run {code(head['id'])}")
    parts = [f"## {_headline(report)}", " · ".join(facts)]
    if report.get("gates"):
        parts.append(_gates(report["gates"]))
    failing = list(_failing(report))
    if failing:
        parts.append(f"### Slices that miss their bound\n\n{_folded_rows(('slice', 'gate', 'value', 'interval', 'rows'), failing)}")
    parts.append(f"### Metrics\n\n{_metrics(report['metrics'])}")
    compared = [one for one in report.get("comparisons", []) if not one.get("where")]
    if compared:
        parts.append(f"### Against {plain(compared[0]['baseline'])}\n\n{_comparisons(compared)}")
    notes = _notes(report)
    if notes:
        parts.append("### Notes\n\n" + "\n".join(f"- {prose(note)}" for note in notes))
    if place:
        link = f"<{place}>" if place.startswith(("http://", "https://")) and not set(place) & set("<> \n") else code(place)
        parts.append(f"Full report: {link}")
    return "\n\n".join(parts) + "\n"


def _headline(report: Document) -> str:
    name, gates = plain(report["run"]["name"]), report.get("gates") or []
    count = {verdict: sum(gate["verdict"] == verdict for gate in gates) for verdict in _MARKS}
    if not gates:
        return f"\N{INFORMATION SOURCE}\ufe0f {name}: no gates"
    if count["fail"]:
        return f"❌ {name}: {_of(count['fail'], len(gates), 'fails', 'fail')}"
    if count["inconclusive"]:
        return f"❓ {name}: {_of(count['inconclusive'], len(gates), 'is inconclusive', 'are inconclusive')}"
    return f"✅ {name}: {'the gate passes' if len(gates) == 1 else f'all {len(gates)} gates pass'}"


def _of(some: int, total: int, one: str, many: str) -> str:
    return f"the gate {one}" if total == 1 else f"{some} of {total} gates {one if some == 1 else many}"


def _gates(gates: Sequence[Document]) -> str:
    """What went wrong first; the order of the run file otherwise."""
    order = sorted(gates, key=lambda gate: ("fail", "inconclusive", "pass").index(gate["verdict"]))
    rows = [(_MARKS[gate["verdict"]], code(gate["expression"]), prose(gate["reason"])) for gate in order]
    return _folded_rows(("verdict", "gate", "why"), rows)


def _failing(report: Document) -> Iterator[tuple[str, ...]]:
    """Slices that miss the bound of a gate, with what was measured there."""
    slices = {one["name"]: one for one in report.get("slices", [])}
    for gate in report.get("gates", []):
        observed = gate.get("observed", {})
        names = observed.get("failing", [])
        if gate["verdict"] != "fail" or not (names or gate.get("where")):
            continue
        for name in names or [", ".join(f"{column}={value}" for column, value in gate["where"].items())]:
            found = slices.get(name, {})
            metric = found.get("metrics", {}).get(gate.get("metric"), {})
            if gate.get("where") == found.get("where") or "difference" in observed:
                metric = observed if not names or observed.get("slice") == name else {}
            key = "difference" if "difference" in metric else "value"
            yield code(name), code(gate["expression"]), shown(metric, key), interval(metric), f"{found['rows']:,}" if found else ""


def _metrics(metrics: Mapping[str, Document]) -> str:
    level = next((one["level"] for one in metrics.values() if one.get("level")), None)
    column = f"{level * 100:g} % interval" if level else "interval"
    rows = []
    for name, one in metrics.items():
        remark = one.get("undefined") or ("" if one.get("reliable", True) else f"not reliable: {one.get('reason') or ''}")
        rows.append((code(name), shown(one), interval(one), f"{one['n']:,}", prose(remark)))
    return _folded_rows(("metric", "value", column, "rows", "remark"), rows)


def _comparisons(compared: Sequence[Document]) -> str:
    rows = []
    for one in compared:
        p_value = one.get("p_adjusted") if one.get("p_adjusted") is not None else one.get("p_value")
        remark = prose(one.get("undefined") or ("" if one.get("reliable", True) else f"not reliable: {one.get('reason') or ''}"))
        rows.append((code(one["metric"]), shown(one, "difference"), interval(one), number(p_value), remark))
    return _folded_rows(("metric", "difference", "interval", "p (adjusted)", "remark"), rows)


def _folded_rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first rows in the open, more behind a click, and a word on what is left out."""
    right = ("value", "difference", "rows", "p (adjusted)")
    text = table(head, rows[:_OPEN], right=right)
    if len(rows) <= _OPEN:
        return text
    rest = table(head, rows[_OPEN:_MOST], right=right)
    left = f"\n\n{len(rows) - _MOST:,} more are in the report." if len(rows) > _MOST else ""
    return f"{text}\n\n{folded(f'{min(len(rows), _MOST) - _OPEN} more', rest)}{left}"


def _notes(report: Document) -> list[str]:
    earlier = report.get("notes", {}).get("warnings")
    found = list(dict.fromkeys([*report.get("warnings", []), *(map(str, earlier) if isinstance(earlier, list) else ())]))
    more = len(found) - _NOTES
    return found[:_NOTES] + ([f"{more} more notes are in the report"] if more > 0 else [])

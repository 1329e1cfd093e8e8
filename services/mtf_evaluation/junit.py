"""The gates as a JUnit file, so that any build server shows them.

The elements are those that the schemas of Jenkins, Surefire and GitLab have in common: a test case has no properties there, so what was
measured stands in its `system-out`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from mtf.contracts.report import Gate, Report

_NUMBERS = ("value", "baseline_value", "difference", "lower", "upper", "level", "p_value", "p_adjusted", "n", "n_effective")
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot carry, not even escaped."""


def to_xml(report: Report) -> bytes:
    """One test case for each gate: `fail` is a failure, `inconclusive` is skipped with its reason. A run without gates has no case."""
    verdicts = [gate.verdict for gate in report.gates]
    counts = {
        "tests": str(len(verdicts)),
        "failures": str(verdicts.count("fail")),
        "errors": "0",
        "skipped": str(verdicts.count("inconclusive")),
        "time": "0",
    }
    root = ET.Element("testsuites", {"name": "model tests"} | {key: counts[key] for key in ("tests", "failures", "errors", "time")})
    suite = ET.SubElement(root, "testsuite", {"name": _legal(report.run.name), "id": "0"} | counts)
    properties = ET.SubElement(suite, "properties")
    head = {"run": report.run.id, "dataset": report.run.dataset, "model": report.run.model, "task": report.task}
    facts = head | {"rows": str(report.rows.scored), "verdict": report.verdict or "none"}
    for name, value in (facts | {f"gates.{verdict}": str(verdicts.count(verdict)) for verdict in ("pass", "fail", "inconclusive")}).items():
        ET.SubElement(properties, "property", {"name": name, "value": _legal(value)})
    for gate in report.gates:
        _case(suite, report.run.name, gate)
    ET.SubElement(suite, "system-out").text = _legal(
        "\n".join(f"{gate.verdict}: {gate.expression}: {gate.reason}" for gate in report.gates)
    )
    ET.indent(root, " ")
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _case(suite: ET.Element, run: str, gate: Gate) -> None:
    case = ET.SubElement(suite, "testcase", {"name": _legal(gate.expression), "classname": _legal(run), "time": "0"})
    reason = _legal(gate.reason)
    if gate.verdict == "fail":
        ET.SubElement(case, "failure", {"message": reason, "type": "gate"}).text = reason
    elif gate.verdict == "inconclusive":
        ET.SubElement(case, "skipped", {"message": f"inconclusive: {reason}"})
    ET.SubElement(case, "system-out").text = _legal("\n".join([f"{gate.verdict}: {gate.reason}", *_observed(gate)]))


def _observed(gate: Gate) -> Iterator[str]:
    """What was measured, a line each: `value: 0.912`."""
    if gate.metric:
        yield f"metric: {gate.metric}"
    for column, value in gate.where.items():
        yield f"slice: {column}={value}"
    for name in _NUMBERS:
        if gate.observed.get(name) is not None:
            yield f"{name}: {gate.observed[name]}"
    if gate.rows_needed is not None:
        yield f"rows needed: {gate.rows_needed}"


def _legal(text: str) -> str:
    """The text without what XML cannot carry; each such character becomes U+FFFD."""
    return _ILLEGAL.sub("\ufffd", text)

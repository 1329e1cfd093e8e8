"""The JUnit file: what build servers accept, and what they show."""

from xml.etree import ElementTree as ET

import junitparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtf.contracts.report import Report
from mtf_evaluation import junit

ALLOWED: dict[str, tuple[set[str], set[str], list[str]]] = {
    # element: required attributes, optional attributes, children in their order (Jenkins' and Surefire's common schema)
    "testsuites": (set(), {"name", "time", "tests", "failures", "disabled", "errors"}, ["testsuite"]),
    "testsuite": (
        {"name", "tests"},
        {"failures", "errors", "time", "disabled", "skipped", "timestamp", "hostname", "id", "package"},
        ["properties", "testcase", "system-out", "system-err"],
    ),
    "properties": (set(), set(), ["property"]),
    "property": ({"name", "value"}, set(), []),
    "testcase": ({"name", "classname"}, {"assertions", "time", "status"}, ["skipped", "error", "failure", "system-out", "system-err"]),
    "failure": (set(), {"type", "message"}, []),
    "skipped": (set(), {"message"}, []),
    "system-out": (set(), set(), []),
}


def report(*gates: tuple[str, str, str], name: str = "demo") -> Report:
    """A report with these gates: expression, verdict, reason."""
    return Report.model_validate(
        {
            "run": {"id": "{{run_id}}", "name": name, "dataset": "d@1", "model": "m@1"},
            "task": "binary",
            "rows": {"total": 10, "scored": 10},
            "metrics": {},
            "gates": [{"expression": one, "verdict": verdict, "reason": reason} for one, verdict, reason in gates],
            "verdict": "fail" if gates else None,
        }
    )


def conforms(element: ET.Element) -> None:
    """Every element, attribute and order is one that the schema knows."""
    required, optional, children = ALLOWED[element.tag]
    assert required <= set(element.attrib) <= required | optional, element.tag
    places = [children.index(child.tag) for child in element]
    assert places == sorted(places), element.tag
    for child in element:
        conforms(child)


def test_each_gate_is_a_case() -> None:
    """Fail is a failure, inconclusive is skipped with its reason, pass is bare; the counts agree."""
    document = junit.to_xml(report(("a >= 1", "pass", "fine"), ("b >= 1", "fail", "b is 0"), ("c >= 1", "inconclusive", "too few")))
    root = ET.fromstring(document)  # noqa: S314 - our own document
    conforms(root)
    suite = root[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped"), suite.get("errors")) == ("3", "1", "1", "0")
    cases = suite.findall("testcase")
    assert [[child.tag for child in case] for case in cases] == [["system-out"], ["failure", "system-out"], ["skipped", "system-out"]]
    assert cases[1][0].get("message") == "b is 0"
    assert cases[2][0].get("message") == "inconclusive: too few"
    properties = {one.get("name"): one.get("value") for one in suite.iter("property")}
    assert properties["verdict"] == "fail"
    assert properties["run"] == "{{run_id}}"
    assert [properties[f"gates.{verdict}"] for verdict in ("pass", "fail", "inconclusive")] == ["1", "1", "1"]


def test_a_case_says_what_was_measured() -> None:
    """Value, limits and rows stand in the output of the case, where build servers show it."""
    document = report(("f1 >= 0.9 in sex=F", "inconclusive", "too few"))
    observed = {"value": 0.91, "lower": 0.85, "upper": 0.95, "level": 0.95, "n": 120, "undefined": None}
    gate = document.gates[0].model_copy(update={"metric": "f1", "where": {"sex": "F"}, "observed": observed, "rows_needed": 900})
    root = ET.fromstring(junit.to_xml(document.model_copy(update={"gates": [gate]})))  # noqa: S314 - our own document
    lines = str(root.findtext("testsuite/testcase/system-out")).splitlines()
    numbers = ["value: 0.91", "lower: 0.85", "upper: 0.95", "level: 0.95", "n: 120", "rows needed: 900"]
    assert lines == ["inconclusive: too few", "metric: f1", "slice: sex=F", *numbers]


def test_another_reader_understands_the_file() -> None:
    """junitparser, which build tools use, finds the same cases, results and counts."""
    document = report(("a >= 1", "pass", "fine"), ('b < 1 in s="<x>"', "fail", "b is 2 & more"), ("c >= 1", "inconclusive", "too few"))
    suites = junitparser.JUnitXml.fromstring(junit.to_xml(document))
    [suite] = list(suites)
    assert (suite.tests, suite.failures, suite.skipped, suite.errors) == (3, 1, 1, 0)
    results = {case.name: [type(one).__name__ for one in case.result] for case in suite}
    assert results == {"a >= 1": [], 'b < 1 in s="<x>"': ["Failure"], "c >= 1": ["Skipped"]}
    assert [one.message for case in suite for one in case.result] == ["b is 2 & more", "inconclusive: too few"]
    assert {one.name: one.value for one in suite.properties()}["verdict"] == "fail"


def test_a_run_without_gates_is_valid() -> None:
    """A suite without a case is a valid file that says so."""
    root = ET.fromstring(junit.to_xml(report()))  # noqa: S314 - our own document
    conforms(root)
    assert root[0].get("tests") == "0"


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_makes_a_valid_file(expression: str, reason: str) -> None:
    """Control characters, surrogates and markup in a user's texts never break the file."""
    root = ET.fromstring(junit.to_xml(report((expression, "fail", reason), name="demo")))  # noqa: S314 - our own document
    conforms(root)


@pytest.mark.parametrize("text", ["\x00", "\x1b[31m", "\ud800", "\ufffe", "]]>", "<b>&amp;</b>"])
def test_what_xml_cannot_carry_is_replaced(text: str) -> None:
    """Illegal characters become U+FFFD; everything else is kept as it was."""
    root = ET.fromstring(junit.to_xml(report((text, "pass", ""))))  # noqa: S314 - our own document
    case = root[0].find("testcase")
    assert case is not None
    assert case.get("name") == {"\x00": "\ufffd", "\x1b[31m": "\ufffd[31m", "\ud800": "\ufffd", "\ufffe": "\ufffd"}.get(text, text)

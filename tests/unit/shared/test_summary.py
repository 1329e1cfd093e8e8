"""The job summary: what a build's page shows, and that nothing in it can break the page."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mtf.contracts.problem import FieldProblem, Problem
from mtf.summary import problem_to_markdown, to_markdown
from mtf.summary.markdown import code, plain, prose, table

ALLOWED = {"p", "h2", "h3", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "code", "a", "details", "summary", "strong"}


class Page(HTMLParser):
    """The elements of a page and the text of its cells."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.rows: list[list[str]] = []
        self.text = ""
        self._cell = False

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
            self._cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._cell = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._cell:
            self.rows[-1][-1] += data


def drawn(text: str) -> Page:
    """The Markdown as a page draws it: CommonMark with tables and HTML."""
    page = Page()
    page.feed(MarkdownIt("commonmark", {"html": True}).enable("table").render(text))
    return page


def gate(expression: str, verdict: str, reason: str = "because", **more: Any) -> dict[str, Any]:
    """A judged gate."""
    return {"expression": expression, "verdict": verdict, "reason": reason, "observed": {}} | more


def value(number: float | None, half: float = 0.05, **more: Any) -> dict[str, Any]:
    """A measured metric."""
    limits = {} if number is None else {"lower": number - half, "upper": number + half, "level": 0.95}
    return {"value": number, "n": 1000, "method": "wilson", "reliable": True} | limits | more


def report(*gates: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A report document."""
    head = {"id": "01K", "name": "demo", "dataset": "rows@1", "model": "forest@2"}
    base = {
        "run": head,
        "task": "binary",
        "rows": {"total": 1200, "scored": 1000},
        "metrics": {"accuracy": value(0.9)},
        "gates": list(gates),
    }
    return base | more


@pytest.mark.parametrize(
    ("verdicts", "head"),
    [
        ([], "demo: no gates"),
        (["pass"], "✅ demo: the gate passes"),
        (["pass", "pass"], "✅ demo: all 2 gates pass"),
        (["fail"], "❌ demo: the gate fails"),
        (["pass", "fail", "inconclusive"], "❌ demo: 1 of 3 gates fails"),
        (["fail", "fail"], "❌ demo: 2 of 2 gates fail"),
        (["pass", "inconclusive"], "❓ demo: 1 of 2 gates is inconclusive"),
    ],
)
def test_the_verdict_comes_first(verdicts: list[str], head: str) -> None:
    """The first line says what became of the gates; what went wrong stands above what did not."""
    text = to_markdown(report(*(gate(f"a >= {index}", verdict) for index, verdict in enumerate(verdicts))))
    assert head in text.splitlines()[0]
    rows = [row for row in drawn(text).rows if row[0].split()[-1] in {"pass", "fail", "inconclusive"}]
    assert len(rows) == len(verdicts)
    order = ["fail", "inconclusive", "pass"]
    assert [order.index(row[0].split()[-1]) for row in rows] == sorted(order.index(verdict) for verdict in verdicts)


def test_metrics_have_intervals_and_remarks() -> None:
    """A metric with two digits of its interval; an undefined one is a dash with its reason, an unreliable one says why."""
    metrics = {
        "accuracy": value(0.91234, 0.03),
        "loss": value(None, undefined="the model gave no scores"),
        "recall": value(0.5, reliable=False, reason="7 rows"),
    }
    rows = drawn(to_markdown(report(metrics=metrics))).rows
    assert ["metric", "value", "95 % interval", "rows", "remark"] in rows
    assert ["accuracy", "0.912", "0.882 to 0.942", "1,000", ""] in rows
    assert ["loss", "\N{EN DASH}", "", "1,000", "the model gave no scores"] in rows
    assert rows[-1][4] == "not reliable: 7 rows"


def test_slices_that_miss_their_bound_are_listed() -> None:
    """Slices of failed gates, also each of those that fail beside the worst, with what was measured there."""
    slices = [
        {"name": f"s={name}", "where": {"s": name}, "rows": 100, "metrics": {"accuracy": value(number)}}
        for name, number in zip("abc", (0.6, 0.7, 0.95), strict=True)
    ]
    observed = value(0.6, 0.1) | {"failing": ["s=a", "s=b"], "slice": "s=a", "judged": 3}
    gates = [
        gate("accuracy >= 0.9 in worst slice of s", "fail", metric="accuracy", where={"s": "a"}, observed=observed),
        gate("accuracy >= 0.99 in s=c", "fail", metric="accuracy", where={"s": "c"}, observed=value(0.95)),
        gate("accuracy >= 0.5 in s=a", "pass", metric="accuracy", where={"s": "a"}, observed=value(0.6)),
    ]  # fmt: skip
    rows = drawn(to_markdown(report(*gates, slices=slices))).rows
    found = [row for row in rows if row[0].startswith("s=")]
    assert [row[0] for row in found] == ["s=a", "s=b", "s=c"]
    assert found[0][2:] == ["0.60", "0.50 to 0.70", "100"]
    assert found[1][2:] == ["0.70", "0.65 to 0.75", "100"]


def test_differences_notes_and_the_place() -> None:
    """Differences from the baseline, notes of every stage once, and where the report lies."""
    compared = [
        {"baseline": "old", "metric": "accuracy", "difference": 0.01, "lower": -0.02, "upper": 0.04, "p_value": 0.5, "p_adjusted": 0.6, "where": {}},
        {"baseline": "old", "metric": "accuracy", "difference": 0.5, "where": {"s": "a"}},
    ]  # fmt: skip
    found = report(comparisons=compared, warnings=["twice", "`a gate` is odd"], notes={"warnings": ["twice"]})
    page = drawn(to_markdown(found, place="https://example.org/report?format=html"))
    assert ["accuracy", "0.010", "-0.020 to 0.040", "0.6000", ""] in page.rows
    assert page.text.count("twice") == 1
    assert "a" in page.tags
    assert drawn(to_markdown(found, place="runs/report.html")).text.rstrip().endswith("Full report: runs/report.html")


def test_long_lists_are_folded_and_cut() -> None:
    """Fifteen rows stand open, sixty at most are shown, and the rest is counted: a page of a build has a limit."""
    text = to_markdown(report(*(gate(f"m{index} >= 1", "fail") for index in range(200)), warnings=[f"note {index}" for index in range(50)]))
    assert len(re.findall("❌ fail", text)) == 60
    assert "<summary>45 more</summary>" in text
    assert "140 more are in the report." in text
    assert "30 more notes are in the report" in text
    assert drawn(text).tags <= ALLOWED


TEXTS = ["a|b", "<script>alert(1)</script>", "`code` | `more", "[x](http://evil)", "![x](y)", "@everyone", "**b** _i_ ~~s~~", "a\nb\r\n| c", "\x1b[31m\x00", "&lt;", "www.evil.example http://evil", "$a$ #1 !2", "\\| \\", "</details>", "f_beta(beta=2)"]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
@given(more=st.text(max_size=30))
def test_no_text_breaks_the_page(text: str, more: str) -> None:
    """Whatever a user calls things, every row keeps its cells, no element appears that is not ours, and the text reads as it was written."""
    odd = f"{text}{more}"
    head = {"id": odd, "name": odd, "dataset": odd, "model": odd}
    found = report(
        gate(odd, "fail", odd, metric=odd, where={"s": odd}, observed=value(0.5)),
        run=head,
        metrics={odd: value(None, undefined=odd)},
        warnings=[odd],
        slices=[{"name": odd, "where": {"s": odd}, "rows": 3, "metrics": {}}],
    )
    page = drawn(to_markdown(found))
    assert page.tags <= ALLOWED
    assert {len(row) for row in page.rows} == {3, 5}
    assert "http://" not in to_markdown(found)


@given(st.text(max_size=60))
def test_text_is_drawn_as_it_stands(text: str) -> None:
    """What is escaped comes out as it went in, but for control characters and runs of blanks."""
    wanted = " ".join("".join(char if char.isprintable() or char.isspace() else "\ufffd" for char in text).split())
    for made in (plain(text), code(text)):
        rows = drawn(table(("a", "b"), [(made, "x")])).rows
        assert rows[1] == [wanted, "x"]


def test_code_of_a_reason_is_code() -> None:
    """Backticks in our own sentences are code, with the blanks around it; a lone one is a character."""
    assert prose("see `point(a|b)` now") == "see <code>point(a&#124;b)</code> now"
    assert drawn(prose("a ` b")).text.strip() == "a ` b"


def test_a_run_without_a_report_says_why() -> None:
    """A run that failed has a summary too: the problem, the field, what was found and what to do; all of several."""
    one = Problem(
        title="t",
        status=422,
        detail="there is no `target`",
        code="data-invalid",
        cause="data",
        field="dataset.target",
        fix="name it",
        stage="processing",
    )
    text = problem_to_markdown(one, "run.yaml")
    assert text.startswith("## ❌ run.yaml: no verdict, the run failed in processing")
    assert "- field: dataset.target" in text
    assert "- fix: name it" in text
    errors = [FieldProblem(field=f"evaluation.gates[{index}]", message="wrong", fix="mend") for index in range(25)]
    several = problem_to_markdown(one.model_copy(update={"errors": errors}), "run.yaml")
    assert drawn(several).text.count("evaluation.gates[") == 20
    assert "and 5 more" in several

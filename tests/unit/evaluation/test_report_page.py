"""The page: self-contained, harmless, small, and readable without colour or pictures."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtf.contracts.report import Gate, Report, Rows, RunHead
from mtf.plugins import Sample
from mtf_evaluation.page import gates
from mtf_evaluation.render import to_html
from tests.unit.evaluation import samples, scored_files

VOID = {"meta", "link", "br", "hr", "img", "input"}
EVIL = "<script>alert(1)</script>"


class Page(HTMLParser):
    """Reads a page strictly: every element is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember the element."""
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember an element that closes itself."""
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """What closes must be what was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Collect the texts."""
        self.words.append(data)

    def tags(self, name: str) -> list[dict[str, str | None]]:
        """Attributes of every element of a name."""
        return [attributes for tag, attributes in self.found if tag == name]


def page_of(folder: Path, sample: Any, evaluation: dict[str, Any] | None = None, slices: dict[str, Any] | None = None, **more: Any) -> str:
    """The page that a run writes."""
    done = scored_files.run(folder, scored_files.spec(sample, evaluation, **more), scored_files.table(sample, slices))
    return done.path("html").read_text(encoding="utf-8")


def assert_only_our_script(page: Page, text: str) -> None:
    """There is one script, and the page's own policy names its digest and lets nothing else run."""
    assert page.tags("script") == [{}]
    script = text.partition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = next(one for one in page.tags("meta") if one.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in str(policy["content"]).split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == f"'sha256-{digest}'"
    assert rules["base-uri"] == rules["form-action"] == "'none'"
    assert "fetch" not in script
    assert "innerHTML" not in script


@pytest.mark.parametrize("sample", [samples.binary(200), samples.multiclass(200), samples.regression(200), samples.regression(2000)])
def test_the_page_is_well_formed_and_alone(tmp_path: Path, sample: Any) -> None:
    """Every element closes, nothing is loaded from anywhere, and the page forbids itself to try."""
    text = page_of(tmp_path, sample, {"gates": ["point(mae) >= 0" if sample.task == "regression" else "accuracy >= 0.1"]})
    page = Page(text)
    assert_only_our_script(page, text)
    assert not page.tags("link")
    assert not page.tags("img")
    assert not [one for _, attributes in page.found for one in attributes if one.startswith("on")]
    assert not re.findall(r"(?:https?:)?//[a-z]", re.sub(r"xmlns[^ ]*", "", text))
    assert "url(" not in text
    references = {str(one["href"]) for one in page.tags("a")}
    assert {one for one in references if not one.startswith("#")} == set()
    identifiers = [attributes["id"] for _, attributes in page.found if "id" in attributes]
    assert {one.removeprefix("#") for one in references} <= set(identifiers)
    assert len(identifiers) == len(set(identifiers))


def test_landmarks_and_names_for_screen_readers(tmp_path: Path) -> None:
    """Landmarks, one first heading, a language, table captions, named pictures and scroll regions that the keyboard reaches."""
    sample = samples.binary(200)
    page = Page(page_of(tmp_path, sample, {"slices": ["part"], "gates": ["f1 > 0.2"]}, {"part": ["a", "b"] * 100}))
    for landmark in ("header", "nav", "main", "footer"):
        assert len(page.tags(landmark)) == 1, landmark
    assert len(page.tags("h1")) == 1
    assert page.tags("html")[0]["lang"] == "en"
    assert len(page.tags("caption")) == len(page.tags("table"))
    for drawing in page.tags("svg"):
        assert drawing.get("aria-hidden") == "true" or (drawing.get("role") == "img" and drawing.get("aria-label"))
    for region in (one for one in page.tags("div") if one.get("role") == "region"):
        assert region.get("tabindex") == "0"
        assert region.get("aria-label")
    for cell in page.tags("th"):
        assert cell.get("scope") in {"col", "row"}
    assert len(page.tags("figcaption")) == len(page.tags("figure"))
    headings = [int(tag[1]) for tag, _ in page.found if re.fullmatch(r"h[1-6]", tag)]
    assert headings[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(headings))
    assert page.found.index(("a", {"class": "skip", "href": "#main"})) < page.found.index(("main", {"id": "main"}))


def test_every_plot_has_a_table_and_tells_its_values(tmp_path: Path) -> None:
    """What is drawn can be read: a title for each mark, and a table in each figure."""
    for folder, sample in (("b", samples.binary(300)), ("m", samples.multiclass(300)), ("r", samples.regression(3000))):
        text = page_of(tmp_path / folder, sample, {"slices": ["part"]}, {"part": (["a", "b", "c"] * 1000)[: len(sample.target)]})
        figures = re.findall(r"<figure.*?</figure>", text, flags=re.DOTALL)
        assert len(figures) >= 6
        for figure in figures:
            assert "<title>" in figure
            assert "<table" in figure


def test_a_users_text_is_harmless(tmp_path: Path) -> None:
    """Markup in slice values, labels, names, notes and gates is text."""
    sample = replace(samples.binary(100), labels=("no", EVIL))
    evaluation = {"slices": [f"col{EVIL}"], "gates": [f'accuracy >= 0.1 in "col{EVIL}"="{EVIL}"']}
    slices = {f"col{EVIL}": [EVIL, "'\" onload=alert(1) x='"] * 50}
    titles = {"name": "demo", "dataset": EVIL, "model": f"m{EVIL}"}
    text = page_of(tmp_path, sample, evaluation, slices, titles=titles, notes={EVIL: {EVIL: [EVIL]}, "warnings": [f"`{EVIL}` {EVIL}"]})
    page = Page(text)
    assert_only_our_script(page, text)
    assert not [one for _, attributes in page.found for one in attributes if one.startswith("on")]
    assert EVIL in "".join(page.words)
    assert EVIL not in text


def test_many_slices_stay_small(tmp_path: Path) -> None:
    """Three hundred slices, and two thousand, stay under a megabyte; the page says what it left out, and where that stands."""
    sample = samples.binary(300)
    spec = scored_files.spec(sample, {"slices": ["part"]})
    report = scored_files.report(scored_files.run(tmp_path, spec, scored_files.table(sample, {"part": ["a", "b", "c"] * 100})))
    slices = [
        one.model_copy(update={"name": f"a rather long column name=and value {index}"}) for index in range(700) for one in report.slices
    ]
    few = to_html(report.model_copy(update={"slices": slices[:300]}))
    assert len(few.encode()) < 1_000_000
    assert "12 metrics of 300 slices" in few
    assert "would not fit here" not in few
    assert "276 slices between" in few
    many = to_html(report.model_copy(update={"slices": slices}))
    assert len(many.encode()) < 1_000_000
    assert "9 metrics and 1,100 slices more would not fit here. The CSV and the JSON report have everything." in many


def test_fifty_classes_and_five_hundred_slices_stay_small(tmp_path: Path) -> None:
    """The largest report that people make still travels by mail."""
    random = np.random.default_rng(0)
    target = random.integers(0, 50, 5000).astype(np.int32)
    raw = np.exp(random.normal(size=(5000, 50)) + 2 * np.eye(50)[target])
    scores = raw / raw.sum(axis=1, keepdims=True)
    labels = tuple(f"a class with a long name, number {code}" for code in range(50))
    sample = Sample("multiclass", target, scores.argmax(axis=1).astype(np.int32), scores, labels)
    stores = {"store": [f"the store at the corner of street {row % 500}" for row in range(5000)]}
    text = page_of(tmp_path, sample, {"slices": ["store"], "metrics": ["accuracy", "f1_macro", "log_loss"]}, stores)
    assert len(text.encode()) < 1_000_000
    assert "3 metrics of 500 slices" in text
    assert "other (31)" in text


def test_the_verdict_is_a_word_and_a_shape(tmp_path: Path) -> None:
    """The first screen says the verdict in words, with a reason for each gate, so that colour is never needed."""
    sample = samples.binary(100)
    text = page_of(tmp_path, sample, {"gates": ["accuracy >= 0.999", "f1 >= 0.0001"]})
    words = " ".join(" ".join(Page(text).words).split())
    assert "Verdict: Fail" in words
    assert "none of the interval is at least 0.999" in words
    assert words.index("Verdict") < words.index("Gates") < words.index("balanced_accuracy")
    bare = page_of(tmp_path / "bare", sample)
    assert "The run names no gates" in bare


def test_a_report_of_another_version_still_renders() -> None:
    """A page is made from the document alone: plots that this version does not know are left out, and nothing is required but the head."""
    report = Report.model_validate(
        {
            "run": {"id": "r1", "name": "demo", "dataset": "d@1", "model": "m@1", "created_at": "2026-01-01T00:00:00Z"},
            "task": "regression",
            "rows": {"total": 2, "scored": 1},
            "metrics": {"mae": {"value": None, "n": 0, "undefined": "no row"}},
            "plots": {"hologram": {"x": 1}},
            "gates": [{"expression": "not a gate any more", "verdict": "pass", "observed": {"value": 1.0}, "reason": "because"}],
            "checks": [{"name": "target_leakage", "verdict": "fail", "detail": "`age` gives it away"}],
        }
    )
    page = Page(to_html(report))
    words = " ".join(" ".join(page.words).split())
    assert "undefined: no row" in words
    assert "2026-01-01" in words
    assert "1 of 2" in words
    assert "target_leakage" in words


def test_the_bound_of_a_gate_on_a_condition_is_drawn() -> None:
    """A slice that is named without a value is read as the run read it, so that its bar shows the bound too."""
    gate = Gate(
        expression="accuracy >= 0.7 in heavies",
        verdict="pass",
        observed={"value": 0.97, "lower": 0.87, "upper": 1.0},
        reason="",
        where={"heavies": True},
    )
    report = Report(
        run=RunHead(id="r", name="n", dataset="d", model="m"), task="binary", rows=Rows(total=1, scored=1), metrics={}, gates=[gate]
    )
    assert 'class="bound"' in gates.rows(report)[0].bar

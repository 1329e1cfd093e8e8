"""The page: self-contained, harmless, small, and readable without colour or pictures."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from mtf.contracts.report import Report
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


@pytest.mark.parametrize("sample", [samples.binary(200), samples.multiclass(200), samples.regression(200), samples.regression(2000)])
def test_the_page_is_well_formed_and_alone(tmp_path: Path, sample: Any) -> None:
    """Every element closes, nothing is loaded from anywhere, and the page forbids itself to try."""
    text = page_of(tmp_path, sample, {"gates": ["point(mae) >= 0" if sample.task == "regression" else "accuracy >= 0.1"]})
    page = Page(text)
    assert not page.tags("script")
    assert not page.tags("link")
    assert not page.tags("img")
    assert not [one for _, attributes in page.found for one in attributes if one.startswith("on")]
    assert not re.findall(r"(?:https?:)?//[a-z]", re.sub(r"xmlns[^ ]*", "", text))
    assert "url(" not in text
    policy = next(one for one in page.tags("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert str(policy["content"]).startswith("default-src 'none'")
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


def test_a_users_text_is_harmless(tmp_path: Path) -> None:
    """Markup in slice values, labels, names, notes and gates is text."""
    sample = replace(samples.binary(100), labels=("no", EVIL))
    evaluation = {"slices": [f"col{EVIL}"], "gates": [f'accuracy >= 0.1 in "col{EVIL}"="{EVIL}"']}
    slices = {f"col{EVIL}": [EVIL, "'\" onload=alert(1) x='"] * 50}
    titles = {"name": "demo", "dataset": EVIL, "model": f"m{EVIL}"}
    text = page_of(tmp_path, sample, evaluation, slices, titles=titles, notes={EVIL: {EVIL: [EVIL]}, "warnings": [f"`{EVIL}` {EVIL}"]})
    page = Page(text)
    assert not page.tags("script")
    assert not [one for _, attributes in page.found for one in attributes if one.startswith("on")]
    assert EVIL in "".join(page.words)
    assert EVIL not in text


def test_many_slices_stay_small(tmp_path: Path) -> None:
    """Three hundred slices with all metrics, and two thousand, stay under a megabyte; the page says what it left out."""
    sample = samples.binary(300)
    spec = scored_files.spec(sample, {"slices": ["part"]})
    report = scored_files.report(scored_files.run(tmp_path, spec, scored_files.table(sample, {"part": ["a", "b", "c"] * 100})))
    slices = [
        one.model_copy(update={"name": f"a rather long column name=and value {index}"}) for index in range(700) for one in report.slices
    ]
    few = to_html(report.model_copy(update={"slices": slices[:300]}))
    assert len(few.encode()) < 1_000_000
    assert "All metrics of 300 slices" in few
    assert "more stand in report.json" not in few
    many = to_html(report.model_copy(update={"slices": slices}))
    assert len(many.encode()) < 1_000_000
    assert "more stand in report.json" in many


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

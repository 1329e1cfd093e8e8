"""What a metric says of itself, which its page in the documentation is made of."""

from __future__ import annotations

import pytest

from mtf.plugins import load, names

BUILT_IN = [name for name in names("metric") if type(load("metric", name)).__module__.startswith("mtf_evaluation.")]


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_metric_says_what_its_page_shows(name: str) -> None:
    """Formula, when it is undefined, where its interval holds (or why there is none), and the source, each as the page needs it."""
    metric = load("metric", name)
    for part in ("formula", "undefined_when", "valid_from", "source", "summary"):
        text = getattr(metric, part)
        assert text.strip() == text, part
        assert text, part
    for part in ("undefined_when", "valid_from", "source"):
        assert not getattr(metric, part).endswith("."), f"{part} stands inside a sentence"
    assert "```" not in metric.formula

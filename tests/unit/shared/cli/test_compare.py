"""What `mtf runs compare` shows of two runs and of more, in 80 columns and in many."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from mtf.cli import compare
from mtf.contracts.registry import ComparedRun, ComparisonView, OverallTest, Standing, Standings
from mtf.contracts.report import Comparison


def one(metric: str = "accuracy", **changes: Any) -> Comparison:
    """A difference that these rows do not settle."""
    fields: dict[str, Any] = {
        "run": "new", "baseline": "old", "metric": metric, "value": 0.779, "baseline_value": 0.777, "difference": 0.002, "lower": -0.016,
        "upper": 0.02, "level": 0.95, "p_value": 0.86, "p_adjusted": 0.9, "tests": 2, "rows_needed": 138_293,
        "sentence": "If both were equally good, a difference this large would appear in 86 of 100 test sets.",
    }  # fmt: skip
    return Comparison.model_validate(fields | changes)


def view(*found: Comparison, labels: tuple[str, ...] = ("new", "old"), **changes: Any) -> ComparisonView:
    """An answer about these runs."""
    runs = [ComparedRun(label=label, id=f"id-{label}", name=label, rows=1200) for label in labels]
    fields: dict[str, Any] = {
        "run": "id-new",
        "baseline": "id-old",
        "rows": 1200,
        "comparisons": list(found),
        "runs": runs,
        "family": "Holm over 2 tests",
    }
    return ComparisonView.model_validate(fields | changes)


def shown(answer: ComparisonView, width: int = 80) -> str:
    """The text on a terminal of that width."""
    out = Console(width=width, force_terminal=False, highlight=False)
    with out.capture() as kept:
        compare._print(out, answer)
    return kept.get()


@pytest.mark.parametrize("width", [80, 150])
def test_two_runs_fit_the_terminal(width: int) -> None:
    """No line is longer than the terminal, the longest metric's name is whole, and every number is there."""
    text = shown(view(one(), one("balanced_accuracy"), one("average_precision"), one("roc_auc"), one("log_loss")), width)
    assert max(map(len, text.splitlines())) <= width
    assert text.startswith("new minus old; paired on 1,200 rows")
    for part in (
        "balanced_accuracy",
        "average_precision",
        "+0.002",
        "-0.016 to 0.020",
        "0.900",
        "86 of 100",
        "140,000",
        "Holm over 2 tests",
    ):
        assert part in text
    assert ("of other" in text) == (width > 100)
    assert "If both were equally good" not in text


def test_few_differences_are_said_in_words() -> None:
    """Up to three differences are followed by their sentences."""
    assert "If both were equally good" in shown(view(one()))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"lower": 0.001, "p_adjusted": 0.01}, "enough"),
        ({"lower": 0.001, "p_adjusted": 0.2}, "alone"),
        ({"rows_needed": None}, "-"),
        ({"rows_needed": 10**9}, "> 10^7"),
        ({"rows_needed": 1_307}, "1,400"),
        ({"reliable": False, "reason": "few rows"}, "unsure"),
        ({"lower": None, "upper": None}, "no test"),
    ],
)
def test_what_would_settle_it(changes: dict[str, Any], word: str) -> None:
    """Enough rows, enough for one test alone, rows to two digits, or why nobody can say."""
    assert compare._needed(one(**changes)) == word
    if "reason" in changes:
        assert "note: accuracy: few rows" in shown(view(one(**changes)))


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((0.00933, -0.000406, 0.0191), ("+0.0093", "-0.0004 to 0.0191")),
        ((1234.5, 1000.0, 1469.0), ("+1,234", "1,000 to 1,469")),
        ((-1e-9, -0.02, 0.02), ("+0.000", "-0.020 to 0.020")),
        ((2e-9, 1e-9, 3e-9), ("2.00e-09", "1.00e-09 to 3.00e-09")),
    ],
)
def test_decimals_follow_the_interval(numbers: tuple[float, float, float], text: tuple[str, str]) -> None:
    """A difference is shown with the digits that its interval supports, never as minus zero."""
    difference, lower, upper = numbers
    assert compare._numbers(one(difference=difference, lower=lower, upper=upper)) == text


def test_more_than_two_runs() -> None:
    """Ranks come first; pairs of few metrics follow with the overall test, those of many are left to --json."""
    labels = ("a", "b", "c")
    ranks = [Standing(run=run, value=value, rank=rank, worst_rank=worst, letters=letters) for run, value, rank, worst, letters in
             (("a", 0.9, 1, 2, "a"), ("b", 0.89, 1, 2, "a"), ("c", 0.7, 3, 3, "b"))]  # fmt: skip
    pairs = [one(run=run, baseline=other) for run, other in (("a", "b"), ("a", "c"), ("b", "c"))]
    test = OverallTest(metric="accuracy", method="cochran-q", p_value=0.01, sentence="If all 3 were equally good")
    answer = view(
        *pairs, labels=labels, baseline="", standings=[Standings(metric="accuracy", greater_is_better=True, runs=ranks)], overall=[test]
    )
    text = shown(answer)
    for part in ("3 runs, every two compared: a, b, c", "1 to 2", "a - b", "b - c", "accuracy: If all 3 were equally good"):
        assert part in text
    many = [standing.model_copy(update={"metric": name}) for standing in answer.standings for name in ("w", "x", "y", "z")]
    found = [pair.model_copy(update={"metric": name}) for pair in pairs for name in ("w", "x", "y", "z")]
    text = shown(answer.model_copy(update={"standings": many, "comparisons": found}))
    assert "every pair: `--metric METRIC`" in text
    assert "a - b" not in text


def test_other_rows_are_said() -> None:
    """An unpaired answer says so, in what the rows differ, and its warnings."""
    text = shown(view(one(paired=False, n_baseline=400), paired=False, differs=["the seed (2 instead of 1)"], warnings=["5 rows in both"]))
    assert "unpaired, on other rows (1,200, 1,200)" in text
    assert "other rows: the seed (2 instead of 1)" in text
    assert "note: 5 rows in both" in text


def test_markup_in_names_is_text() -> None:
    """A run called `[red]x` is shown as it is called."""
    assert "[red]x minus old" in shown(view(one(run="[red]x"), labels=("[red]x", "old"), run="id-[red]x"))

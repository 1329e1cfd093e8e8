"""Three verdicts, each with its reason."""

import re

import pytest

from mtf.contracts.report import Comparison, Gate, MetricValue
from mtf_evaluation.gates import judge
from mtf_evaluation.gates.grammar import parse
from mtf_evaluation.statistics.proportion import wilson


def gate(text: str, value: float | None, lower: float | None = None, upper: float | None = None, **more: object) -> Gate:
    """The verdict on a value."""
    term = parse(text)
    return judge.metric(term, MetricValue.model_validate({"value": value, "lower": lower, "upper": upper, "n": 100} | more), term.metric)


@pytest.mark.parametrize(
    ("operator", "lower", "upper", "verdict"),
    [
        (">=", 0.6, 0.8, "pass"),
        (">=", 0.5, 0.8, "pass"),
        (">=", 0.4, 0.5, "inconclusive"),
        (">=", 0.4, 0.6, "inconclusive"),
        (">=", 0.3, 0.4, "fail"),
        (">", 0.6, 0.8, "pass"),
        (">", 0.5, 0.8, "inconclusive"),
        (">", 0.4, 0.5, "fail"),
        ("<=", 0.3, 0.4, "pass"),
        ("<=", 0.3, 0.5, "pass"),
        ("<=", 0.5, 0.6, "inconclusive"),
        ("<=", 0.6, 0.8, "fail"),
        ("<", 0.3, 0.4, "pass"),
        ("<", 0.3, 0.5, "inconclusive"),
        ("<", 0.5, 0.6, "fail"),
    ],
)
def test_the_interval_decides(operator: str, lower: float, upper: float, verdict: str) -> None:
    """Pass: all of the interval meets the bound; fail: none of it does; else inconclusive, to the very boundary."""
    found = gate(f"m {operator} 0.5", (lower + upper) / 2, lower, upper)
    assert found.verdict == verdict
    assert "0.5" in found.reason
    assert found.observed["lower"] == lower


@pytest.mark.parametrize(("operator", "verdict"), [(">=", "pass"), (">", "fail"), ("<=", "pass"), ("<", "fail")])
def test_point_judges_the_value_alone(operator: str, verdict: str) -> None:
    """`point()` looks at the value and says that it left the uncertainty out."""
    found = gate(f"point(m) {operator} 0.5", 0.5, 0.1, 0.9)
    assert found.verdict == verdict
    assert "its uncertainty was left out" in found.reason


@pytest.mark.parametrize("text", ["m >= 0.5", "point(m) >= 0.5"])
def test_what_is_unknown_is_inconclusive(text: str) -> None:
    """A null or an unreliable metric neither passes nor fails, whatever its numbers are."""
    assert gate(text, None, undefined="only one class").reason == "m is undefined: only one class"
    assert gate(text, None, undefined="only one class").verdict == "inconclusive"
    doubtful = gate(text, 0.9, 0.8, 0.95, reliable=False, reason="7 rows")
    assert doubtful.verdict == "inconclusive"
    assert "7 rows" in doubtful.reason


def test_without_an_interval_nothing_is_settled() -> None:
    """A metric that has no interval on these rows is inconclusive, and the reason names `point()`."""
    found = gate("m >= 0.5", 0.9)
    assert found.verdict == "inconclusive"
    assert "`point(m)`" in found.reason


def test_the_reason_says_how_many_rows_would_settle_it() -> None:
    """For a symmetric interval the rows grow with the square of its arm over the distance to the bound."""
    found = gate("accuracy >= 0.90", 0.912, 0.874, 0.950, n=64)
    assert found.reason.startswith("accuracy is 0.912 (0.874 to 0.950): the bound 0.9 lies inside the interval")
    assert "about 650 rows would settle it (there are 64)" in found.reason  # 64 * (0.038 / 0.012)^2 = 641.8, rounded up
    assert "more rows will hardly settle it" in gate("accuracy >= 0.90", 0.9, 0.8, 0.95).reason


@pytest.mark.parametrize(("hits", "n", "limit"), [(98, 100, 0.97), (98, 100, 0.94), (90, 100, 0.93), (300, 1000, 0.29), (5, 100, 0.06)])
def test_the_needed_rows_are_enough_and_not_far_too_many(hits: int, n: int, limit: float) -> None:
    """With the rows that the reason asks for, the interval of the same share no longer holds the bound; with half of them it does."""
    share = hits / n
    now = wilson(share, n, 0.95)
    reason = gate(f"accuracy >= {limit}", share, now.lower, now.upper, n=n).reason
    found = re.search(r"about ([\d,]+) rows would settle it", reason)
    assert found is not None
    needed = int(found.group(1).replace(",", ""))
    for rows, holds in ((1.02 * needed, False), (max(n, needed / 2), True)):
        then = wilson(share, rows, 0.95)
        assert then.lower is not None
        assert then.upper is not None
        assert (then.lower < limit < then.upper) is holds


def test_digits_tell_an_end_from_its_bound() -> None:
    """Numbers are never rounded until they seem to meet a bound that they miss."""
    reason = gate("m >= 0.9", 0.91, 0.8996, 0.92).reason
    assert "0.8996" in reason
    assert "0.04999" in gate("point(m) >= 0.05", 0.049991).reason


def compared(text: str, lower: float | None, upper: float | None, *, greater_is_better: bool, **more: object) -> Gate:
    """The verdict on a difference."""
    term = parse(text)
    middle = None if lower is None or upper is None else (lower + upper) / 2
    fields = {"baseline": "old", "metric": "m", "difference": middle, "lower": lower, "upper": upper, "n": 100} | more
    return judge.comparison(term, Comparison.model_validate(fields), "m", greater_is_better=greater_is_better)


@pytest.mark.parametrize(
    ("by", "lower", "upper", "verdict"),
    [
        (" by 0.01", -0.01, 0.03, "pass"),
        (" by 0.01", -0.011, 0.03, "inconclusive"),
        (" by 0.01", -0.03, -0.01, "inconclusive"),
        (" by 0.01", -0.03, -0.011, "fail"),
        ("", 0.0, 0.03, "pass"),
        ("", -0.001, 0.03, "inconclusive"),
        ("", -0.03, -0.001, "fail"),
    ],
)
def test_not_worse_follows_the_direction_of_the_metric(by: str, lower: float, upper: float, verdict: str) -> None:
    """The paired difference is judged in the metric's own direction; mirrored numbers give the same verdict for a loss."""
    up = compared(f"m not worse than baseline{by}", lower, upper, greater_is_better=True)
    down = compared(f"m not worse than baseline{by}", -upper, -lower, greater_is_better=False)
    assert (up.verdict, down.verdict) == (verdict, verdict)
    assert up.observed["difference"] is not None
    assert "baseline" in up.reason


def test_an_unknown_difference_is_inconclusive() -> None:
    """A difference that is undefined, unreliable or without an interval settles nothing."""
    undefined = compared("m not worse than baseline", None, None, greater_is_better=True, undefined="no class")
    assert (undefined.verdict, undefined.reason) == ("inconclusive", "the difference in m is undefined: no class")
    unreliable = compared("m not worse than baseline", 0.1, 0.2, greater_is_better=True, reliable=False, reason="3 rows")
    assert unreliable.verdict == "inconclusive"
    assert "3 rows" in unreliable.reason
    bare = compared("m not worse than baseline", None, None, greater_is_better=True, difference=0.1)
    assert bare.verdict == "inconclusive"


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [([], None), (["pass"], "pass"), (["pass", "inconclusive"], "inconclusive"), (["inconclusive", "fail", "pass"], "fail")],
)
def test_the_worst_gate_speaks_for_the_run(verdicts: list[str], whole: str | None) -> None:
    """Fail beats inconclusive beats pass; without gates there is no verdict."""
    gates = [Gate.model_validate({"expression": "m > 0", "verdict": one, "reason": ""}) for one in verdicts]
    assert judge.overall(gates) == whole

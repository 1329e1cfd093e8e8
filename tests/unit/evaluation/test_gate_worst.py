"""`worst slice of COLUMN`: the bound in every slice, judged together."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mtf.contracts.report import Comparison, Gate, MetricValue
from mtf_evaluation.gates import worst
from mtf_evaluation.gates.grammar import parse
from mtf_evaluation.gates.settle import Basis
from mtf_evaluation.statistics.multiplicity import holm
from mtf_evaluation.statistics.proportion import wilson

GATE = "accuracy >= 0.8 in worst slice of s"


def part(name: str, hits: int, rows: int, **more: object) -> worst.Part:
    """A slice with this many right rows."""

    def at(level: float) -> MetricValue:
        found = wilson(hits / rows, rows, level)
        fields = {"value": hits / rows, "lower": found.lower, "upper": found.upper, "level": level, "n": rows}
        return MetricValue.model_validate(fields | more)

    return worst.Part(f"s={name}", {"s": name}, Basis(rows, rows, float(rows)), at)


def judged(*parts: worst.Part, text: str = GATE, level: float = 0.95) -> Gate:
    """The verdict on these slices."""
    return worst.gate(parse(text), parts, level)


def test_every_slice_must_show_the_bound() -> None:
    """All slices above the bound with their intervals: pass, and the reason names the worst, how many there are, and the level."""
    found = judged(part("a", 95, 100), part("b", 90, 100), part("c", 99, 100))
    assert found.verdict == "pass"
    assert found.where == {"s": "b"}
    assert found.reason.startswith("accuracy in s=b, the worst of 3 slices of s, is 0.90 (0.81 to 0.95)")
    assert "the whole interval is at least 0.8" in found.reason
    assert "by Holm's correction" in found.reason
    assert "every other slice meets it too" in found.reason
    assert found.observed["judged"] == 3


def test_the_last_slice_is_judged_at_the_level_of_one() -> None:
    """Slices that are settled leave the family, so that the worst one needs no stricter level than a gate on it alone."""
    alone = wilson(0.89, 100, 0.95)
    together = wilson(0.89, 100, 1 - 0.05 / 3)
    assert alone.lower is not None
    assert together.lower is not None
    assert together.lower < 0.81 < alone.lower
    found = judged(part("a", 99, 100), part("b", 89, 100), part("c", 99, 100), text="accuracy >= 0.81 in worst slice of s")
    assert found.verdict == "pass"
    assert (found.observed["lower"], found.observed["level"]) == (alone.lower, 0.95)


def test_a_slice_fails_only_at_the_level_of_all() -> None:
    """A slice that misses the bound at 95 % only is what chance makes of one in many; at the level of all of them it is a failure."""
    small = part("b", 71, 100)
    alone = wilson(0.71, 100, 0.95)
    assert alone.upper is not None
    assert alone.upper < 0.8
    assert judged(small).verdict == "fail"
    among = judged(*(part(f"{index}", 80, 100) for index in range(19)), small)
    assert among.verdict == "inconclusive"
    assert "lies inside the interval" in among.reason
    assert float(among.observed["upper"]) > 0.8
    poor = judged(part("a", 99, 100), part("b", 50, 100), part("c", 60, 100))
    assert (poor.verdict, poor.where) == ("fail", {"s": "b"})
    assert "none of the interval is at least 0.8" in poor.reason
    assert "also failing: `s=c`" in poor.reason
    assert poor.observed["failing"] == ["s=b", "s=c"]


def test_an_open_slice_tells_its_rows() -> None:
    """Neither shown nor missed: inconclusive, with the rows of that slice that would settle it."""
    found = judged(part("a", 990, 1000), part("b", 85, 100))
    assert (found.verdict, found.where) == ("inconclusive", {"s": "b"})
    assert "rows would settle it (there are 100)" in found.reason
    assert found.rows_needed is not None
    assert found.rows_needed > 100
    rows = found.rows_needed
    then = judged(part("a", 990, 1000), part("b", round(0.85 * rows * 1.05), round(rows * 1.05)))
    assert then.verdict == "pass"


def test_small_slices_are_listed_and_do_not_count() -> None:
    """A slice of fewer than 30 rows neither passes nor fails, makes no level stricter, and is named with its rows."""
    found = judged(part("a", 95, 100), part("b", 0, 29), part("c", 1, 3))
    assert found.verdict == "pass"
    assert found.observed["judged"] == 1
    assert found.observed["level"] == 0.95
    assert "too small to judge, with fewer than 30 rows: `s=b` (29), `s=c` (3)" in found.reason
    nothing = judged(part("b", 0, 29))
    assert nothing.verdict == "inconclusive"
    assert nothing.reason.startswith("no slice of s has 30 rows, so nothing can be judged")
    many = judged(part("a", 95, 100), *(part(f"x{index}", 1, 3) for index in range(8)))
    assert "`s=x4` (3) and 3 more" in many.reason


def test_a_slice_that_cannot_be_judged_keeps_the_gate_from_passing() -> None:
    """Large enough, but undefined or not reliable: the gate can fail because of another slice, and cannot pass."""
    doubtful = part("b", 95, 100, reliable=False, reason="only 4 positives")
    found = judged(part("a", 99, 100), doubtful)
    assert found.verdict == "inconclusive"
    assert "cannot be relied on: only 4 positives" in found.reason
    assert judged(part("a", 10, 100), doubtful).verdict == "fail"
    assert "cannot be judged: `s=b`" in judged(part("a", 10, 100), doubtful).reason
    nothing = part("b", 95, 100, value=None, lower=None, upper=None, undefined="no positive row")
    assert "is undefined: no positive row" in judged(part("a", 99, 100), nothing).reason


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("point(accuracy) >= 0.8 in worst slice of s", "pass"),
        ("point(accuracy) >= 0.86 in worst slice of s", "fail"),
        ("lower(accuracy) >= 0.76 in worst slice of s", "pass"),
        ("lower(accuracy) >= 0.78 in worst slice of s", "fail"),
        ("upper(accuracy) >= 0.90 in worst slice of s", "pass"),
        ("accuracy <= 0.999 in worst slice of s", "pass"),
        ("accuracy <= 0.90 in worst slice of s", "fail"),
    ],
)
def test_parts_of_the_interval_in_every_slice(text: str, verdict: str) -> None:
    """Values and limits are judged in every slice; for an upper bound the highest slice is the worst."""
    found = judged(part("a", 990, 1000), part("b", 85, 100), text=text)
    assert found.verdict == verdict
    assert found.where == ({"s": "a"} if "<=" in text else {"s": "b"})


def test_differences_from_a_baseline_are_judged_in_every_slice() -> None:
    """`not worse than baseline` in the worst slice looks at the paired difference in the metric's own direction."""

    def slice_of(name: str, difference: float) -> worst.Part:
        def at(level: float) -> Comparison:
            arm = 0.02 if level == 0.95 else 0.03
            fields = {"difference": difference, "lower": difference - arm, "upper": difference + arm, "level": level}
            return Comparison.model_validate(fields | {"baseline": "old", "metric": "log_loss", "n": 100})

        return worst.Part(f"s={name}", {"s": name}, Basis(100, 100), at)

    term = parse("log_loss not worse than baseline by 0.05 in worst slice of s")
    parts = [slice_of("a", 0.0), slice_of("b", 0.025)]
    found = worst.gate(term, parts, 0.95, greater_is_better=False)
    assert (found.verdict, found.where) == ("pass", {"s": "b"})
    assert "the whole interval is at most 0.05 worse than the baseline" in found.reason
    assert worst.gate(term, parts, 0.95, greater_is_better=True).where == {"s": "a"}
    assert worst.gate(term, [*parts, slice_of("c", 0.09)], 0.95, greater_is_better=False).verdict == "fail"


@given(st.lists(st.floats(min_value=-5, max_value=5), min_size=1, max_size=8), st.sampled_from([0.8, 0.95, 0.99]))
def test_the_steps_are_those_of_holm(scores: Sequence[float], level: float) -> None:
    """The gate passes exactly when Holm's adjusted one-sided p-values of all slices stay below half of what the level leaves.

    Each slice is a normal estimate with standard error 1 above a bound of 0, so its p-value is known.
    """

    def normal(index: int, score: float) -> worst.Part:
        def at(wanted: float) -> MetricValue:
            arm = float(stats.norm.ppf(0.5 + wanted / 2))
            return MetricValue(value=score, lower=score - arm, upper=score + arm, level=wanted, n=100)

        return worst.Part(f"s={index}", {"s": index}, Basis(100, 100), at)

    adjusted = np.asarray(holm([float(stats.norm.sf(score)) for score in scores]))
    if (np.abs(adjusted - (1 - level) / 2) < 1e-9).any():
        return
    found = worst.gate(parse("m > 0 in worst slice of s"), [normal(index, score) for index, score in enumerate(scores)], level)
    assert (found.verdict == "pass") is bool((adjusted < (1 - level) / 2).all())
    failing = len(scores) * float(stats.norm.cdf(min(scores))) <= (1 - level) / 2
    assert (found.verdict == "fail") is failing

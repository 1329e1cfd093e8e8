"""Drawings: what is chosen, in which order, and what each mark says without its colour."""

import re
from typing import Any

import pytest

from mtf.contracts.report import Comparison, MetricValue, RestComparison, SliceReport
from mtf_evaluation.figures import axes, comparison, confusion, lanes, svg, thresholds
from mtf_evaluation.figures.forest import MOST, forest


def value(of: float, *, reliable: bool = True) -> MetricValue:
    """A value with an interval of 0.1 on each side."""
    return MetricValue(value=of, lower=of - 0.1, upper=of + 0.1, level=0.95, method="wilson", n=50, reliable=reliable)


def part(name: str, of: float, rest: RestComparison | None = None) -> SliceReport:
    """A slice with an accuracy."""
    against = {} if rest is None else {"accuracy": rest}
    return SliceReport(name=name, where={"part": name}, rows=50, metrics={"accuracy": value(of)}, versus_rest=against)


def names_of(drawing: str) -> list[str]:
    """The names of the lanes from above."""
    return re.findall(r'class="name(?: strong)?">([^<]*)<', drawing)


def test_a_forest_is_sorted_by_the_difference_from_the_rest() -> None:
    """All rows first; then the comparison with the rest counts more than the value itself."""
    slices = [
        part("c", 0.7, RestComparison(difference=0.2, lower=0.1, upper=0.3, level=0.95, p_value=0.001, p_adjusted=0.004)),
        part("a", 0.8, RestComparison(difference=-0.1, lower=-0.2, upper=0.01, level=0.95, p_value=0.06, p_adjusted=0.2)),
        part("b", 0.9),
    ]
    figure = forest("accuracy", value(0.75), slices)
    assert figure is not None
    assert names_of(figure.svg) == ["all rows", "a", "b", "c"]
    assert "against the rest +0.20 (0.10 to 0.30), adjusted p 0.004" in figure.svg
    assert ("s1 up", "above the rest (adjusted)") in figure.legend
    assert [row[0] for row in figure.tables[0].rows] == ["a", "b", "c"]


def test_of_many_slices_the_ends_are_drawn() -> None:
    """The lowest and the highest half, and a line that says how many lie between."""
    slices = [part(f"s{index:03d}", index / 1000) for index in range(300)]
    figure = forest("accuracy", value(0.15), slices)
    assert figure is not None
    names = names_of(figure.svg)
    assert len(names) == MOST + 2
    assert (names[1], names[-1], names[MOST // 2 + 1]) == ("s000", "s299", "… 276 slices between …")


def test_a_metric_without_values_has_no_forest() -> None:
    """Undefined everywhere, or undefined for all rows: nothing to look along."""
    nothing = MetricValue(value=None, n=0, undefined="no row")
    assert forest("accuracy", nothing, [part("a", 0.5)]) is None
    empty = SliceReport(name="a", where={}, rows=0, metrics={"accuracy": nothing})
    assert forest("accuracy", value(0.5), [empty]) is None


def test_an_unreliable_value_is_hollow() -> None:
    """The shape says it, and the legend names the shape."""
    figure = forest("accuracy", value(0.5, reliable=False), [part("a", 0.5)])
    assert figure is not None
    assert 'class="unsure hollow"' in figure.svg
    assert ("unsure hollow", "not reliable") in figure.legend


def compared(metric: str, difference: float, half: float, *, baseline: float = 1.0) -> Comparison:
    """A difference with an interval."""
    limits: dict[str, Any] = {"lower": difference - half, "upper": difference + half}
    return Comparison(baseline="older", metric=metric, baseline_value=baseline, difference=difference, sentence="So.", **limits)


def test_better_and_worse_are_shapes_and_words() -> None:
    """Up is better whatever the direction of the metric; an interval over zero settles nothing."""
    found = comparison.forests([compared("f1", 0.1, 0.05), compared("brier", 0.1, 0.05), compared("recall", 0.1, 0.2)], ["", "", "a=b"])
    assert [figure.key for figure in found] == ["differences", "relative-differences"]
    told = [text for figure in found for text in re.findall(r"<title>([^<]*)</title>", figure.svg)]
    assert [re.search(r"(better|worse|not settled)", text)[0] for text in told] == ["better", "not settled", "worse"]  # type: ignore[index]
    assert "recall in a=b" in names_of(found[0].svg)


def test_scales_that_do_not_go_together_are_apart() -> None:
    """Errors in units are drawn relative to the baseline; a bias, which may be near zero, only stands in the table."""
    found = comparison.forests(
        [compared("mae", -50.0, 10.0, baseline=500.0), compared("bias", 3.0, 1.0), compared("r2", 0.1, 0.05)], [""] * 3
    )
    assert [names_of(figure.svg) for figure in found] == [["r2"], ["mae"]]
    assert "-10.0% (-12.0% to -8.0%)" in found[1].svg
    assert comparison.forests([compared("mae", 1.0, 0.5, baseline=0.0)], [""]) == []


def test_a_metric_of_another_installation_is_not_drawn_but_does_no_harm() -> None:
    """Nothing is known of its direction and its bounds."""
    assert comparison.forests([compared("our_own_score", 1.0, 0.5)], [""]) == []


def test_names_are_cut_in_the_middle() -> None:
    """Names of a kind differ at their ends."""
    assert svg.clipped("class number 17", 11) == "class…er 17"
    assert svg.clipped("short", 5) == "short"
    assert len(svg.clipped("x" * 100, 16)) == 16


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3.0, 12345.0), (1e-9, 2e-9), (0.0, 0.0), (5e8, 5.1e8), (-1e308, 1e308)])
def test_ticks_are_round_and_inside(low: float, high: float) -> None:
    """At least one, at most seven, none beyond the axis."""
    places = axes.ticks(low, high)
    assert 1 <= len(places) <= 7
    room = (high - low) * 1e-6
    assert all(low - room <= place <= high + room for place in places)


def test_ticks_of_one_axis_have_one_number_of_digits() -> None:
    """0.0, 0.2 ... 1.0, and not 0, 0.2 ... 1."""
    places = axes.ticks(0, 1)
    assert [axes.tick_text(place, places[1] - places[0]) for place in places] == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]


def test_names_of_the_user_are_texts() -> None:
    """Labels, slices and columns are escaped wherever they are drawn."""
    evil = "</text><script>alert(1)</script>"
    drawn = [
        confusion.confusion({"labels": [evil, "b"], "counts": [[1, 2], [3, 4]]}).svg,
        lanes.picture([lanes.Lane(evil, evil, evil, [lanes.Mark(0.5)])], evil, evil),
        thresholds.gain({"of": evil, "share": 0.5, "x": [1.0], "gain": [1.0], "lift": [1.0], "lift_lower": [0.5], "lift_upper": [1.5],
                         "threshold": [0.1], "level": 0.95}).svg,
    ]  # fmt: skip  # the data of a plot as the report has it
    assert all("<script" not in one for one in drawn)


def test_an_empty_row_of_a_matrix_has_no_share() -> None:
    """A class that never was the truth has rows of 0 of 0: a dash, not 0 per cent."""
    figure = confusion.confusion({"labels": ["a", "b"], "counts": [[5, 1], [0, 0]]})
    assert figure.tables[1].rows[1] == ["b", "\N{EN DASH}", "\N{EN DASH}"]
    assert "0.0%" not in figure.svg

"""What a sample can show, against statsmodels, Connor's formula and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import NormalIndPower, TTestPower

from mtf_evaluation.statistics.paired import tango
from mtf_evaluation.statistics.power import of_discordant, of_error, rows_to_exclude


@pytest.mark.parametrize("n", [8, 30, 200, 5_000])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_detectable_difference_is_that_of_the_paired_t_test(n: int, level: float) -> None:
    """For means it is the effect size at which statsmodels' paired t-test has 80 % power."""
    wanted = TTestPower().solve_power(nobs=n, alpha=1 - level, power=0.8)
    found = of_error(0.3, 1 / math.sqrt(n), n, level, degrees=n - 1).minimum_detectable
    assert found == pytest.approx(wanted, rel=2e-3)


@pytest.mark.parametrize("ratio", [0.25, 1, 3])
def test_detectable_difference_of_two_samples(ratio: float) -> None:
    """With the normal distribution it is statsmodels' for two independent samples."""
    n = 400
    wanted = NormalIndPower().solve_power(nobs1=n, alpha=0.05, power=0.8, ratio=ratio)
    error = math.sqrt(1 / n + 1 / (ratio * n))
    # statsmodels also counts the tail on the wrong side, about one part in a million.
    assert of_error(0.0, error, n, 0.95).minimum_detectable == pytest.approx(wanted, rel=1e-5)


def test_rows_needed_settle_it() -> None:
    """With the rows named, and the same difference and spread, the interval just excludes 0; with one row fewer it does not."""
    difference, spread, n = 0.1, 1.0, 100
    reach = of_error(difference, spread / math.sqrt(n), n, 0.95)
    assert reach.rows_needed is not None
    z = stats.norm.ppf(0.975)
    assert difference - z * spread / math.sqrt(reach.rows_needed) >= 0
    assert difference - z * spread / math.sqrt(reach.rows_needed - 1) < 0
    assert reach.rows_for_power == math.ceil((z + stats.norm.ppf(0.8)) ** 2 / 0.01)


def test_a_settled_difference_needs_no_rows() -> None:
    """Where the interval excludes 0 there is nothing to settle; a difference of 0 is never settled."""
    assert of_error(0.5, 0.1, 50, 0.95).rows_needed is None
    assert of_error(0.0, 0.1, 50, 0.95).rows_needed is None
    assert of_error(0.0, 0.1, 50, 0.95).rows_for_power is None
    assert of_error(1e-9, 0.1, 50, 0.95).rows_needed is None
    assert of_discordant(20, 2, 100, 0.95).rows_needed is None
    assert of_discordant(5, 5, 100, 0.95).rows_needed is None


@settings(deadline=None, max_examples=60)
@given(st.floats(0.001, 1), st.floats(-1, 1), st.integers(1, 10_000))
def test_rows_to_exclude_a_bound(half: float, difference: float, n: int) -> None:
    """The rows named shrink the interval to the distance from the bound; a bound outside of the interval needs none."""
    found = rows_to_exclude(difference, half, n, bound=0.05)
    distance = abs(difference - 0.05)
    if distance > half or distance == 0:
        assert found is None
    elif found is not None:
        assert found > n
        assert half * math.sqrt(n / found) <= distance * (1 + 1e-9)


@pytest.mark.parametrize(("b", "c", "n"), [(30, 20, 400), (9, 6, 100), (200, 175, 10_000), (3, 2, 50)])
def test_discordant_rows_are_connors_formula(b: int, c: int, n: int) -> None:
    """Connor 1987: n = (z_a sqrt(psi) + z_b sqrt(psi - d^2))^2 / d^2, read in both directions."""
    z, beta, psi = stats.norm.ppf(0.975), stats.norm.ppf(0.8), (b + c) / n
    reach = of_discordant(b, c, n, 0.95)

    def connor(d: float, share: float) -> float:
        return (z * math.sqrt(share) + beta * math.sqrt(share - d * d)) ** 2 / d**2

    assert reach.rows_for_power == math.ceil(connor((b - c) / n, psi))
    detectable = reach.minimum_detectable
    assert detectable is not None
    assert connor(detectable, max(psi, detectable)) == pytest.approx(n, rel=1e-6)
    # The same data so often that they have as many rows: Tango's interval excludes 0, and does not with fewer.
    assert reach.rows_needed is not None
    times = -(-reach.rows_needed // n)
    assert (tango(b * times, c * times, n * times, 0.95).p_value or 0) <= 0.05
    assert (tango(b * (times - 1), c * (times - 1), n * (times - 1), 0.95).p_value or 0) > 0.05


@pytest.mark.parametrize(("b", "c", "n"), [(0, 0, 100), (1, 0, 40), (0, 0, 3)])
def test_few_discordant_rows_limit_the_difference(b: int, c: int, n: int) -> None:
    """Without enough discordant rows a detectable difference must bring its own; in three rows none is detectable."""
    found = of_discordant(b, c, n, 0.95).minimum_detectable
    if n == 3:
        assert found is None
        return
    assert found is not None
    assert found > (b + c) / n


@pytest.mark.slow
def test_power_is_80_percent_in_simulation() -> None:
    """Pairs of models with the detectable difference are told apart in 80 of 100 test sets."""
    n, psi = 500, 0.2
    d = of_discordant(50, 50, n, 0.95).minimum_detectable
    assert d is not None
    random = np.random.default_rng(5)
    draws = random.multinomial(n, [(psi + d) / 2, (psi - d) / 2, 1 - psi], size=4000)
    shown = np.mean([(tango(int(b), int(c), n, 0.95).p_value or 1) < 0.05 for b, c, _ in draws])
    assert 0.77 <= shown <= 0.83
    error = 1 / math.sqrt(40)
    effect = of_error(0.0, error, 40, 0.95, degrees=39).minimum_detectable
    rows = random.normal(effect, 1.0, size=(4000, 40))
    assert 0.77 <= np.mean(stats.ttest_1samp(rows, 0, axis=1).pvalue < 0.05) <= 0.83

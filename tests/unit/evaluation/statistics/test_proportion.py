"""Wilson's interval against statsmodels."""

import pytest
from statsmodels.stats.proportion import proportion_confint

from mtf_evaluation.statistics.proportion import wilson


@pytest.mark.parametrize(("hits", "n"), [(0, 7), (7, 7), (3, 10), (499, 1000), (1, 100_000)])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.999])
def test_wilson_is_statsmodels(hits: int, n: int, level: float) -> None:
    """Both limits agree with statsmodels to 1e-12."""
    lower, upper = proportion_confint(hits, n, alpha=1 - level, method="wilson")
    found = wilson(hits / n, n, level)
    assert found.lower == pytest.approx(lower, abs=1e-12)
    assert found.upper == pytest.approx(upper, abs=1e-12)


def test_wilson_takes_a_fraction_of_rows() -> None:
    """An effective number of rows need not be whole; fewer rows give a wider interval."""
    some, fewer = wilson(0.8, 100.5, 0.95), wilson(0.8, 50.25, 0.95)
    assert some.lower is not None
    assert fewer.lower is not None
    assert fewer.lower < some.lower < 0.8

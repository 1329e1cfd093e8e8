"""References of metrics of numbers: scikit-learn, scipy, statsmodels, numpy, and sixty decimal digits where floats lose theirs."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
from scipy import stats
from sklearn import metrics as sk
from statsmodels.stats.weightstats import DescrStatsW

from mtf.plugins import Sample
from tests.conformance.reference import Reference

FAR = 1e6
"""Truths beyond this are far enough from 0 for libraries to lose digits in logarithms and powers."""


def _sk(name: str, **options: Any) -> Reference:
    shown = ", ".join(f"{key}={value}" for key, value in options.items())
    function = getattr(sk, name)
    return Reference(
        f"scikit-learn `{name}`" + (f" ({shown})" if shown else ""),
        lambda s: function(s.target, s.prediction, sample_weight=s.weight, **options),
    )


def _mean(values: Any, s: Sample) -> float:
    return float(np.average(values, weights=s.weight))


def _error(s: Sample) -> np.ndarray:
    return np.abs(s.target - s.prediction)


def _relative(s: Sample) -> np.ndarray:
    if (s.target == 0).any():
        raise ValueError("a true value is 0")
    return _error(s) / np.abs(s.target)


def _quantile(of: Callable[[Sample], np.ndarray], share: float) -> Reference:
    """With fractional weights no share is met exactly, so that every definition of a quantile by steps is the same."""

    def value(s: Sample) -> float:
        if s.weight is None:
            return float(np.quantile(of(s), share, method="averaged_inverted_cdf"))
        return float(np.quantile(of(s), share, method="inverted_cdf", weights=s.weight))

    return Reference(f"numpy `quantile` ({share:g}, inverted_cdf)", value)


def _digits(s: Sample, of: Callable[[Decimal, Decimal], Decimal]) -> float:
    """A weighted mean over rows in sixty digits."""
    with localcontext() as context:
        context.prec = 60
        weight = [Decimal(1)] * s.target.size if s.weight is None else [Decimal(w) for w in s.weight.tolist()]
        rows = zip(map(Decimal, s.target.tolist()), map(Decimal, s.prediction.tolist()), weight, strict=True)
        return float(sum(w * of(y, m) for y, m, w in rows) / sum(weight))


def deviance(power: float) -> Callable[[Decimal, Decimal], Decimal]:
    """The unit deviance of the Tweedie family in decimals."""

    def unit(y: Decimal, m: Decimal) -> Decimal:
        if power == 1:
            return 2 * (y * (y / m).ln() - y + m) if y else 2 * m
        if power == 2:
            return 2 * ((m / y).ln() + y / m - 1)
        p = Decimal(power)
        own = y ** (2 - p) if y > 0 else Decimal(0)
        return 2 * (own / ((1 - p) * (2 - p)) - y * m ** (1 - p) / (1 - p) + m ** (2 - p) / (2 - p))

    return unit


def _tweedie(family: float, name: str, **options: Any) -> Reference:
    theirs = _sk(name, **options)

    def value(s: Sample) -> float:
        found = theirs.value(s)
        return _digits(s, deviance(family)) if np.abs(s.target).min() > FAR else found

    return Reference(f"{theirs.said_by}; 60 digits far from 0", value)


def _d2_tweedie(power: float) -> Reference:
    theirs = _sk("d2_tweedie_score", power=power)

    def value(s: Sample) -> float:
        found = theirs.value(s)
        if np.abs(s.target).min() <= FAR:
            return float(found)
        unit, mean = deviance(power), Decimal(_mean(s.target, s))
        return 1 - _digits(s, unit) / _digits(s, lambda y, _: unit(y, mean))

    return Reference(f"{theirs.said_by}; 60 digits far from 0", value)


def _msle(s: Sample) -> float:
    found = sk.mean_squared_log_error(s.target, s.prediction, sample_weight=s.weight)
    return _digits(s, lambda y, m: ((1 + m).ln() - (1 + y).ln()) ** 2) if np.abs(s.target).min() > FAR else float(found)


def _smape(s: Sample) -> float:
    size = np.abs(s.target) + np.abs(s.prediction)
    return _mean(np.where(size > 0, 2 * _error(s) / np.where(size > 0, size, 1), 0), s)


def _correlation(x: np.ndarray, y: np.ndarray, s: Sample) -> float:
    if s.weight is None:
        return float(stats.pearsonr(x, y).statistic)
    return float(DescrStatsW(np.stack([x, y], axis=1), weights=s.weight).corrcoef[0, 1])


def _spearman(s: Sample) -> float:
    if s.weight is None:
        return float(stats.spearmanr(s.target, s.prediction).statistic)
    ranks = [np.array([s.weight[v < x].sum() + s.weight[v == x].sum() / 2 for x in v]) for v in (s.target, s.prediction)]
    return _correlation(ranks[0], ranks[1], s)


def _concordance(s: Sample) -> float:
    (vx, both), (_, vy) = np.cov(s.target, s.prediction, aweights=s.weight, ddof=0)
    return float(2 * both / (vx + vy + _mean(s.target - s.prediction, s) ** 2))


def _limits(s: Sample) -> tuple[np.ndarray, np.ndarray]:
    assert s.interval is not None
    return s.interval[:, 0], s.interval[:, 1]


def _inside(s: Sample) -> float:
    lower, upper = _limits(s)
    return _mean([float(low <= y <= high) for low, y, high in zip(lower, s.target, upper, strict=True)], s)


def _winkler(s: Sample) -> float:
    """Gneiting and Raftery's identity: the interval score is the sum of two pinball losses, times 2 / alpha."""
    lower, upper = _limits(s)
    low, high = (sk.mean_pinball_loss(s.target, end, alpha=at, sample_weight=s.weight) for end, at in ((lower, 0.1), (upper, 0.9)))
    return float((low + high) * 2 / 0.2)


_NUMPY = "numpy, the formula"
REGRESSION: dict[str, Reference] = {
    "mae": _sk("mean_absolute_error"),
    "mse": _sk("mean_squared_error"),
    "rmse": _sk("root_mean_squared_error"),
    "r2": _sk("r2_score"),
    "explained_variance": _sk("explained_variance_score"),
    "max_error": Reference("scikit-learn `max_error`", lambda s: sk.max_error(s.target, s.prediction)),
    "bias": Reference(_NUMPY, lambda s: _mean(s.prediction - s.target, s)),
    "mape": Reference("scikit-learn `mean_absolute_percentage_error`; null at 0", lambda s: _mean(_relative(s), s)),
    "wape": Reference(_NUMPY, lambda s: _mean(_error(s), s) / _mean(np.abs(s.target), s)),
    "smape": Reference(_NUMPY, _smape),
    "msle": Reference("scikit-learn `mean_squared_log_error`; 60 digits far from 0", _msle),
    "rmsle": Reference("scikit-learn `root_mean_squared_log_error`; 60 digits far from 0", lambda s: float(np.sqrt(_msle(s)))),
    "median_ae": _sk("median_absolute_error"),
    "mdape": _quantile(_relative, 0.5),
    "ae_quantile": _quantile(_error, 0.9),
    "ae_quantile(quantile=0.25)": _quantile(_error, 0.25),
    "pinball": _sk("mean_pinball_loss"),
    "pinball(quantile=0.9)": _sk("mean_pinball_loss", alpha=0.9),
    "poisson_deviance": _tweedie(1, "mean_poisson_deviance"),
    "gamma_deviance": _tweedie(2, "mean_gamma_deviance"),
    "tweedie_deviance": _tweedie(1.5, "mean_tweedie_deviance", power=1.5),
    "tweedie_deviance(power=0)": _sk("mean_tweedie_deviance", power=0),
    "tweedie_deviance(power=3)": _tweedie(3, "mean_tweedie_deviance", power=3),
    "tweedie_deviance(power=-1)": _tweedie(-1, "mean_tweedie_deviance", power=-1),
    "d2_absolute": _sk("d2_absolute_error_score"),
    "d2_pinball(quantile=0.9)": _sk("d2_pinball_score", alpha=0.9),
    "d2_tweedie": _d2_tweedie(1.5),
    "d2_tweedie(power=0)": _sk("d2_tweedie_score", power=0),
    "d2_tweedie(power=1)": _d2_tweedie(1),
    "d2_tweedie(power=2)": _d2_tweedie(2),
    "pearson": Reference("scipy `pearsonr`; with weights statsmodels `DescrStatsW`", lambda s: _correlation(s.target, s.prediction, s)),
    "spearman": Reference("scipy `spearmanr`; with weights midranks row by row", _spearman),
    "concordance": Reference("numpy `cov`, then Lin's formula", _concordance),
    "interval_coverage": Reference("numpy, row by row", _inside),
    "interval_width": Reference(_NUMPY, lambda s: _mean(_limits(s)[1] - _limits(s)[0], s)),
    "interval_score(nominal=0.8)": Reference("scikit-learn `mean_pinball_loss` of both limits", _winkler),
}

"""References of metrics of scores: scikit-learn, scipy, statsmodels, and curves that are read off plainly."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
import statsmodels.api as sm
from scipy import stats
from sklearn import metrics as sk
from sklearn.isotonic import IsotonicRegression

from mtf.plugins import Sample
from tests.conformance.reference import Reference


def _score(s: Sample) -> np.ndarray:
    assert s.scores is not None
    return s.scores[:, 1]


def _weight(s: Sample) -> np.ndarray:
    return np.ones(s.target.size) if s.weight is None else s.weight


def _ranked(name: str, **options: Any) -> Reference:
    shown = ", ".join(f"{key}={value}" for key, value in options.items())
    function = getattr(sk, name)
    return Reference(
        f"scikit-learn `{name}`" + (f" ({shown})" if shown else ""),
        lambda s: function(s.target, _score(s), sample_weight=s.weight, **options),
    )


def _probability(function: Callable[[Sample], float]) -> Callable[[Sample], float]:
    """NaN for scores that are no probabilities, where libraries would answer something or raise."""

    def value(s: Sample) -> float:
        assert s.scores is not None
        return function(s) if s.scores.min() >= 0 and s.scores.max() <= 1 else math.nan

    return value


def _roc(s: Sample) -> tuple[np.ndarray, np.ndarray]:
    fpr, tpr, _ = sk.roc_curve(s.target, _score(s), sample_weight=s.weight, drop_intermediate=False)
    return fpr, tpr


def _ks(s: Sample) -> float:
    if s.weight is None:
        score = _score(s)
        return float(stats.ks_2samp(score[s.target == 1], score[s.target == 0]).statistic)
    fpr, tpr = _roc(s)
    return float(np.abs(tpr - fpr).max())


def _at(x: np.ndarray, y: np.ndarray, where: float, pick: Callable[[np.ndarray], float]) -> float:
    """A curve at a place; on a vertical piece the end that is picked."""
    upon = np.abs(x - where) < 1e-12
    return float(pick(y[upon])) if upon.any() else float(np.interp(where, x, y))


def _gain(s: Sample, share: float) -> float:
    """The cumulative gains curve through its corners, one at each distinct score: tied rows lie on a straight piece."""
    score, weight = _score(s), _weight(s)
    corners = np.unique(score)[::-1]
    rows = np.array([0, *(weight[score >= corner].sum() for corner in corners)]) / weight.sum()
    found = np.array([0, *(weight[(score >= corner) & (s.target == 1)].sum() for corner in corners)])
    return float(np.interp(share, rows, found / found[-1]))


def _precision_at(s: Sample, share: float) -> float:
    return _gain(s, share) * float(np.average(s.target, weights=s.weight)) / share


def _spiegelhalter(s: Sample) -> float:
    p, w = _score(s), _weight(s)
    return float((w * (s.target - p) * (1 - 2 * p)).sum() / math.sqrt((w**2 * (1 - 2 * p) ** 2 * p * (1 - p)).sum()))


def _recalibrated(s: Sample, *, slope: bool) -> float:
    """A certain row that was right adds nothing to the likelihood; one that was wrong leaves it without a maximum."""
    p = _score(s)
    inner = (p > 0) & (p < 1)
    if (p[~inner] != s.target[~inner]).any():
        return math.nan
    odds = np.log(p[inner] / (1 - p[inner]))
    columns = np.stack([np.ones(odds.size), odds], axis=1) if slope else np.ones((odds.size, 1))
    model = sm.GLM(s.target[inner], columns, family=sm.families.Binomial(), freq_weights=_weight(s)[inner], offset=None if slope else odds)
    return float(model.fit(tol=1e-14, maxiter=200).params[-1])


def _corp(s: Sample) -> tuple[float, float, float]:
    fitted = IsotonicRegression(increasing=True).fit_transform(_score(s), s.target, sample_weight=s.weight)
    before, after = (np.average((p - s.target) ** 2, weights=s.weight) for p in (_score(s), fitted))
    base = np.average(s.target, weights=s.weight)
    return before - after, base * (1 - base) - after, base * (1 - base)


def _ece(s: Sample) -> float:
    """Bins between quantiles of the confidence; rows of equal confidence are never torn apart."""
    assert s.scores is not None
    binary = s.task == "binary"
    confidence = _score(s) if binary else s.scores.max(axis=1)
    event = s.target == 1 if binary else s.scores.argmax(axis=1) == s.target
    bins, w = math.ceil(round(s.target.size ** (1 / 3), 9)), _weight(s)
    edges = [_quantile(confidence, w, part / bins) for part in range(1, bins)]
    place = np.searchsorted(edges, confidence, side="left")
    gaps = [abs((w * (confidence - event))[place == part].sum()) for part in range(bins)]
    return float(sum(gaps) / w.sum())


def _quantile(values: np.ndarray, weight: np.ndarray, share: float) -> float:
    """The smallest value at which the share of the weight is reached."""
    reached = [(value, weight[values <= value].sum()) for value in np.unique(values)]
    return next(float(value) for value, mass in reached if mass >= share * weight.sum() * (1 - 1e-9))


def _brier(s: Sample) -> float:
    return float(sk.brier_score_loss(s.target, s.scores, labels=range(len(s.labels)), sample_weight=s.weight))


def _log_loss(s: Sample) -> float:
    """Of the rows' own probabilities: scikit-learn divides by their sum, which is 1 to seven digits only in float32."""
    assert s.scores is not None
    own = s.scores[np.arange(s.target.size), s.target]
    return float(np.average(-np.log(np.clip(own, np.finfo(np.float64).eps, 1)), weights=s.weight))


def _areas(s: Sample) -> list[float]:
    """One against the rest, of every class that the truth contains."""
    assert s.scores is not None
    return [sk.roc_auc_score(s.target == code, s.scores[:, code], sample_weight=s.weight) for code in np.unique(s.target)]


def _pairs(s: Sample, *, weighted: bool) -> float:
    """Hand and Till's M, pair by pair."""
    assert s.scores is not None
    areas, sizes = [], []
    for one, other in permutations(np.unique(s.target), 2):
        rows = (s.target == one) | (s.target == other)
        weight = None if s.weight is None else s.weight[rows]
        areas.append(sk.roc_auc_score(s.target[rows] == one, s.scores[rows, one], sample_weight=weight))
        sizes.append(_weight(s)[rows].sum())
    return float(np.average(areas, weights=sizes if weighted else None))


def _hinge(s: Sample) -> float:
    assert s.scores is not None
    if s.task == "binary":
        if s.scores.min() >= 0 and s.scores.max() <= 1:
            return math.nan
        return float(sk.hinge_loss(s.target, _score(s), sample_weight=s.weight))
    return float(sk.hinge_loss(s.target, s.scores, labels=range(len(s.labels)), sample_weight=s.weight))


def _top(k: int) -> Reference:
    return Reference(
        f"scikit-learn `top_k_accuracy_score` (k={k})",
        lambda s: sk.top_k_accuracy_score(s.target, s.scores, k=k, labels=range(len(s.labels)), sample_weight=s.weight),
    )


_CURVE, _GAINS = "scikit-learn `roc_curve`, read at the place", "the cumulative gains curve, read at the share"
BINARY: dict[str, Reference] = {
    "roc_auc": _ranked("roc_auc_score"),
    "average_precision": _ranked("average_precision_score"),
    "gini": Reference(
        "scikit-learn `roc_auc_score`, twice less 1", lambda s: 2 * sk.roc_auc_score(s.target, _score(s), sample_weight=s.weight) - 1
    ),
    "ks": Reference("scipy `ks_2samp`; with weights scikit-learn `roc_curve`", _ks),
    "partial_auc": _ranked("roc_auc_score", max_fpr=0.1),
    "partial_auc(max_fpr=0.3)": _ranked("roc_auc_score", max_fpr=0.3),
    "gain(share=0.25)": Reference(_GAINS, lambda s: _gain(s, 0.25)),
    "recall_at": Reference(_GAINS, lambda s: _gain(s, 0.1)),
    "lift": Reference(_GAINS, lambda s: _gain(s, 0.1) / 0.1),
    "precision_at(share=0.2)": Reference(_GAINS, lambda s: _precision_at(s, 0.2)),
    "sensitivity_at": Reference(_CURVE, lambda s: _at(*_roc(s), 0.1, np.max)),
    "specificity_at": Reference(_CURVE, lambda s: 1 - _at(*_roc(s)[::-1], 0.9, np.min)),
    "log_loss": Reference("scikit-learn `log_loss`'s formula on the rows' own probabilities", _probability(_log_loss)),
    "brier": Reference(
        "scikit-learn `brier_score_loss`", _probability(lambda s: sk.brier_score_loss(s.target, _score(s), sample_weight=s.weight))
    ),
    "brier_skill": Reference(
        "scikit-learn `d2_brier_score`", _probability(lambda s: sk.d2_brier_score(s.target, _score(s), sample_weight=s.weight))
    ),
    "spiegelhalter_z": Reference("numpy, Spiegelhalter's formula", _probability(_spiegelhalter)),
    "calibration_slope": Reference("statsmodels `GLM` (Binomial)", _probability(lambda s: _recalibrated(s, slope=True))),
    "calibration_intercept": Reference("statsmodels `GLM` (Binomial, offset)", _probability(lambda s: _recalibrated(s, slope=False))),
    "mcb": Reference("scikit-learn `IsotonicRegression`", _probability(lambda s: _corp(s)[0])),
    "dsc": Reference("scikit-learn `IsotonicRegression`", _probability(lambda s: _corp(s)[1])),
    "ece": Reference("numpy, row by row", _probability(_ece)),
    "hinge": Reference("scikit-learn `hinge_loss`", _hinge),
}
MULTICLASS: dict[str, Reference] = {
    "roc_auc_ovr": Reference("scikit-learn `roc_auc_score` of each class, averaged", lambda s: float(np.mean(_areas(s)))),
    "roc_auc_ovr_weighted": Reference(
        "scikit-learn `roc_auc_score` of each class, averaged by rows",
        lambda s: float(np.average(_areas(s), weights=[_weight(s)[s.target == code].sum() for code in np.unique(s.target)])),
    ),
    "roc_auc_ovo": Reference("scikit-learn `roc_auc_score` of each pair", lambda s: _pairs(s, weighted=False)),
    "roc_auc_ovo_weighted": Reference("scikit-learn `roc_auc_score` of each pair", lambda s: _pairs(s, weighted=True)),
    "log_loss": Reference("scikit-learn `log_loss`'s formula on the rows' own probabilities", _probability(_log_loss)),
    "brier": Reference("scikit-learn `brier_score_loss`", _probability(_brier)),
    "ece": Reference("numpy, row by row", _probability(_ece)),
    "hinge": Reference("scikit-learn `hinge_loss`", _hinge),
    "top_k_accuracy": _top(2),
    "top_k_accuracy(k=3)": _top(3),
}

"""References of metrics of labels: scikit-learn, and plain formulas of its counts where it has no function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn import metrics as sk

from mtf.plugins import Sample
from tests.conformance.reference import Reference

COUNTS = "scikit-learn `multilabel_confusion_matrix`, then the formula"


def _with(function: Any, **options: Any) -> Callable[[Sample], float]:
    return lambda s: function(s.target, s.prediction, sample_weight=s.weight, **options)


def _sk(name: str, **options: Any) -> Reference:
    shown = ", ".join(f"{key}={value!r}" for key, value in options.items() if key not in {"labels", "zero_division"})
    return Reference(f"scikit-learn `{name}`" + (f" ({shown})" if shown else ""), _with(getattr(sk, name), **options))


def _counts(s: Sample) -> np.ndarray:
    """(4, classes) TN, FP, FN, TP of each class that was observed."""
    everyone = range(max(len(s.labels), 2))
    found = sk.multilabel_confusion_matrix(s.target, s.prediction, labels=everyone, sample_weight=s.weight)
    seen = np.isin(np.arange(len(everyone)), np.union1d(s.target, s.prediction))
    return found.reshape(-1, 4)[seen].T.astype(float)


Formula = Callable[[Any, Any, Any, Any], tuple[Any, Any]]
RATES: Mapping[str, Formula] = {
    "specificity": lambda tn, fp, fn, tp: (tn, tn + fp),
    "npv": lambda tn, fp, fn, tp: (tn, tn + fn),
    "fpr": lambda tn, fp, fn, tp: (fp, tn + fp),
    "fnr": lambda tn, fp, fn, tp: (fn, fn + tp),
    "fdr": lambda tn, fp, fn, tp: (fp, fp + tp),
}


def _share(formula: Formula, average: str | None) -> Callable[[Sample], float]:
    def value(s: Sample) -> float:
        cells = _counts(s)
        if average == "micro":
            above, below = formula(*cells.sum(axis=1))
            return above / below
        above, below = formula(*(cells if average else cells[:, 1:]))
        shares = np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0)
        rows = cells[2] + cells[3] if average == "weighted" else np.ones(shares.size)
        kept = ~np.isnan(shares)
        return float((shares[kept] * rows[kept]).sum() / rows[kept].sum()) if rows[kept].sum() else np.nan

    return value


def _averaged() -> dict[str, Reference]:
    found = {}
    for average in ("micro", "macro", "weighted"):
        for name in ("precision", "recall", "f1", "jaccard"):
            found[f"{name}_{average}"] = Reference(
                f"scikit-learn `{name}_score` (average={average!r})", _observed(getattr(sk, f"{name}_score"), average)
            )
        for beta in (0.5, 2):
            found[f"f_beta_{average}(beta={beta})"] = Reference(
                f"scikit-learn `fbeta_score` (beta={beta}, average={average!r})", _observed(sk.fbeta_score, average, beta=beta)
            )
        for name, formula in RATES.items():
            found[f"{name}_{average}"] = Reference(COUNTS, _share(formula, average))
    return found


def _observed(function: Any, average: str, **options: Any) -> Callable[[Sample], float]:
    """scikit-learn averages over the labels it is given: those that the truth or the predictions contain; undefined ones do not count."""

    def value(s: Sample) -> float:
        seen = np.union1d(s.target, s.prediction)
        if function is not sk.jaccard_score:
            options["zero_division"] = np.nan
        return float(function(s.target, s.prediction, labels=seen, average=average, sample_weight=s.weight, **options))

    return value


def _cost(s: Sample) -> float:
    tn, fp, fn, tp = sk.confusion_matrix(s.target, s.prediction, sample_weight=s.weight).ravel()
    return float((7 * fp + 2 * fn - tp) / (tn + fp + fn + tp))


def _binary_counts(formula: Callable[[float, float, float, float], float]) -> Reference:
    return Reference(
        "scikit-learn `confusion_matrix`, then the formula",
        lambda s: formula(*sk.confusion_matrix(s.target, s.prediction, sample_weight=s.weight).ravel()),
    )


BOTH: dict[str, Reference] = {
    "accuracy": _sk("accuracy_score"),
    "balanced_accuracy": _sk("balanced_accuracy_score"),
    "mcc": _sk("matthews_corrcoef"),
    "cohen_kappa": _sk("cohen_kappa_score"),
    "quadratic_kappa": _sk("cohen_kappa_score", weights="quadratic"),
    **_averaged(),
}
BINARY: dict[str, Reference] = {
    **BOTH,
    "precision": _sk("precision_score", zero_division=np.nan),
    "recall": _sk("recall_score", zero_division=np.nan),
    "f1": _sk("f1_score", zero_division=np.nan),
    "f_beta(beta=0.5)": _sk("fbeta_score", beta=0.5, zero_division=np.nan),
    "f_beta(beta=2)": _sk("fbeta_score", beta=2.0, zero_division=np.nan),
    "jaccard": _sk("jaccard_score"),
    **{name: Reference(COUNTS, _share(formula, None)) for name, formula in RATES.items()},
    "informedness": _sk("balanced_accuracy_score", adjusted=True),
    "markedness": _binary_counts(lambda tn, fp, fn, tp: tp / (tp + fp) + tn / (tn + fn) - 1),
    "g_mean": _binary_counts(lambda tn, fp, fn, tp: (tp / (tp + fn) * tn / (tn + fp)) ** 0.5),
    "expected_cost(false_negative=2, false_positive=7, true_positive=-1)": Reference(
        "scikit-learn `confusion_matrix`, then the formula", _cost
    ),
    "unc": Reference("numpy, the variance of the truth", lambda s: float(np.cov(s.target, aweights=s.weight, ddof=0))),
}
MULTICLASS: dict[str, Reference] = dict(BOTH)

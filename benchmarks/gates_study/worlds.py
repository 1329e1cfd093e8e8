"""Worlds whose true metric is known: from a formula, or from a numerical integral over the population."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from benchmarks.gates_study.designs import Rows
from numpy.typing import NDArray
from scipy import special, stats

from mtf.plugins import Sample

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """A metric, its true value, and how a sample comes about from (n, 2) uniforms."""

    metric: str
    truth: float
    sample: Callable[[Rows], Sample]
    note: str = ""


def labelled(rows: Rows, target: NDArray[np.bool_], prediction: NDArray[np.bool_], score: Floats | None = None) -> Sample:
    """A binary sample."""
    scores = None if score is None else np.stack([1 - score, score], axis=1)
    codes = (target.astype(np.int32), prediction.astype(np.int32))
    return Sample("binary", *codes, scores, (0, 1), rows.weight, rows.group)


def confusion(metric: str, prevalence: float, sensitivity: float, specificity: float) -> World:
    """Labels alone. The truth follows from the four cells of the population."""
    tp, fn = prevalence * sensitivity, prevalence * (1 - sensitivity)
    tn, fp = (1 - prevalence) * specificity, (1 - prevalence) * (1 - specificity)
    truth = {
        "accuracy": tp + tn,
        "precision": tp / (tp + fp),
        "recall": sensitivity,
        "specificity": specificity,
        "f1": 2 * tp / (2 * tp + fp + fn),
        "balanced_accuracy": (sensitivity + specificity) / 2,
        "mcc": (tp * tn - fp * fn) / math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)),
    }[metric]

    def sample(rows: Rows) -> Sample:
        target = rows.uniforms[:, 0] < prevalence
        return labelled(rows, target, rows.uniforms[:, 1] < np.where(target, sensitivity, 1 - specificity))

    return World(metric, truth, sample, f"prevalence {prevalence:g}")


def binormal(metric: str, prevalence: float, apart: float) -> World:
    """Scores of two normal classes `apart` standard deviations from each other."""
    if metric == "roc_auc":
        truth = float(special.ndtr(apart / math.sqrt(2)))
    else:
        cut = np.linspace(-12, 12 + apart, 400_001)
        recall, alarm = special.ndtr(apart - cut), special.ndtr(-cut)
        precision = prevalence * recall / (prevalence * recall + (1 - prevalence) * alarm)
        truth = float(np.trapezoid(precision[::-1], recall[::-1]))

    def sample(rows: Rows) -> Sample:
        target = rows.uniforms[:, 0] < prevalence
        score = special.ndtri(rows.uniforms[:, 1]) + apart * target
        return labelled(rows, target, score > apart / 2, special.expit(score - apart / 2))

    return World(metric, truth, sample, f"prevalence {prevalence:g}")


def calibrated(metric: str, a: float, b: float) -> World:
    """Probabilities from a beta distribution that are true."""
    share = a / (a + b)
    truth = {
        "brier": lambda: a * b / ((a + b) * (a + b + 1)),
        "log_loss": lambda: float(stats.beta(a, b).expect(lambda p: special.entr(p) + special.entr(1 - p))),
    }[metric]()

    def sample(rows: Rows) -> Sample:
        score = np.clip(special.betaincinv(a, b, rows.uniforms[:, 0]), 1e-12, 1 - 1e-12)
        return labelled(rows, rows.uniforms[:, 1] < score, score >= 0.5, score)

    return World(metric, truth, sample, f"prevalence {share:.2g}")


MATRIX = np.array([[0.40, 0.06, 0.04], [0.03, 0.25, 0.02], [0.04, 0.03, 0.13]])
"""Shares of truth (rows) and prediction (columns) of three classes."""


def three_classes(metric: str) -> World:
    """Three classes of unequal size."""
    right = MATRIX.diagonal()
    f1 = 2 * right / (MATRIX.sum(axis=0) + MATRIX.sum(axis=1))
    chance = float(MATRIX.sum(axis=0) @ MATRIX.sum(axis=1))
    truth = {"f1_macro": float(f1.mean()), "cohen_kappa": (float(right.sum()) - chance) / (1 - chance)}[metric]
    edges = np.cumsum(MATRIX.ravel())

    def sample(rows: Rows) -> Sample:
        cell = np.minimum(np.searchsorted(edges, rows.uniforms[:, 0], side="right"), 8).astype(np.int32)
        return Sample("multiclass", cell // 3, cell % 3, None, ("a", "b", "c"), rows.weight, rows.group)

    return World(metric, truth, sample, "3 classes")


def numbers(metric: str, errors: str = "normal") -> World:
    """Numbers with normal or Laplace errors of scale 5 around predictions with standard deviation 10."""
    quantile: Mapping[str, Callable[[Floats], Floats]] = {"normal": special.ndtri, "laplace": stats.laplace.ppf}
    variance = {"normal": 1.0, "laplace": 2.0}[errors]
    absolute = {"normal": math.sqrt(2 / math.pi), "laplace": 1.0}[errors]
    median = {"normal": float(special.ndtri(0.75)), "laplace": math.log(2)}[errors]
    truth = {
        "mae": 5 * absolute,
        "rmse": 5 * math.sqrt(variance),
        "median_ae": 5 * median,
        "r2": 1 - 25 * variance / (100 + 25 * variance),
    }[metric]

    def sample(rows: Rows) -> Sample:
        prediction = 50 + 10 * special.ndtri(rows.uniforms[:, 0])
        target = prediction + 5 * quantile[errors](rows.uniforms[:, 1])
        return Sample("regression", target, prediction, weight=rows.weight, group=rows.group)

    return World(metric, truth, sample, f"{errors} errors")

"""What metrics say of themselves, read without importing them.

A gate is checked and a job is keyed in processes that should not pay for numpy and scipy: the worker's parent, and the command that finds a
finished run again. So the built-in metrics are described here a second time; a test holds this table against the classes.
A stranger's metric is loaded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import entry_points

from pydantic import BaseModel

from mtf.errors import SpecError
from mtf.plugins import GROUPS, RankMetric, RowMetric, load, unknown
from mtf_evaluation.arguments import (
    BetaArgs,
    CostArgs,
    ErrorQuantileArgs,
    MaxFprArgs,
    NoArgs,
    NominalArgs,
    QuantileArgs,
    SensitivityArgs,
    ShareArgs,
    SpecificityArgs,
    TopKArgs,
    TweedieArgs,
)
from mtf_evaluation.reference import CLASS, Reference, read, validated

_OURS = "mtf_evaluation."


@dataclass(frozen=True)
class Described:
    """The part of a metric's description that needs no data."""

    version: int
    tasks: tuple[str, ...]
    greater_is_better: bool | None
    bounds: tuple[float, float]
    has_interval: bool = True
    paired: bool = True
    """Whether two models can be compared by it with an interval."""
    args: type[BaseModel] = NoArgs
    """Model of its arguments."""


_BINARY, _CLASSES, _MANY, _NUMBERS = ("binary",), ("binary", "multiclass"), ("multiclass",), ("regression",)
_SHARE, _SIGNED, _LOSS, _GAIN = (0.0, 1.0), (-1.0, 1.0), (0.0, math.inf), (-math.inf, 1.0)

_AVERAGED = {
    "precision": True, "recall": True, "f1": True, "f_beta": True, "jaccard": True,
    "specificity": True, "npv": True, "fpr": False, "fnr": False, "fdr": False,
}  # fmt: skip  # a family per line
"""Metrics of two classes that are averaged over classes, and whether more is better."""

BUILT_IN: Mapping[str, Described] = {
    "accuracy": Described(1, _CLASSES, True, _SHARE),
    "ae_quantile": Described(1, _NUMBERS, False, _LOSS, args=ErrorQuantileArgs),
    "average_precision": Described(1, _BINARY, True, _SHARE),
    "balanced_accuracy": Described(1, _CLASSES, True, _SHARE),
    "bias": Described(1, _NUMBERS, None, (-math.inf, math.inf)),
    "brier": Described(1, _CLASSES, False, (0.0, 2.0)),
    "brier_skill": Described(1, _BINARY, True, _GAIN),
    "calibration_intercept": Described(1, _BINARY, None, (-math.inf, math.inf)),
    "calibration_slope": Described(1, _BINARY, None, (-math.inf, math.inf)),
    "cohen_kappa": Described(1, _CLASSES, True, _SIGNED),
    "concordance": Described(1, _NUMBERS, True, _SIGNED),
    "d2_absolute": Described(1, _NUMBERS, True, _GAIN),
    "d2_pinball": Described(1, _NUMBERS, True, _GAIN, args=QuantileArgs),
    "d2_tweedie": Described(1, _NUMBERS, True, _GAIN, args=TweedieArgs),
    "dsc": Described(1, _BINARY, True, (0.0, 0.25), has_interval=False, paired=False),
    "ece": Described(1, _CLASSES, False, _SHARE, has_interval=False, paired=False),
    "expected_cost": Described(1, _BINARY, False, (-math.inf, math.inf), args=CostArgs),
    "explained_variance": Described(1, _NUMBERS, True, _GAIN),
    "f1": Described(1, _BINARY, True, _SHARE),
    "f_beta": Described(1, _BINARY, True, _SHARE, args=BetaArgs),
    "fdr": Described(1, _BINARY, False, _SHARE),
    "fnr": Described(1, _BINARY, False, _SHARE),
    "fpr": Described(1, _BINARY, False, _SHARE),
    "g_mean": Described(1, _BINARY, True, _SHARE),
    "gain": Described(1, _BINARY, True, _SHARE, args=ShareArgs),
    "gamma_deviance": Described(1, _NUMBERS, False, _LOSS),
    "gini": Described(1, _BINARY, True, _SIGNED),
    "hinge": Described(1, _CLASSES, False, _LOSS),
    "informedness": Described(1, _BINARY, True, _SIGNED),
    "interval_coverage": Described(1, _NUMBERS, None, _SHARE),
    "interval_score": Described(1, _NUMBERS, False, _LOSS, args=NominalArgs),
    "interval_width": Described(1, _NUMBERS, False, _LOSS),
    "jaccard": Described(1, _BINARY, True, _SHARE),
    "ks": Described(1, _BINARY, True, _SHARE, has_interval=False, paired=False),
    "lift": Described(1, _BINARY, True, _LOSS, args=ShareArgs),
    "log_loss": Described(1, _CLASSES, False, _LOSS),
    "mae": Described(1, _NUMBERS, False, _LOSS),
    "mape": Described(1, _NUMBERS, False, _LOSS),
    "markedness": Described(1, _BINARY, True, _SIGNED),
    "max_error": Described(1, _NUMBERS, False, _LOSS, has_interval=False, paired=False),
    "mcb": Described(1, _BINARY, False, _SHARE, has_interval=False, paired=False),
    "mcc": Described(1, _CLASSES, True, _SIGNED),
    "mdape": Described(1, _NUMBERS, False, _LOSS),
    "median_ae": Described(1, _NUMBERS, False, _LOSS),
    "mse": Described(1, _NUMBERS, False, _LOSS),
    "msle": Described(1, _NUMBERS, False, _LOSS),
    "npv": Described(1, _BINARY, True, _SHARE),
    "partial_auc": Described(1, _BINARY, True, _SHARE, args=MaxFprArgs),
    "pearson": Described(1, _NUMBERS, True, _SIGNED),
    "pinball": Described(1, _NUMBERS, False, _LOSS, args=QuantileArgs),
    "poisson_deviance": Described(1, _NUMBERS, False, _LOSS),
    "precision": Described(1, _BINARY, True, _SHARE),
    "precision_at": Described(1, _BINARY, True, _SHARE, args=ShareArgs),
    "quadratic_kappa": Described(1, _CLASSES, True, _SIGNED),
    "r2": Described(1, _NUMBERS, True, (-math.inf, 1.0)),
    "recall": Described(1, _BINARY, True, _SHARE),
    "recall_at": Described(1, _BINARY, True, _SHARE, args=ShareArgs),
    "rmse": Described(1, _NUMBERS, False, _LOSS),
    "rmsle": Described(1, _NUMBERS, False, _LOSS),
    "roc_auc": Described(1, _BINARY, True, _SHARE),
    "roc_auc_ovo": Described(1, _MANY, True, _SHARE),
    "roc_auc_ovo_weighted": Described(1, _MANY, True, _SHARE),
    "roc_auc_ovr": Described(2, _MANY, True, _SHARE),
    "roc_auc_ovr_weighted": Described(1, _MANY, True, _SHARE),
    "sensitivity_at": Described(1, _BINARY, True, _SHARE, args=SpecificityArgs),
    "smape": Described(1, _NUMBERS, False, (0.0, 2.0)),
    "spearman": Described(1, _NUMBERS, True, _SIGNED),
    "specificity": Described(1, _BINARY, True, _SHARE),
    "specificity_at": Described(1, _BINARY, True, _SHARE, args=SensitivityArgs),
    "spiegelhalter_z": Described(1, _BINARY, None, (-math.inf, math.inf), has_interval=False, paired=False),
    "top_k_accuracy": Described(1, _MANY, True, _SHARE, args=TopKArgs),
    "tweedie_deviance": Described(1, _NUMBERS, False, _LOSS, args=TweedieArgs),
    "unc": Described(1, _BINARY, None, (0.0, 0.25)),
    "wape": Described(1, _NUMBERS, False, _LOSS),
    **{
        f"{name}_{average}": Described(1, _CLASSES, better, _SHARE, args=BetaArgs if name == "f_beta" else NoArgs)
        for name, better in _AVERAGED.items()
        for average in ("micro", "macro", "weighted")
    },
}
"""Built-in metrics by name."""

CHECKS: Mapping[str, int] = {"class_support": 1, "constant_prediction": 1, "labels_follow_scores": 1, "too_good": 1}
"""Versions of the built-in checks."""


@cache
def describe(text: str) -> Described:
    """The description of a metric as it is written, arguments and all. Raises SpecError for one that does not exist or cannot be so."""
    return resolve(text)[1]


def metric_name(text: str) -> str:
    """The one text of a metric, however it is spelt. Raises SpecError for one that does not exist."""
    return str(resolve(text)[0])


def resolve(text: str, *, where: str | None = None) -> tuple[Reference, Described, BaseModel]:
    """A metric as it is written: its canonical reference, its description and its arguments. Raises SpecError."""
    reference = read(text, where=where)
    found = _origins("metric")
    if reference.name not in found:
        raise unknown("metric", reference.name, sorted(found), where=where)
    ours = reference.name in BUILT_IN and found[reference.name].startswith(_OURS)
    described = BUILT_IN[reference.name] if ours else loaded(reference.name)
    reference, args = validated(reference, described.args, where=where)
    if reference.of_class is not None:
        if "binary" not in described.tasks:
            raise SpecError(
                f"`{reference.name}` is no metric of one class, so that `{CLASS}=` means nothing",
                field=where,
                found=text,
                fix=f"write `{Reference(reference.name, reference.args)}`",
            )
        described = replace(described, tasks=("multiclass",))
    return reference, described, args


def loaded(name: str) -> Described:
    """The description as the plug-in itself gives it."""
    plugin = load("metric", name)
    paired = hasattr(plugin, "influence") or isinstance(plugin, RowMetric | RankMetric)
    low, high = plugin.bounds
    return Described(
        version=plugin.version,
        tasks=tuple(plugin.tasks),
        greater_is_better=plugin.greater_is_better,
        bounds=(float(low), float(high)),
        has_interval=getattr(plugin, "has_interval", paired),
        paired=paired,
        args=getattr(plugin, "Args", NoArgs),
    )


def check_versions() -> dict[str, int]:
    """Version of every check that is installed."""
    return {
        name: CHECKS[name] if name in CHECKS and origin.startswith(_OURS) else int(load("check", name).version)
        for name, origin in sorted(_origins("check").items())
    }


@cache
def _origins(kind: str) -> dict[str, str]:
    """Name of a plug-in to the module that its entry point names."""
    return {entry.name: entry.value for entry in entry_points(group=GROUPS[kind])}

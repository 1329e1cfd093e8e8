"""`mtf.evaluate_model`: ask an estimator for its predictions, then evaluate them. Nothing of scikit-learn is imported: the interface is enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mtf.errors import DataError, ModelError, UsageError
from mtf.notebook import EvaluationReport
from mtf_evaluation.library import evaluate

TWO = 2
WANTED = "an estimator with `predict`, and `classes_` where it predicts classes, as scikit-learn's have after `fit`"


def evaluate_model(
    model: Any,
    features: Any,
    y_true: Any,
    *,
    positive: Any = None,
    weight: Any = None,
    group: Any = None,
    slices: Any = None,
    metrics: Sequence[str] | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> EvaluationReport:
    """Evaluate a fitted estimator; `mtf.evaluate_model` says what each argument means."""
    if not callable(getattr(model, "predict", None)):
        raise UsageError("`model` cannot predict", field="model", found=type(model).__name__, fix=f"give {WANTED}")
    classes = _classes(model)
    given: dict[str, Any] = {"y_pred": _asked(model, "predict", features)}
    if classes is None:
        given["task"] = "regression"
    else:
        given |= {
            "task": "binary" if len(classes) == TWO else "multiclass",
            "labels": classes,
            "y_score": _scores(model, features, len(classes)),
        }
    return evaluate(
        y_true,
        **given,
        positive=positive,
        weight=weight,
        group=group,
        slices=_columns(slices, features),
        metrics=metrics,
        level=level,
        seed=seed,
    )


def _classes(model: Any) -> list[Any] | None:
    """The labels in the order of the scores; None for a model of numbers."""
    found = getattr(model, "classes_", None)
    if found is None:
        if callable(getattr(model, "predict_proba", None)):
            raise UsageError("`model` has no `classes_`, so nobody knows whose its probabilities are", field="model", fix=f"give {WANTED}")
        return None
    if isinstance(found, list) or getattr(found, "ndim", 1) != 1:
        raise UsageError("`model` predicts several targets at once", field="model", fix="evaluate one target at a time, with mtf.evaluate")
    labels: list[Any] = np.asarray(found).tolist()
    if len(labels) < TWO:
        raise UsageError(
            f"`model` knows {len(labels)} class only", field="model", found=labels, fix="fit it on rows of at least two classes"
        )
    return labels


def _scores(model: Any, features: Any, k: int) -> Any:
    """Probabilities; else decision values, which rank but are no probabilities; else None."""
    for name in ("predict_proba", "decision_function"):
        if callable(getattr(model, name, None)):
            found = np.asarray(_asked(model, name, features))
            # One against one has a column for each pair of classes, which are scores of no class.
            return found if found.ndim == 1 or found.shape[1] == k else None
    return None


def _asked(model: Any, name: str, features: Any) -> Any:
    """What a method of the model answers. Raises ModelError with the model's own words."""
    try:
        return getattr(model, name)(features)
    except Exception as error:  # the model is the user's: whatever it raises is its answer
        raise ModelError(
            f"the model's `{name}` failed: {type(error).__name__}: {error}",
            field="model",
            found=type(model).__name__,
            fix="call it on these features without mtf to see the whole error",
        ) from error


def _columns(slices: Any, features: Any) -> Any:
    """A list of names means columns of the features."""
    if not isinstance(slices, str | list | tuple) or (
        isinstance(slices, list | tuple) and not all(isinstance(name, str) for name in slices)
    ):
        return slices
    wanted = [slices] if isinstance(slices, str) else list(slices)
    names = list(features) if isinstance(features, Mapping) else list(getattr(features, "column_names", getattr(features, "columns", ())))
    for name in wanted:
        if name not in names:
            raise DataError(
                f"`features` has no column `{name}` to slice by",
                field="slices",
                found=name,
                fix=f"its columns are {', '.join(map(str, names[:20]))}"
                if names
                else "give a frame with named columns, or slices as a frame",
            )
    return {name: features[name] for name in wanted}

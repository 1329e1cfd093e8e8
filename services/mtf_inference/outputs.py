"""What a model's answer must be: the right shape, finite, probabilities between 0 and 1 that sum to 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mtf.errors import ModelError, SpecError
from mtf.plugins import Prediction
from mtf_inference.labels import Labels, encode_predictions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHOWN = 5
TOLERANCE = 1e-5
"""How far a row's probabilities may be from summing to 1: 1e-5, or 1e-6 for each class where that is more.

Models that compute in float32 (ONNX) round each class by about 6e-8 and add hundreds of trees up.
"""


@dataclass(frozen=True)
class Scored:
    """Checked answers for n rows, in the order of the output's labels."""

    prediction: NDArray[Any]
    """(n,) int32 codes, -1 where it is missing; or float64, NaN where it is missing."""
    scores: NDArray[np.float64] | None
    """(n, k), NaN rows where they are missing."""
    missing: int
    interval: NDArray[np.float64] | None = None
    """(n, 2) limits of prediction intervals, NaN rows where the prediction is missing."""


@dataclass(frozen=True)
class Rules:
    """How answers are read."""

    task: str
    labels: Labels | None
    order: Sequence[int] | None
    """Output code of each score column; None where the model's labels are unknown."""
    threshold: float
    exclude: bool
    """Whether missing predictions are counted instead of refused."""


def read(said: Prediction, values: Sequence[Any], first: int, rules: Rules) -> Scored:
    """Check one batch. `values` are the distinct labels that integer codes stand for; `first` is the batch's first row. Raises ModelError."""
    if rules.labels is None:
        return _regression(said, values, first, rules)
    return _classes(said, values, first, rules, rules.labels)


def _regression(said: Prediction, values: Sequence[Any], first: int, rules: Rules) -> Scored:
    import numpy as np

    found = said.labels
    if found is None and said.scores is not None and (said.scores.ndim == 1 or said.scores.shape[1] == 1):
        found = said.scores.reshape(-1)
    if found is None:
        raise ModelError("the model gives no value for a row", field="model", fix="a regression model answers with one number a row")
    if values or found.dtype.kind != "f":
        shown = ", ".join(repr(value)[:40] for value in values[:SHOWN])
        raise ModelError(
            f"the model predicts labels where numbers are due: {shown}", field="model", found=shown, fix="declare `evaluation.task`"
        )
    bad: NDArray[np.bool_] = np.asarray(~np.isfinite(found))
    limits = said.interval
    if limits is not None:
        bad = bad | ~np.isfinite(limits).all(axis=1)
    _refuse(bad, first, rules, "of the predictions are NaN or infinite")
    return Scored(np.where(bad, np.nan, found), None, int(bad.sum()), None if limits is None else _limits(limits, bad, first))


def _limits(limits: NDArray[np.float64], bad: NDArray[np.bool_], first: int) -> NDArray[np.float64]:
    """(n, 2) limits, NaN where the prediction is missing. Raises ModelError for a lower limit above its upper one."""
    import numpy as np

    crossed = np.flatnonzero(~bad & (limits[:, 0] > limits[:, 1]))
    if len(crossed):
        row = int(crossed[0])
        shown = f"{limits[row, 0]:g} to {limits[row, 1]:g}"
        raise ModelError(
            f"{len(crossed):,} prediction intervals have a lower limit above the upper one, first in row {first + row:,}: {shown}",
            field="model",
            found=shown,
            fix="`lower` is at most `upper`",
        )
    return np.where(bad[:, None], np.nan, limits)


def _classes(said: Prediction, values: Sequence[Any], first: int, rules: Rules, labels: Labels) -> Scored:
    import numpy as np

    scores = None if said.scores is None else _scores(said.scores, first, rules, labels)
    if said.labels is not None:
        if said.labels.dtype.kind == "f":
            raise ModelError("the model predicts numbers where labels are due", field="model", fix="declare `evaluation.task: regression`")
        codes = encode_predictions(said.labels, values, labels)
    elif scores is not None:
        lost: NDArray[np.bool_] = np.asarray(np.isnan(scores).any(axis=1))
        safe = np.where(lost[:, None], 0.0, scores)
        hard = (safe[:, 1] >= rules.threshold) if rules.task == "binary" else safe.argmax(axis=1)
        codes = np.where(lost, -1, hard).astype(np.int32)
    else:
        raise ModelError("the model gives neither labels nor scores", field="model")
    bad = codes < 0
    if scores is not None:
        bad = bad | np.isnan(scores).any(axis=1)
    _refuse(bad, first, rules, "of the predictions are missing, NaN or infinite")
    codes = np.where(bad, -1, codes).astype(np.int32)
    if scores is not None and bad.any():
        scores = np.where(bad[:, None], np.nan, scores)
    return Scored(codes, scores, int(bad.sum()))


def _scores(found: NDArray[np.float64], first: int, rules: Rules, labels: Labels) -> NDArray[np.float64]:
    """(n, k) checked probabilities in output order, NaN rows where any is not finite."""
    import numpy as np

    given = found.reshape(len(found), -1)
    if given.shape[1] == 1 and rules.task == "binary":
        given = np.column_stack([1 - given[:, 0], given[:, 0]])
        order: Sequence[int] | None = (0, 1)
    else:
        order = rules.order
    if order is None:
        raise SpecError(
            f"the model gives {given.shape[1]} scores and does not say which label each is of",
            field="model.labels",
            fix=f"declare `model.labels` in the order of the scores, for example {list(labels.values)[:10]}",
        )
    if given.shape[1] != len(order):
        raise ModelError(
            f"the model gives {given.shape[1]} scores a row for {len(order)} labels", field="model.labels", found=str(given.shape[1])
        )
    lost: NDArray[np.bool_] = np.asarray(~np.isfinite(given).all(axis=1))
    sound = np.where(lost[:, None], 1 / given.shape[1], given)
    allowed = max(TOLERANCE, 1e-6 * given.shape[1])
    outside: NDArray[np.bool_] = np.asarray(((sound < -allowed) | (sound > 1 + allowed)).any(axis=1))
    _nonsense(outside, sound, first, "rows have a score outside [0, 1]", "give probabilities, not logits or distances")
    apart: NDArray[np.bool_] = np.asarray(np.abs(sound.sum(axis=1) - 1) > allowed)
    _nonsense(apart, sound, first, f"rows of probabilities do not sum to 1 (tolerance {allowed:g})", "normalise them, with enough digits")
    result = np.zeros((len(given), len(labels.values)))
    result[:, list(order)] = np.clip(given, 0.0, 1.0)
    result[lost] = np.nan
    return result


def _refuse(bad: NDArray[np.bool_], first: int, rules: Rules, what: str) -> None:
    """Raise ModelError for missing predictions, unless they are to be excluded."""
    import numpy as np

    if rules.exclude or not bad.any():
        return
    rows = np.flatnonzero(bad)
    shown = ", ".join(f"{first + row:,}" for row in rows[:SHOWN])
    raise ModelError(
        f"{len(rows):,} {what}, first in row {shown} (counted from 0)",
        field="model.missing",
        found=f"{len(rows):,} of {len(bad):,} rows looked at",
        fix="handle missing values in the model or the recipe, or say `missing: exclude` in `model`",
    )


def _nonsense(bad: NDArray[np.bool_], scores: NDArray[np.float64], first: int, what: str, fix: str) -> None:
    import numpy as np

    if not bad.any():
        return
    rows = np.flatnonzero(bad)
    row = int(rows[0])
    shown = ", ".join(f"{value:.6g}" for value in scores[row, :SHOWN])
    raise ModelError(f"{len(rows):,} {what}, first in row {first + row:,}: {shown}", field="model", found=shown, fix=fix)

"""Point values alone, no interval, no plot, no page."""

from importlib.metadata import version
from pathlib import Path

import pandas as pd
from clock import measured
from sklearn import metrics as sk


def work(frame: pd.DataFrame, folder: Path) -> None:  # noqa: ARG001 - every side has the same arguments
    """The metrics of our default set that scikit-learn has."""
    y, p, score = (frame[name].to_numpy() for name in ("target", "prediction", "score"))
    for metric in (
        sk.accuracy_score,
        sk.balanced_accuracy_score,
        sk.precision_score,
        sk.recall_score,
        sk.f1_score,
        sk.matthews_corrcoef,
    ):
        metric(y, p)
    sk.recall_score(y, p, pos_label=0)
    for metric in (sk.roc_auc_score, sk.average_precision_score, sk.log_loss, sk.brier_score_loss):
        metric(y, score)


measured(work, "scikit-learn, point values", version("scikit-learn"))

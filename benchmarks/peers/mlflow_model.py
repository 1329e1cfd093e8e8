"""`mlflow.models.evaluate` of a classifier that hands out the stored probabilities: only a model makes MLflow look at scores.

Explanations are switched off. MLflow's metrics, curves and their pictures go into a SQLite store and a folder.
"""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import mlflow.sklearn
import numpy as np
import pandas as pd
from clock import measured
from sklearn.base import BaseEstimator, ClassifierMixin

CONFIG = {"log_explainer": False, "log_model_explainability": False}


class Stored(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Its only feature is the probability."""

    classes_ = np.array([0, 1])

    def predict(self, rows: Any) -> Any:
        """The more probable class."""
        return (np.asarray(rows)[:, 0] >= 0.5).astype(int)

    def predict_proba(self, rows: Any) -> Any:
        """The feature and what it leaves."""
        score = np.asarray(rows)[:, 0]
        return np.stack([1 - score, score], axis=1)


def work(frame: pd.DataFrame, folder: Path) -> None:
    """Evaluate in a run of its own."""
    if not (folder / "model").exists():
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        mlflow.create_experiment("peers", artifact_location=(folder / "artifacts").as_uri())
        mlflow.sklearn.save_model(Stored(), str(folder / "model"), pip_requirements=[], serialization_format="pickle")
    mlflow.set_experiment("peers")
    with mlflow.start_run():
        mlflow.models.evaluate(
            str(folder / "model"), data=frame[["target", "score"]], targets="target", model_type="classifier", evaluator_config=CONFIG
        )


measured(work, "MLflow `evaluate`, with probabilities", version("mlflow"))

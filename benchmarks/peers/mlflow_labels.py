"""`mlflow.models.evaluate` of a table of predicted labels: MLflow then has no scores, so no curve and no area."""

from importlib.metadata import version
from pathlib import Path

import mlflow
import pandas as pd
from clock import measured

CONFIG = {"log_explainer": False, "log_model_explainability": False}


def work(frame: pd.DataFrame, folder: Path) -> None:
    """Evaluate in a run of its own."""
    if not (folder / "mlflow.db").exists():
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        mlflow.create_experiment("peers", artifact_location=(folder / "artifacts").as_uri())
    mlflow.set_experiment("peers")
    with mlflow.start_run():
        mlflow.models.evaluate(
            data=frame[["target", "prediction"]],
            targets="target",
            predictions="prediction",
            model_type="classifier",
            evaluator_config=CONFIG,
        )


measured(work, "MLflow `evaluate`, labels alone", version("mlflow"))

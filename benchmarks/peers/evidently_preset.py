"""Evidently's `ClassificationPreset` of the same rows, and its page."""

from importlib.metadata import version
from pathlib import Path

import pandas as pd
from clock import measured
from evidently import BinaryClassification, DataDefinition, Dataset, Report
from evidently.presets import ClassificationPreset

ROLES = DataDefinition(
    classification=[BinaryClassification(target="target", prediction_labels="prediction", prediction_probas="score", pos_label=1)]
)


def work(frame: pd.DataFrame, folder: Path) -> None:
    """Run the preset and write the page."""
    found = Report([ClassificationPreset()]).run(Dataset.from_pandas(frame, data_definition=ROLES), None)
    found.save_html(str(folder / "report.html"))


measured(work, "Evidently `ClassificationPreset`", version("evidently"))

"""Our report of the rows: every metric with its interval, checks, plots, and the page."""

from importlib.metadata import version
from pathlib import Path

import pandas as pd
from clock import measured

import mtf


def work(frame: pd.DataFrame, folder: Path) -> None:
    """Evaluate and write the page."""
    report = mtf.evaluate(frame["target"], y_pred=frame["prediction"], y_score=frame["score"], task="binary", positive=1)
    (folder / "report.html").write_text(report.to_html(), encoding="utf-8")


measured(work, "ours", version("model-testing-framework"))

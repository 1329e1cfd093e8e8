"""Rows and reports that gates are judged on, however the caller holds them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from os import PathLike
from pathlib import Path
from typing import Any

from mtf.contracts.report import Report
from mtf.errors import PlatformError, UsageError
from mtf.notebook import EvaluationReport


def rows(**arrays: Any) -> EvaluationReport:
    """The rows alone, checked as `mtf.evaluate` checks them: a report without numbers, whose `gate` measures what a gate needs."""
    for entry in entry_points(group="mtf.library", name="rows"):
        found: EvaluationReport = entry.load()(**arrays)
        return found
    raise PlatformError("the room that judges gates is not installed", fix="install model-testing-framework completely")


def read(report: Any) -> EvaluationReport:
    """A report at hand, as a mapping, or the path of its JSON file. Raises UsageError for anything else."""
    if isinstance(report, EvaluationReport):
        return report
    if isinstance(report, Report):
        return EvaluationReport.of(report)
    try:
        if isinstance(report, Mapping):
            return EvaluationReport.of(Report.model_validate(report))
        if isinstance(report, PathLike):
            return EvaluationReport.of(Report.model_validate_json(Path(report).read_bytes()))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no report"
        raise UsageError(f"cannot read the report: {reason}", field="report", found=report, fix="give the path of a report.json") from None
    raise UsageError(
        "this is no report",
        field="report",
        found=type(report).__name__,
        fix="give what mtf.evaluate or mtf.run returned, or the Path of a report.json",
    )

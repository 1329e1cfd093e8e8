"""`mtf.run`: one run file, embedded, as a Python call."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mtf.errors import CancelledError, PlatformError, ProblemError

if TYPE_CHECKING:
    from mtf.notebook import EvaluationReport


def run(path: str | Path, *, home: str | Path | None = None) -> EvaluationReport:
    """Run a run file here and return its report. Gates do not raise: look at `report.verdict`.

    Args:
        path: The run file, YAML or JSON; paths in it are relative to it.
        home: The folder for results; `.mtf` beside the run file by default.

    Raises:
        MtfError: What went wrong, with the field, what was found and what to do.
    """
    from mtf.contracts.report import Report
    from mtf.embedded.house import Embedded
    from mtf.notebook import EvaluationReport
    from mtf.spec import read

    file = Path(path).absolute()
    spec = read(file)
    with Embedded(Path(home) if home is not None else file.parent / ".mtf") as house:
        view = house.submit(spec, base=file.parent)
        for _ in house.events(view.id):
            pass
        view = house.get(view.id)
        if view.status == "cancelled":
            raise CancelledError(f"run {view.id} was cancelled")
        if view.status != "succeeded":
            raise ProblemError(view.problem) if view.problem else PlatformError(f"run {view.id} ended as {view.status}")
        return EvaluationReport.of(Report.model_validate_json(house.report(view.id, "json")))

"""A report that was saved as JSON, drawn again in another form: the document alone is enough, whatever version wrote it."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

from pydantic import ValidationError

from mtf.contracts.report import Report
from mtf.errors import PlatformError, UsageError

FORMS = {"html": "to_html", "md": "to_markdown", "csv": "to_csv", "junit": "to_junit"}
"""The forms, and the names under which the evaluation room offers them."""


def read(path: Path) -> Report:
    """The report in a file. Raises UsageError for one that cannot be read or is no report."""
    try:
        return Report.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", field=str(path)) from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"{path} is no report: {first['msg']}", field=where or str(path), fix="give the report.json of a run, or the id of a run"
        ) from None


def drawn(report: Report, form: str) -> bytes:
    """The report in a form of `FORMS`. Raises PlatformError where the evaluation room is not installed."""
    for entry in entry_points(group="mtf.library", name=FORMS[form]):
        found = entry.load()(report)
        return found if isinstance(found, bytes) else str(found).encode()
    raise PlatformError("the room that draws reports is not installed", fix="install model-testing-framework completely")

"""The report as one page that needs nothing else: no network, no font, and no script but its own, which the page knows by its digest."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from mtf.contracts.report import Report
from mtf_evaluation import numerals
from mtf_evaluation.page import comparisons, gates, metrics, parts, provenance, sections

if TYPE_CHECKING:
    from jinja2 import Environment


def to_html(report: Report) -> str:
    """The page. Every text of a user is escaped; drawings are made here from numbers and escaped texts."""
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            warnings=_warnings(report),
            level=_level(report),
            gates=gates.rows(report),
            metrics=metrics.rows(report),
            slices=parts.table(report),
            comparisons=comparisons.rows(report),
            figures=sections.figures(report),
            forests=sections.forests(report),
            columns=sections.by_column(report),
            differences=sections.comparisons(report),
            script=Markup(_script()),  # noqa: S704 - our own file
            digest=_digest(),
            provenance=provenance.blocks(report),
        )
    )


def _warnings(report: Report) -> list[str]:
    """What this stage and the earlier ones warn of, each once."""
    earlier = report.notes.get("warnings")
    return list(dict.fromkeys([*report.warnings, *(map(str, earlier) if isinstance(earlier, list) else ())]))


def _level(report: Report) -> str:
    """`95 %`, from the first interval of the report."""
    found = next((one.level for one in report.metrics.values() if one.level), None)
    return f"{(found or 0.95) * 100:g}"


def _prose(text: str) -> Markup:
    """Escaped text in which what stands between backticks is set as code."""
    parts = str(escape(text)).split("`")
    marked = "".join(
        f"<code>{part}</code>" if index % 2 and index < len(parts) - 1 else part if index % 2 == 0 else f"`{part}"
        for index, part in enumerate(parts)
    )
    return Markup(marked)  # noqa: S704 - escaped above


@cache
def _script() -> str:
    """What lets plots tell their values; everything else on the page works without it."""
    return (Path(__file__).parent / "templates" / "hover.js").read_text(encoding="utf-8")


@cache
def _digest() -> str:
    """The only script that the page lets run."""
    return f"sha256-{base64.b64encode(hashlib.sha256(_script().encode()).digest()).decode()}"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("mtf_evaluation"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    filters: dict[str, Any] = {"count": numerals.count, "prose": _prose}
    environment.filters |= filters
    return environment

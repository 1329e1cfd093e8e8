"""The report as one page that needs nothing else: no network, no font, no script from anywhere."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from mtf.contracts.report import Report
from mtf_evaluation import numerals
from mtf_evaluation.page import comparisons, gates, metrics, provenance, sections

if TYPE_CHECKING:
    from jinja2 import Environment


def to_html(report: Report) -> str:
    """The page. Every text of a user is escaped; drawings are made here from numbers and escaped texts."""
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            level=_level(report),
            gates=gates.rows(report),
            metrics=metrics.rows(report),
            slices=metrics.slices(report),
            comparisons=comparisons.rows(report),
            figures=sections.figures(report),
            forests=sections.forests(report),
            provenance=provenance.blocks(report),
        )
    )


def _level(report: Report) -> str:
    """`95 %`, from the first interval of the report."""
    found = next((one.level for one in report.metrics.values() if one.level), None)
    return f"{(found or 0.95) * 100:g}"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("mtf_evaluation"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    filters: dict[str, Any] = {"count": numerals.count, "number": numerals.number}
    environment.filters |= filters
    return environment

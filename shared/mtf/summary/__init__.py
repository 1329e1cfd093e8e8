"""The job summary: a report, or the reason why there is none, as Markdown for the page of a build."""

from mtf.summary.of_problem import problem_to_markdown
from mtf.summary.of_report import to_markdown

__all__ = ["problem_to_markdown", "to_markdown"]

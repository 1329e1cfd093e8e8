"""A run that ended without a report."""

from __future__ import annotations

from mtf.contracts.problem import FieldProblem, Problem
from mtf.summary.markdown import plain, prose

_LISTED = 20


def problem_to_markdown(problem: Problem, name: str) -> str:
    """What went wrong, where, and what to do.

    Args:
        problem: The problem of the run.
        name: The run's name, or the run file's.
    """
    stage = f" in {plain(problem.stage)}" if problem.stage else ""
    lines = [f"## ❌ {plain(name)}: no verdict, the run failed{stage}", "", prose(problem.detail), ""]
    several = len(problem.errors) > 1
    if not several:
        lines += _details(FieldProblem(field=problem.field or "", found=problem.found, message="", fix=problem.fix), "")
    for one in problem.errors[:_LISTED] if several else []:
        lines += [f"- **{plain(one.field)}**: {prose(one.message)}", *_details(one.model_copy(update={"field": ""}), "  ")]
    if len(problem.errors) > _LISTED:
        lines.append(f"- and {len(problem.errors) - _LISTED} more")
    return "\n".join(lines).rstrip() + "\n"


def _details(one: FieldProblem, indent: str) -> list[str]:
    told = [("field", one.field), ("found", one.found), ("fix", one.fix)]
    return [f"{indent}- {word}: {prose(text)}" for word, text in told if text]

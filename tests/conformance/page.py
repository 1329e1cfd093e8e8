"""docs/conformance.md: what every metric was held against, and what came of it. The same text on every machine."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.conformance import test_peer_bugs  # noqa: F401 - its tests note the bugs that they are about
from tests.conformance.peers import BUGS
from tests.conformance.reference import TOLERANCE
from tests.conformance.run import REFERENCES, Case, cases
from tests.conformance.shapes import SHAPES
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "conformance.md"
HERE = Path(__file__).parent
OTHERS = {
    "test_intervals.py": "Intervals and tests",
    "test_proc.py": "R's pROC",
    "test_laws.py": "Laws",
}
HEAD = f"""# Conformance

Every built-in metric is held against a definition that is not ours: a function of scikit-learn, scipy, statsmodels or numpy, recorded values of R's pROC, or a formula written
down plainly, row by row. They must agree to a relative difference of {TOLERANCE:g}, on data in shapes that have broken metrics before, and must be undefined on the same ones.
A metric without such a reference fails the tests. This page is written by the tests that it tells of: `python -m tests.conformance`.

The references speak of point values. What intervals hold is another question, and [statistics](guide/statistics.md) answers it.
"""


def written() -> str:
    """The page."""
    parts = [HEAD, _shapes(), "## Values\n", *(_values(task) for task in REFERENCES)]
    parts += [_tests(file, title) for file, title in OTHERS.items()]
    parts.append(_bugs())
    return "\n".join(parts)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def _shapes() -> str:
    rows = [(task, "; ".join(shapes), f"{sum(len(s.target) for s in shapes.values()):,}") for task, shapes in SHAPES.items()]
    return "## Data\n\n" + _table(("task", "shapes", "rows"), rows)


def _values(task: str) -> str:
    rows = []
    for metric, reference in sorted(REFERENCES[task].items()):
        found = [case for case in cases() if case.task == task and case.metric == metric]
        rows.append((f"`{metric}`", reference.said_by, _counted(found), *_verdict(found)))
    return f"### {task.capitalize()}\n\n" + _table(("metric", "reference", "shapes", "largest relative difference", "verdict"), rows)


def _counted(found: Sequence[Case]) -> str:
    nothing = sum(case.theirs is None for case in found)
    return f"{len(found)}" + (f", undefined on {nothing}" if nothing else "")


def _verdict(found: Sequence[Case]) -> tuple[str, str]:
    """A bound instead of a number: the last digits differ from machine to machine."""
    if all(case.holds for case in found):
        return f"< {TOLERANCE:g}", "conforms"
    return f">= {TOLERANCE:g}", "differs on " + ", ".join(case.shape for case in found if not case.holds)


def _tests(file: str, title: str) -> str:
    """The module's sentence, and that of each of its tests."""
    module = ast.parse((HERE / file).read_text())
    tests = (node for node in module.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))
    said = ["- " + " ".join((ast.get_docstring(node) or "").split()) for node in tests]
    return "\n".join([f"## {title}\n", f"{ast.get_docstring(module)}\n", *said]) + "\n"


def _bugs() -> str:
    rows = [(bug.peer, bug.wrong, bug.ours) for bug in BUGS]
    intro = "Wrong statistics that were found in shipped tools. Each is a test in `tests/conformance/test_peer_bugs.py`.\n"
    return f"## Bugs of others\n\n{intro}\n" + _table(("found in", "what goes wrong", "what holds here"), rows)

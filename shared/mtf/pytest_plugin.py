"""The pytest plug-in: a gate on a model is a test.

    def test_model(mtf_gate):
        mtf_gate("accuracy >= 0.9 in sex=F", y_true=y, y_pred=model.predict(X), slices=X[["sex"]])

pytest loads this with every session where the distribution is installed, so nothing but pytest is imported until a gate is judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mtf.contracts.report import Gate
    from mtf.notebook import EvaluationReport

MEANINGS = ("fail", "skip", "pass")
"""What an inconclusive gate can do to its test."""
_PROPERTY = "mtf_gate "
"""A gate's property of a test is called this and the gate; its value is the verdict and the reason."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--mtf-inconclusive` and its setting in the ini file."""
    text = "What an inconclusive model gate does to its test: fail (the default: not enough data is no pass), skip or pass."
    parser.getgroup("mtf", "model gates").addoption("--mtf-inconclusive", choices=MEANINGS, default=None, help=text)
    parser.addini("mtf_inconclusive", text, default=MEANINGS[0])


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a setting that means nothing."""
    found = config.getini("mtf_inconclusive")
    if found not in MEANINGS:
        raise pytest.UsageError(f"mtf_inconclusive takes {', '.join(MEANINGS)}, not {found!r}")


@pytest.fixture
def mtf_gate(request: pytest.FixtureRequest) -> ModelGate:
    """Judge model gates: a gate that fails, or has not enough data, fails the test with its reason. See `mtf.pytest_plugin.ModelGate`."""
    return ModelGate(request)


class ModelGate:
    """Judges gates for one test.

    - `mtf_gate("accuracy >= 0.9", ..., y_true=..., y_pred=..., slices=frame)`: on arrays; the arguments are those of `mtf.evaluate`.
    - `mtf_gate(report, "accuracy >= 0.9", ...)`: on a report of `mtf.evaluate` or `mtf.run`, or on a report.json by its `Path`.
    - `mtf_gate.run("run.yaml")`: run a run file, and judge the gates that it has.

    `baseline` is a report of another model on the same rows, or its `{"y_pred": ...}`, for `not worse than baseline`.
    """

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request
        config = request.config
        self._inconclusive: str = config.getoption("--mtf-inconclusive") or config.getini("mtf_inconclusive")

    def __call__(self, *what: Any, baseline: Any = None, **arrays: Any) -> list[Gate]:
        """Judge every gate, then raise AssertionError for those that fail; returns the gates with their verdicts."""
        __tracebackhide__ = True
        texts = [one for one in what if isinstance(one, str)]
        reports = [one for one in what if not isinstance(one, str)]
        if not texts or len(reports) > 1 or bool(reports) == bool(arrays):
            raise TypeError("give gates as text, and either one report or arrays by name: y_true=..., y_pred=...")
        try:
            from mtf import judged

            report = judged.read(reports[0]) if reports else judged.rows(**arrays)
            other = judged.rows(**{**arrays, "y_pred": None, "y_score": None, **baseline}) if isinstance(baseline, Mapping) else baseline
            gates = [report.gate(text, baseline=other) for text in texts]
        except Exception as error:  # noqa: BLE001 - every error is the test's; what led to it inside is of no use to its author
            raise _told(error) from None
        self._settle(gates)
        return gates

    def run(self, path: str | PathLike[str], *, home: str | PathLike[str] | None = None) -> EvaluationReport:
        """Run a run file embedded and judge its gates; a relative path is looked for beside the test, then in the current folder."""
        __tracebackhide__ = True
        beside = Path(self._request.path).parent / path
        try:
            from mtf.embedded import run

            report = run(beside if beside.exists() else Path(path), home=None if home is None else Path(home))
        except Exception as error:  # noqa: BLE001 - as above
            raise _told(error) from None
        if not report.gates:
            raise AssertionError(f"{path} has no gates, so it tests nothing: add `evaluation: {{gates: [...]}}`")
        self._settle(report.gates)
        return report

    def _settle(self, gates: Sequence[Gate]) -> None:
        """Note the gates with the test, and let the test end as the verdicts say."""
        __tracebackhide__ = True
        for gate in gates:
            self._request.node.user_properties.append((f"{_PROPERTY}{gate.expression}", f"{gate.verdict}: {gate.reason}"))
        failed = [f"`{gate.expression}` fails: {gate.reason}" for gate in gates if gate.verdict == "fail"]
        unsettled = [f"`{gate.expression}` has not enough data: {gate.reason}" for gate in gates if gate.verdict == "inconclusive"]
        if failed or (unsettled and self._inconclusive == "fail"):
            raise AssertionError("\n".join(failed + unsettled))
        if unsettled and self._inconclusive == "skip":
            pytest.skip("; ".join(unsettled))


def _told(error: Exception) -> Exception:
    """The error without the frames that raised it; its notes say what to do."""
    return error.with_traceback(None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Count the gates, and list those that did not pass; every one with -v."""
    seen: dict[tuple[str, str], str] = {}
    for node, expression, told in _noted(terminalreporter):
        seen[node, expression] = told
    if not seen:
        return
    terminalreporter.section("model gates")
    verdicts = [told.partition(":")[0] for told in seen.values()]
    terminalreporter.line(", ".join(f"{verdicts.count(one)} {one}" for one in ("pass", "fail", "inconclusive") if one in verdicts))
    for (node, expression), told in seen.items():
        verdict, _, reason = told.partition(": ")
        if verdict != "pass" or config.get_verbosity() > 0:
            colour = {"pass": {"green": True}, "fail": {"red": True}}.get(verdict, {"yellow": True})
            terminalreporter.write(f"{verdict:<13}", **colour)
            terminalreporter.line(f"{node}: {expression}: {reason}")


def _noted(reporter: pytest.TerminalReporter) -> Iterator[tuple[str, str, str]]:
    """Test, gate, and verdict with reason, of every finished test: also of those that other processes ran."""
    for reports in reporter.stats.values():
        for report in reports:
            for name, told in getattr(report, "user_properties", ()):
                if name.startswith(_PROPERTY):
                    yield report.nodeid, name.removeprefix(_PROPERTY), str(told)

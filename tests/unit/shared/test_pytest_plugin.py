"""`mtf_gate`: what a gate does to the test that holds it, run by a pytest of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np  # noqa: F401 - what the inner sessions use is imported here, once: a library of C does not bear a second import
import pandas as pd  # noqa: F401 - as above
import pytest

import mtf
import mtf_evaluation.judging  # noqa: F401 - as above

pytest_plugins = "pytester"

ROWS = """
    import numpy as np
    import pandas as pd
    import pytest

    random = np.random.default_rng(0)
    Y = (random.random(600) < 0.4).astype(int)
    GOOD = np.where(random.random(600) < 0.9, Y, 1 - Y)
    POOR = np.where(random.random(600) < 0.8, Y, 1 - Y)
    FRAME = pd.DataFrame({"sex": np.where(random.random(600) < 0.5, "F", "M")})
"""


def session(pytester: pytest.Pytester, body: str, *options: str) -> pytest.RunResult:
    """A file of tests, run here."""
    lines = [line.removeprefix("    ") for line in f"{ROWS}\n{body}".splitlines()]
    pytester.makepyfile("\n".join(lines))
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:hypothesispytest", *options)


def test_a_passing_gate_passes(pytester: pytest.Pytester) -> None:
    """Several gates on arrays, slices and a baseline in one test; the gates come back with their verdicts."""
    done = session(pytester, """
    def test_model(mtf_gate):
        gates = mtf_gate(
            "accuracy >= 0.85", "accuracy >= 0.8 in sex=F", "accuracy >= 0.8 in worst slice of sex", "accuracy not worse than baseline",
            y_true=Y, y_pred=GOOD, slices=FRAME, baseline={"y_pred": POOR},
        )
        assert [gate.verdict for gate in gates] == ["pass"] * 4
    """)  # fmt: skip
    done.assert_outcomes(passed=1)
    done.stdout.fnmatch_lines(["*model gates*", "4 pass"])


def test_a_failing_gate_fails_with_its_reason(pytester: pytest.Pytester) -> None:
    """AssertionError with the sentence, every gate that fails, and no frame of ours in the traceback."""
    done = session(pytester, """
    def test_model(mtf_gate):
        mtf_gate("accuracy >= 0.8", "accuracy >= 0.95", "recall >= 0.97", y_true=Y, y_pred=GOOD)
    """)  # fmt: skip
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines([
        "E       AssertionError: `accuracy >= 0.95` fails: accuracy is 0.* (* to *): none of the interval is at least 0.95",
        "*`recall >= 0.97` fails: recall is *",
        "*model gates*",
        "1 pass, 2 fail",
        "fail *test_model: accuracy >= 0.95: accuracy is *",
    ])  # fmt: skip
    assert "pytest_plugin.py" not in done.stdout.str()


@pytest.mark.parametrize(
    ("options", "ini", "outcome"),
    [
        ([], "", "failed"),
        (["--mtf-inconclusive=fail"], "mtf_inconclusive = pass", "failed"),
        (["--mtf-inconclusive=skip"], "", "skipped"),
        (["--mtf-inconclusive=pass"], "", "passed"),
        ([], "mtf_inconclusive = skip", "skipped"),
        ([], "mtf_inconclusive = pass", "passed"),
    ],
)
def test_not_enough_data_is_no_pass_unless_asked(pytester: pytest.Pytester, options: list[str], ini: str, outcome: str) -> None:
    """An inconclusive gate fails its test, or does what option or ini file say, the option first; the summary tells of it always."""
    pytester.makeini(f"[pytest]\n{ini}")
    done = session(pytester, """
    def test_model(mtf_gate):
        mtf_gate("accuracy >= 0.91", y_true=Y, y_pred=GOOD)
    """, *options, "-rs")  # fmt: skip
    done.assert_outcomes(**{outcome: 1})
    done.stdout.fnmatch_lines(["*model gates*", "1 inconclusive", "inconclusive *test_model: accuracy >= 0.91: accuracy is *"])
    if outcome != "passed":
        done.stdout.fnmatch_lines(["*`accuracy >= 0.91` has not enough data: accuracy is * rows would settle it (there are 600)*"])


def test_a_failing_gate_is_never_skipped(pytester: pytest.Pytester) -> None:
    """With `skip`, a test that has an inconclusive and a failing gate fails."""
    done = session(pytester, """
    def test_model(mtf_gate):
        mtf_gate("accuracy >= 0.91", "accuracy >= 0.99", y_true=Y, y_pred=GOOD)
    """, "--mtf-inconclusive=skip")  # fmt: skip
    done.assert_outcomes(failed=1)


def test_reports_in_every_form(pytester: pytest.Pytester) -> None:
    """A report of mtf.evaluate, one read from its file, and the file's path."""
    done = session(pytester, """
    def test_model(mtf_gate, tmp_path):
        import json
        import mtf
        report = mtf.evaluate(Y, y_pred=GOOD, slices=FRAME)
        path = tmp_path / "report.json"
        path.write_text(report.to_json())
        mtf_gate(report, "accuracy >= 0.8 in worst slice of sex")
        mtf_gate(path, "accuracy >= 0.85")
        mtf_gate(json.loads(path.read_text()), "accuracy >= 0.8 in sex=F")
        mtf_gate(report, "accuracy not worse than baseline", baseline=mtf.evaluate(Y, y_pred=POOR))
    """)  # fmt: skip
    done.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ('mtf_gate("acuracy >= 0.8", y_true=Y, y_pred=GOOD)', ["*there is no metric `acuracy`*", "*fix: did you mean `accuracy`?*"]),
        ('mtf_gate("accuracy >= 0.8", y_true=Y)', ["*there are no predictions*"]),
        ('mtf_gate("accuracy >= 0.8", y_true=Y, y_pred=GOOD[1:])', ["*DataError: *"]),
        ('mtf_gate("accuracy >= 0.8")', ["*TypeError: give gates as text, and either one report or arrays by name*"]),
        ('mtf_gate(3, "accuracy >= 0.8")', ["*UsageError: this is no report*"]),
        ('mtf_gate({"run": 3}, "accuracy >= 0.8")', ["*cannot read the report: it is no report*"]),
        ('mtf_gate(__import__("pathlib").Path("none.json"), "accuracy >= 0.8")', ["*cannot read the report: No such file or directory*"]),
        ('mtf_gate.run("none.yaml")', ["*none.yaml*"]),
    ],
)
def test_a_wrong_call_is_told_without_our_frames(pytester: pytest.Pytester, call: str, told: list[str]) -> None:
    """The error of a test's author: what is wrong and what to write, not where inside it was noticed."""
    done = session(pytester, f"""
    def test_model(mtf_gate):
        {call}
    """)  # fmt: skip
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(told)
    for frame in ("pytest_plugin.py", "judging.py", "grammar.py"):
        assert frame not in done.stdout.str()


def test_a_setting_that_means_nothing_is_refused(pytester: pytest.Pytester) -> None:
    """A misspelt setting must not change what a build does."""
    pytester.makeini("[pytest]\nmtf_inconclusive = sikp")
    done = session(pytester, "")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*mtf_inconclusive takes fail, skip, pass, not 'sikp'*"])


def test_gates_are_properties_of_pytests_own_junit_file(pytester: pytest.Pytester) -> None:
    """Every gate with its verdict and reason, whatever characters it holds."""
    done = session(pytester, """
    def test_model(mtf_gate):
        mtf_gate("accuracy >= 0.8", "accuracy >= 0.91", 'f1 >= 0.5 in sex="F"', y_true=Y, y_pred=GOOD, slices=FRAME)
    """, "--junitxml=found.xml", "--mtf-inconclusive=pass")  # fmt: skip
    done.assert_outcomes(passed=1)
    root = ET.fromstring((pytester.path / "found.xml").read_text())  # noqa: S314 - our own document
    found = {one.get("name"): str(one.get("value")) for one in root.iter("property")}
    assert [str(name) for name in found] == ["mtf_gate accuracy >= 0.8", "mtf_gate accuracy >= 0.91", 'mtf_gate f1 >= 0.5 in sex="F"']
    assert found["mtf_gate accuracy >= 0.8"].startswith("pass: accuracy is ")
    assert found["mtf_gate accuracy >= 0.91"].startswith("inconclusive: accuracy is ")


def test_every_gate_is_listed_with_v(pytester: pytest.Pytester) -> None:
    """With -v gates that pass are listed too; a session without gates has no such section."""
    body = """
    def test_model(mtf_gate):
        mtf_gate("accuracy >= 0.8", y_true=Y, y_pred=GOOD)
    """
    session(pytester, body, "-v").stdout.fnmatch_lines(["*model gates*", "1 pass", "pass *::test_model: accuracy >= 0.8: accuracy is *"])
    nothing = session(pytester, "    def test_nothing():\n        pass")
    assert "model gates" not in nothing.stdout.str()


@pytest.mark.slow
def test_a_run_file_is_a_test(pytester: pytest.Pytester, root: Path) -> None:
    """`mtf_gate.run` runs a file that lies beside the test and judges its gates; one without gates tests nothing."""
    for name in ("run.yaml", "penguins.csv", "forest.skops"):
        (pytester.path / name).write_bytes((root / "examples" / "penguins" / name).read_bytes())
    text = (pytester.path / "run.yaml").read_text()
    (pytester.path / "bare.yaml").write_text(text.partition("evaluation:")[0])
    done = session(pytester, """
    def test_run(mtf_gate):
        report = mtf_gate.run("run.yaml")
        assert report.metrics["accuracy"].value > 0.9

    def test_bare(mtf_gate):
        mtf_gate.run("bare.yaml")
    """, "--mtf-inconclusive=skip", "-rs")  # fmt: skip
    done.assert_outcomes(skipped=1, failed=1)
    done.stdout.fnmatch_lines(
        ["*bare.yaml has no gates, so it tests nothing*", "2 pass, 1 inconclusive", "SKIPPED*`accuracy >= 0.97` has not enough data*"]
    )


def test_the_plugin_loads_nothing_heavy() -> None:
    """Every session of pytest pays for the plug-in, so it imports pytest alone."""
    script = (
        "import sys, mtf.pytest_plugin; print([m for m in ('numpy', 'pandas', 'pyarrow', 'scipy', 'pydantic', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=Path(mtf.__file__).parents[1])
    assert done.stdout.strip() == "[]"

"""What a person sees: numbers, tables and complaints."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtf.cli.show import comparisons_table, complain, console, gates_table, metrics_table, number, table
from mtf.contracts.problem import FieldProblem
from mtf.errors import CancelledError, DataError, SpecError


def shown(made: object) -> str:
    """What a table looks like without a terminal."""
    out = console()
    with out.capture() as kept:
        out.print(made)
    return kept.get()


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0, "0.000"), (0.98, "0.980"), (-0.5, "-0.500"), (12.3456, "12.35"), (11236.8, "11,237"), (1e-9, "1.000e-09"), (3e9, "3.000e+09")],
)  # fmt: skip
def test_a_number_keeps_what_a_person_compares(value: float | None, text: str) -> None:
    """Small ones keep three decimals, large ones lose none before the point, extreme ones get an exponent."""
    assert number(value) == text


@given(st.floats(min_value=-1e300, max_value=1e300))
def test_a_number_reads_back(value: float) -> None:
    """Whatever the size, what is shown is the value to its shown digits."""
    assert float(number(value).replace(",", "")) == pytest.approx(value, rel=6e-3, abs=6e-4)


def test_a_table_shows_every_cell() -> None:
    """Missing cells are empty, long ones fold and lose nothing."""
    text = shown(table(("name", "value"), [("a", 1), ("b", None), ("x" * 300, 2)], right=("value",)))
    assert text.count("x") == 300
    assert "None" not in text


def test_markup_of_strangers_is_text() -> None:
    """Square brackets in a gate's reason or a metric's remark are shown as they are."""
    gate = {"expression": "f1 >= 0.8 in a=[bold]b", "verdict": "pass", "reason": "[red]because"}
    assert "[bold]b" in shown(gates_table([gate]))
    metric = {"value": None, "lower": None, "upper": None, "level": None, "method": "none", "n": 3, "undefined": "no [class] here"}
    assert "no [class] here" in shown(metrics_table({"metrics": {"f1": metric}}))


def test_metrics_have_intervals_and_reasons() -> None:
    """The interval's level stands in the head; an unreliable value says why."""
    metric = {"value": 0.9, "lower": 0.8, "upper": 0.95, "level": 0.9, "method": "wilson", "n": 1234, "reason": "few rows"}
    text = shown(metrics_table({"metrics": {"accuracy": metric}}))
    for word in ("90% interval", "0.800 to 0.950", "wilson", "1,234", "few rows"):
        assert word in text


def test_comparisons_show_the_adjusted_p() -> None:
    """The adjusted p-value is shown where there is one, else the plain one; nothing where the difference is undefined."""
    base = {"metric": "f1", "difference": 0.01, "lower": 0.0, "upper": 0.02, "p_value": 0.03, "sentence": "in words"}
    assert "0.060" in shown(comparisons_table([{**base, "p_adjusted": 0.06}]))
    assert "0.030" in shown(comparisons_table([{**base, "p_adjusted": None}]))
    bare = {"metric": "f1", "difference": None, "sentence": "", "undefined": "one class"}
    assert "one class" in shown(comparisons_table([bare]))


def test_a_complaint_is_a_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """What, in which stage, field, found and fix; brackets of the user are text."""
    complain(DataError("wrong [x]", field="dataset.target", found="[y]", fix="write [z]", stage="processing"))
    assert capsys.readouterr().err.splitlines() == [
        "error in processing: wrong [x]",
        "  field: dataset.target",
        "  found: [y]",
        "  fix: write [z]",
    ]
    complain(CancelledError("run x was cancelled"))
    assert capsys.readouterr().err == "interrupted: run x was cancelled\n"


def test_many_wrong_fields_fit_a_screen(capsys: pytest.CaptureFixture[str]) -> None:
    """Eight fields are listed, the others counted."""
    fields = [FieldProblem(field=f"f{index}", message="is wrong") for index in range(11)]
    complain(SpecError("11 fields are wrong", errors=fields))
    lines = capsys.readouterr().err.splitlines()
    assert sum("is wrong" in line for line in lines) == 8
    assert lines[-1].strip() == "… and 3 more"


def test_five_thousand_characters_are_cut_once() -> None:
    """A long value keeps the length that it had, however often it travels."""
    once = SpecError("x", found="n" * 5000).found
    assert once is not None
    assert once.endswith("… (5,000 characters)")
    assert SpecError("x", found=once).found == once
    assert json.loads(SpecError("x", found=once).problem().model_dump_json())["found"] == once

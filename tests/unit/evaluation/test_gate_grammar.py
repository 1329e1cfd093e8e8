"""The language of gates."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtf.contracts.stages import Term
from mtf.errors import SpecError
from mtf_evaluation.gates.grammar import parse, unparse

KNOWN = ["accuracy", "ece", "f1", "log_loss", "roc_auc"]

_words = st.text(min_size=1, max_size=20)
_terms = st.builds(
    Term,
    expression=st.just(""),
    metric=st.sampled_from(KNOWN),
    operator=st.sampled_from([">=", ">", "<=", "<"]),
    bound=st.floats(allow_nan=False, allow_infinity=False),
    where=st.dictionaries(_words, _words, max_size=3),
)
_parts = _terms.flatmap(
    lambda term: st.sampled_from([{}, {"point": True}, {"limit": "lower"}, {"limit": "upper"}]).map(
        lambda more: term.model_copy(update=more)
    )
)
_margins = st.builds(
    Term,
    expression=st.just(""),
    metric=st.sampled_from(KNOWN),
    operator=st.just("not_worse"),
    bound=st.floats(min_value=0, allow_nan=False, allow_infinity=False),
    where=st.dictionaries(_words, _words, max_size=3),
)
_worst = st.lists(_words, min_size=1, max_size=3, unique=True).flatmap(
    lambda columns: (_parts | _margins).map(lambda term: term.model_copy(update={"where": {}, "worst": columns}))
)


@given(_parts | _margins | _worst)
def test_what_is_written_is_read_back(term: Term) -> None:
    """Every term survives being written and parsed, whatever its slice is called."""
    text = unparse(term)
    assert parse(text, KNOWN) == term.model_copy(update={"expression": text.strip()})


@given(st.text(max_size=60))
def test_any_text_is_a_gate_or_a_spec_error(text: str) -> None:
    """No text makes the parser fail in another way than it promises."""
    with contextlib.suppress(SpecError):
        assert parse(text, KNOWN, field="evaluation.gates[0]").metric in KNOWN


@pytest.mark.parametrize(
    ("text", "metric", "operator", "bound", "point", "where"),
    [
        ("accuracy >= 0.90", "accuracy", ">=", 0.9, False, {}),
        ("accuracy>=.9", "accuracy", ">=", 0.9, False, {}),
        ("  log_loss  <  1e-1 ", "log_loss", "<", 0.1, False, {}),
        ("f1 >= 0.80 in sex=FEMALE", "f1", ">=", 0.8, False, {"sex": "FEMALE"}),
        ("f1 > 0.8 IN sex = Female , island=Biscoe", "f1", ">", 0.8, False, {"sex": "Female", "island": "Biscoe"}),
        ("point(ece) <= 0.05", "ece", "<=", 0.05, True, {}),
        ("point ( ece ) <= 0.05 in age band=30-50", "ece", "<=", 0.05, True, {"age band": "30-50"}),
        ("log_loss not worse than baseline", "log_loss", "not_worse", 0.0, False, {}),
        ("log_loss not worse than baseline by 0.01 in a=b", "log_loss", "not_worse", 0.01, False, {"a": "b"}),
        ("""f1 >= 0 in "a=b"='x, y', c="say \\"so\\"" """, "f1", ">=", 0.0, False, {"a=b": "x, y", "c": 'say "so"'}),
        ("roc_auc <= -0.5", "roc_auc", "<=", -0.5, False, {}),
        ("f1( class = Adelie ) >= 0.5 in sex=F", "f1(class=Adelie)", ">=", 0.5, False, {"sex": "F"}),
        ("point(f1(class='a, b)')) >= 0.5", 'f1(class="a, b)")', ">=", 0.5, True, {}),
        ("f1 >= 0.5 in worst=1", "f1", ">=", 0.5, False, {"worst": "1"}),
        ('f1 >= 0.5 in "worst slice of x"=1', "f1", ">=", 0.5, False, {"worst slice of x": "1"}),
    ],
)
def test_a_gate_is_understood(*, text: str, metric: str, operator: str, bound: float, point: bool, where: dict[str, str]) -> None:
    """Each form of the grammar means what the documentation says."""
    term = parse(text, KNOWN)
    assert (term.metric, term.operator, term.bound, term.point, term.where) == (metric, operator, bound, point, where)
    assert term.expression == text.strip()


@pytest.mark.parametrize(
    ("text", "operator", "limit", "worst"),
    [
        ("accuracy >= 0.8 in worst slice of sex", ">=", None, ["sex"]),
        ("accuracy >= 0.8 in Worst  Slice of sex , 'age, band'", ">=", None, ["sex", "age, band"]),
        ("accuracy not worse than baseline by 0.1 in worst slice of sex", "not_worse", None, ["sex"]),
        ("lower(accuracy) >= 0.8", ">=", "lower", []),
        ("upper ( accuracy ) < 0.8 in worst slice of sex", "<", "upper", ["sex"]),
    ],
)
def test_limits_and_worst_slices_are_understood(text: str, operator: str, limit: str | None, worst: list[str]) -> None:
    """A gate may judge one limit of the interval, and demand its bound of every slice of some columns."""
    term = parse(text, KNOWN)
    assert (term.metric, term.operator, term.limit, term.worst, term.where) == ("accuracy", operator, limit, worst, {})


@pytest.mark.parametrize(
    ("text", "message", "fix"),
    [
        ("", "the gate is empty", "a gate reads"),
        ("   ", "the gate is empty", "a gate reads"),
        ("accuracy", "character 9: expected `>=`, `<=`, `>`, `<`, or `not worse than baseline`, found the end", "a gate reads"),
        ("acuracy >= 0.9", "there is no metric `acuracy`", "did you mean `accuracy`?"),
        ("acc >= 0.9", "there is no metric `acc`", "did you mean `accuracy`?"),
        ("point(zzz) >= 0.9", "there is no metric `zzz`", "known: accuracy"),
        ("accuracy = 0.9", "character 10: expected `>=`, `<=`, `>`, `<`, found `=`", "demand a bound"),
        ("accuracy == 0.9", "found `==`", "demand a bound"),
        ("accuracy => 0.9", "found `=>`", "write `>=`"),
        ("accuracy ≥ 0.9", "found `≥`", "write `>=`"),
        ("accuracy >= 90%", "character 15: expected a plain number, found `%`", "write 0.9 instead of 90%"),
        ("accuracy >= ", "expected a number, found the end", "a gate reads"),
        ("accuracy >= high", "character 13: expected a number, found `high`", "a gate reads"),
        ("accuracy >= 0.9x", "expected a number, found `0.9x`", "a gate reads"),
        ("accuracy >= 1e999", "expected a finite number", "a gate reads"),
        ("accuracy >= 0.9 in", "expected a column", "a gate reads"),
        ("accuracy >= 0.9 in sex", "expected `=` and a value behind the column `sex`", "a gate reads"),
        ("accuracy >= 0.9 in sex=", "expected a value of `sex`", "a gate reads"),
        ("accuracy >= 0.9 in sex=F,", "expected a column", "a gate reads"),
        ("accuracy >= 0.9 in sex=F and age=2", "expected a comma or the end of the gate, found `=2`", "commas"),
        ("accuracy >= 0.9 in sex=F, sex=M", "a column that the slice does not name yet", "name `sex` once"),
        ('accuracy >= 0.9 in sex="F" M', "expected a comma or the end of the gate, found `M`", "commas"),
        ('accuracy >= 0.9 in sex="F', 'expected a closing ", found `"F`', "close the quotation mark"),
        ("accuracy >= 0.9 please", "expected `in column=value` or the end of the gate", "a gate reads"),
        ("accuracy not good", "expected `worse` of `not worse than baseline`, found `good`", "a gate reads"),
        ("accuracy not worse than zero", "expected `baseline` of", "a gate reads"),
        ("accuracy not worse than baseline by", "expected a number, the margin", "a gate reads"),
        ("accuracy not worse than baseline by -0.1", "a margin of at least 0", "write `by 0.1`"),
        ("point(f1) not worse than baseline", "expected `>=`, `<=`, `>`, `<`, found `not`", "a gate reads"),
        ("point accuracy > 3", "expected `(` behind `point`", "point(metric)"),
        ("point(ece <= 3", "character 11: expected `)`", "a gate reads"),
        (
            "mean(ece) <= 3",
            "the gate `mean(ece) <= 3` stops making sense at character 9: expected `=` and the value of `ece`",
            "a metric reads",
        ),
        (
            "upper(f1(beta=) > 3",
            "the gate `upper(f1(beta=) > 3` stops making sense at character 15: expected a value, found `)`",
            "a metric reads",
        ),
        ("f1(class=*) > 0.5", "character 12: expected one class", "a gate for each class"),
        ("lower(f1) not worse than baseline", "expected `>=`, `<=`, `>`, `<`, found `not`", "a gate reads"),
        ("lower f1 >= 0.5", "expected `(` behind `lower`", "`lower(metric)` to judge the lower limit"),
        ("f1 >= 0.5 in worst slice of", "expected a column, as in `in worst slice of column`, found the end", "a gate reads"),
        ("f1 >= 0.5 in worst slice of a, a", "character 32: expected a column that is not named yet", "name `a` once"),
        ("f1 >= 0.5 in worst slice of a=b", "expected a comma or the end of the gate, found `=b`", "columns without values"),
        ("f1 >= 0.5 in worst slice of 'a' b", "expected a comma or the end of the gate, found `b`", "commas"),
        ("7 >= 3", "character 1: expected the name of a metric", "a gate reads"),
        ("x" * 2000, "at most 1,000 characters", "a gate reads"),
    ],
)
def test_a_mistake_is_located_and_mended(text: str, message: str, fix: str) -> None:
    """The error says where the gate stops making sense, what was expected there, and what to write."""
    with pytest.raises(SpecError) as caught:
        parse(text, KNOWN, field="evaluation.gates[1]")
    assert caught.value.field == "evaluation.gates[1]"
    assert message in caught.value.message
    assert fix in str(caught.value.fix)

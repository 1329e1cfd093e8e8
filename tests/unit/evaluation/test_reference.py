"""How a metric is named, with arguments and for one class."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mtf
from mtf.errors import SpecError
from mtf.plugins import Sample
from mtf_evaluation import measure
from mtf_evaluation.catalogue import metric_name
from mtf_evaluation.gates.grammar import parse
from mtf_evaluation.reference import Reference, read
from tests.unit.evaluation import samples

_WORDS = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), min_size=1, max_size=12).filter(lambda text: text != "*")


@given(
    st.dictionaries(
        st.from_regex(r"\A[a-z]{1,6}\Z").filter(lambda name: name != "class"), st.integers() | st.floats(0.01, 1e6), max_size=3
    ),
    st.none() | _WORDS,
)
def test_the_canonical_text_names_the_same_metric(args: dict[str, float], of_class: str | None) -> None:
    """Whatever the arguments and the class, reading what was written gives the reference back."""
    reference = Reference("f_beta", args, of_class)
    assert read(str(reference)) == reference


@pytest.mark.parametrize("text", ["", "f1(", "f1()", "f1(a)", "f1(a=)", "f1(a=1", "f1(a=1 b=2)", "f1(a=1,a=2)", "f1 f2", "f1(class='x)"])
def test_a_text_that_is_no_metric_is_refused(text: str) -> None:
    """The error shows where the text stops making sense."""
    with pytest.raises(SpecError, match="stops making sense"):
        read(text)


def test_a_metric_of_one_class_is_that_metric_on_two_classes() -> None:
    """`f1(class=b)` of three classes is F1 of b against the rest, interval included; `class=*` is every class."""
    sample = samples.multiclass(200, k=3, seed=1)
    found = measure.measure(sample, ["f1(class=*)"])
    names = [f"f1(class={label})" for label in sample.labels]
    assert list(found) == names
    for code, name in enumerate(names):
        one = Sample("binary", (sample.target == code).astype(np.int32), (sample.prediction == code).astype(np.int32), labels=(False, True))
        assert found[name] == measure.measure(one, ["f1"])["f1"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("f1(class=nobody)", "no label"),
        ("f1(beta=2)", "no argument `beta`"),
        ("mae(class=a)", "no metric of one class"),
        ("f1", "does not apply to a multiclass task"),
    ],
)
def test_a_wrong_metric_is_told_by_name(text: str, words: str) -> None:
    """A class that is no label, an argument that does not exist, a metric that knows no class."""
    with pytest.raises(SpecError, match=words):
        measure.measure(samples.multiclass(50, k=3, seed=1), [text])


def test_a_gate_names_a_metric_with_arguments() -> None:
    """The gate's metric is the canonical text; a gate about every class at once is refused."""
    assert parse('precision( class = "b c" ) >= 0.5 in sex=F').metric == "precision(class=b c)"
    with pytest.raises(SpecError, match="one class"):
        parse("precision(class=*) >= 0.5")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("f_beta(beta=2)", "f_beta(beta=2)"),
        ("f_beta( beta = 2.0 )", "f_beta(beta=2)"),
        ("lift(share=0.10)", "lift"),
        ("pinball(quantile=.9)", "pinball(quantile=0.9)"),
    ],
)
def test_a_metric_is_called_as_its_user_wrote_it(text: str, name: str) -> None:
    """A whole number stays whole, and what is the default anyway is left out."""
    assert metric_name(text) == name


def test_a_report_finds_a_metric_however_it_is_spelt() -> None:
    """Asked for in another spelling, in a slice too, the value is found; for what was not measured the error says what was."""
    truth, score = np.arange(60) % 2, np.arange(60) / 60
    report = mtf.evaluate(truth, y_score=score, metrics=["lift(share=0.10)", "f_beta(beta=2)"], slices={"half": np.arange(60) < 30})
    assert list(report.metrics) == ["lift", "f_beta(beta=2)"]
    assert report.metrics["lift(share=0.1)"] is report.metrics["lift"]
    assert report.slices[0].metrics["f_beta(beta=2.0)"] is report.slices[0].metrics["f_beta(beta=2)"]
    for text in ("accuracy", "no metric at all"):
        with pytest.raises(KeyError, match="was not measured; there are lift"):
            report.metrics[text]

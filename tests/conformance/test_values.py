"""Every built-in metric against an independent definition, on every shape of data."""

from __future__ import annotations

import pytest

from tests.conformance.reference import TOLERANCE
from tests.conformance.run import REFERENCES, cases, lacking
from tests.conformance.shapes import SHAPES


def test_every_built_in_metric_has_a_reference() -> None:
    """A metric that nobody but us defines is not released: add it to labels.py, scores.py or numbers.py."""
    assert not lacking()


@pytest.mark.parametrize(("task", "metric"), [(task, metric) for task, found in REFERENCES.items() for metric in found])
def test_value_is_that_of_the_reference(task: str, metric: str) -> None:
    """The relative difference is below 1e-10 on every shape, and both have no value on the same ones."""
    found = [case for case in cases() if case.task == task and case.metric == metric]
    assert len(found) == len(SHAPES[task])
    assert not [(case.shape, case.ours, case.theirs) for case in found if not case.apart < TOLERANCE]


@pytest.mark.parametrize("task", sorted(REFERENCES))
def test_references_have_values_to_compare(task: str) -> None:
    """No metric conforms by being undefined everywhere."""
    for metric in REFERENCES[task]:
        assert any(case.theirs is not None for case in cases() if case.task == task and case.metric == metric), metric

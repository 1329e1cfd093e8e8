"""What may be compared, what runs are called, and in what their rows differ."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mtf.errors import SpecError
from mtf_gateway.comparison import MOST, ask, labels_of
from mtf_gateway.compose import rows_facts, rows_key
from mtf_gateway.rowsets import RowSet, differences, same_ids
from tests.unit.gateway.application import Bench, bench
from tests.unit.gateway.fakes import SPEC
from tests.unit.gateway.test_compose import done, plan

FACTS = {
    "data": "d1", "steps": [{"name": "split", "args": {"test": 0.3, "stratify": False, "by": None}}], "recipe": None, "seed": 1,
    "target": "y", "id": None, "rows": 30, "total": 100,
}  # fmt: skip


def rows(dataset: str = "adult@1", **changes: Any) -> RowSet:
    """A run's rows."""
    return RowSet("run", dataset, FACTS | changes)


# The question


def test_two_runs_and_a_baseline() -> None:
    """A baseline is one of the runs or joins them; without one every two are compared."""
    assert ask(["a", "b", "c"]).against is None
    assert ask(["a", "b"], baseline="b") == ask(["a"], baseline="b")
    found = ask(["a", "b"], baseline="c", metrics=["f1"], paired=False)
    assert (found.ids, found.against, found.metrics, found.paired) == (("a", "b", "c"), 2, ("f1",), False)
    assert ask(["a", "a"]).ids == ("a", "a")


@pytest.mark.parametrize(
    ("runs", "more", "field"),
    [
        ([], {}, "runs"),
        (["a"], {}, "runs"),
        (["a"], {"baseline": "a"}, "runs"),
        ([str(place) for place in range(MOST + 1)], {}, "runs"),
        (["a", "b", "a"], {}, "runs"),
        (["a", "b"], {"metrics": []}, "metrics"),
    ],
)
def test_a_senseless_question_is_refused(runs: list[str], more: dict[str, Any], field: str) -> None:
    """One run, too many, one named twice among others, no metric: the error names the field."""
    with pytest.raises(SpecError) as caught:
        ask(runs, **more)
    assert caught.value.field == field


def test_runs_of_one_name_are_told_apart_by_their_ids() -> None:
    """A label is the name, with the end of the id where two have the same; the same run twice still has two labels."""
    ids = ["0" * 20 + end for end in ("aaaaaa", "bbbbbb", "cccccc")]
    found = labels_of([{"name": name, "id": one} for name, one in zip(["forest", "forest", "boost"], ids, strict=True)])  # type: ignore[list-item]  # as rows
    assert found == ["forest (aaaaaa)", "forest (bbbbbb)", "boost"]
    twice = labels_of([{"name": "forest", "id": ids[0]}] * 2)  # type: ignore[list-item]  # as rows
    assert len(set(twice)) == 2


# The rows


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dataset": "adult@2", "data": "d2"}, "the dataset (adult@2 instead of adult@1)"),
        ({"data": "d2"}, "the content of adult@1, which changed between the runs"),
        ({"target": "z"}, "the target column (z instead of y)"),
        ({"id": "key"}, "the id column (key instead of none)"),
        ({"steps": []}, "the steps that choose rows (none instead of split(test=0.3))"),
        ({"seed": 2}, "the seed (2 instead of 1)"),
        ({"recipe": "r"}, "the recipe"),
        ({"rows": 29}, "the number of rows (29 instead of 30)"),
    ],
)
def test_each_difference_has_its_words(changes: dict[str, Any], words: str) -> None:
    """What makes rows others is said once, in the user's words."""
    assert differences(rows(), rows(**changes)) == [words]


def test_equal_rows_differ_in_nothing() -> None:
    """No difference, no words; several are all told."""
    assert differences(rows(), rows()) == []
    assert len(differences(rows(), rows("adult@2", data="d2", target="z", seed=2))) == 3


def test_ids_name_rows_within_a_version_or_by_one_column() -> None:
    """Positions mean the same row in the same version only; an id column does so across versions."""
    assert same_ids(rows(), rows())
    assert not same_ids(rows(), rows(data="d2"))
    assert same_ids(rows(id="key"), rows(id="key", data="d2"))
    assert not same_ids(rows(id="key"), rows(id="other", data="d2"))


def test_the_key_is_made_of_what_is_told() -> None:
    """Two runs have the same key exactly when no fact about their rows differs."""
    other = done(processing={"rows": {"test": 4, "total": 10}})
    assert rows_facts(plan(), done()) == rows_facts(plan(), done())
    assert (rows_key(plan(), done()) == rows_key(plan(), other)) == (rows_facts(plan(), done()) == rows_facts(plan(), other))
    assert set(rows_facts(plan(), done())) == set(FACTS)


# The route


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Bench]:
    """A gateway with three runs."""
    with bench(tmp_path) as opened:
        for _ in range(3):
            opened.http.post("/v1/runs", json=SPEC)
        yield opened


def test_many_runs_are_compared(gateway: Bench) -> None:
    """Every two, by the metrics named; with a baseline the answer names it; unpaired is asked for by name."""
    answer = gateway.http.post("/v1/comparisons", json={"runs": ["run1", "run2", "run3"], "metrics": ["accuracy", "f_beta(beta=2)"]}).json()
    assert [one["id"] for one in answer["runs"]] == ["run1", "run2", "run3"]
    assert (answer["run"], answer["baseline"], answer["paired"]) == ("run1", "", True)
    assert "f_beta(beta=2)" in answer["family"]
    answer = gateway.http.post("/v1/comparisons", json={"runs": ["run1", "run2"], "baseline": "run3", "paired": False}).json()
    assert (answer["baseline"], answer["paired"], len(answer["runs"])) == ("run3", False, 3)


def test_the_short_form_still_works(gateway: Bench) -> None:
    """`{run, baseline}` is two runs, the first minus the second."""
    answer = gateway.http.post("/v1/comparisons", json={"run": "run2", "baseline": "run1"}).json()
    assert (answer["run"], answer["baseline"]) == ("run2", "run1")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "runs"),
        ({"runs": ["run1"]}, 422, "runs"),
        ({"runs": [f"run{place}" for place in range(21)]}, 422, "runs"),
        ({"runs": ["run1", "run2", "run1"]}, 422, "runs"),
        ({"run": "run1", "runs": ["run1", "run2"]}, 422, "run"),
        ({"run": "run1"}, 422, "runs"),
        ({"runs": ["run1", "run2"], "metrics": []}, 422, "metrics"),
        ({"runs": ["run1", "run2"], "metric": ["f1"]}, 422, "metric"),
        ({"runs": ["run1", "run2"], "paired": "maybe"}, 422, "paired"),
        ({"runs": ["run1", "run9"]}, 404, "run_id"),
        ({"runs": ["run1", "a\0"]}, 422, "runs[1]"),
    ],
)
def test_a_wrong_request_names_its_field(gateway: Bench, body: dict[str, Any], status: int, field: str) -> None:
    """Each mistake is a problem document with the field that is wrong."""
    answer = gateway.http.post("/v1/comparisons", json=body)
    assert (answer.status_code, answer.json()["field"]) == (status, field)

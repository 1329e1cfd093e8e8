"""Slices as a run file writes them: what is accepted, what is refused, and what processing is told."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from mtf.contracts.run import EvaluationSpec
from mtf.contracts.slices import SlicePart
from mtf.errors import SpecError
from mtf_evaluation.declared import labels
from mtf_evaluation.stage import STAGE


def needs(slices: list[Any], gates: list[str] | None = None) -> dict[str, Any]:
    """What processing is told."""
    found: dict[str, Any] = STAGE.validate({"evaluation": {"slices": slices, "gates": gates or []}}).spec["needs"]
    return found


def test_every_form_is_written_out() -> None:
    """Plain columns stay texts; everything else becomes a part with its columns."""
    spec = STAGE.validate(
        {
            "evaluation": {
                "slices": [
                    "sex",
                    {"column": "sex"},
                    {"column": "age", "bins": [18, 30.5]},
                    {"column": "at", "bins": [date(2024, 1, 1), datetime(2024, 6, 1, 12, tzinfo=UTC)]},
                    ["sex", {"column": "age", "quantiles": 4}],
                    {"column": "country", "values": ["DE", 1.0, True, "DE"]},
                    {"where": "age>=65 and b is missing", "name": "old  people"},
                    {"where": "age>=65"},
                ]
            }
        }
    ).spec
    found = [[part if isinstance(part, str) else SlicePart.model_validate(part) for part in cross] for cross in spec["slices"]]
    assert found == [
        ["sex"],
        [SlicePart(name="age", kind="bins", columns=["age"], edges=[18, 30.5])],
        [SlicePart(name="at", kind="bins", columns=["at"], edges=["2024-01-01", "2024-06-01T12:00:00+00:00"])],
        ["sex", SlicePart(name="age", kind="quantiles", columns=["age"], quantiles=4)],
        [SlicePart(name="country", kind="values", columns=["country"], values=["DE", "1", "true"])],
        [SlicePart(name="old people", kind="condition", columns=["age", "b"], condition="age >= 65 and b is missing")],
        [SlicePart(name="age >= 65", kind="condition", columns=["age"], condition="age >= 65")],
    ]


@pytest.mark.parametrize(
    ("form", "field", "told"),
    [
        ({"column": "a", "bins": [3, 1]}, "evaluation.slices[0].bins", "must rise"),
        ({"column": "a", "bins": [1, 1]}, "evaluation.slices[0].bins", "must rise"),
        ({"column": "a", "bins": []}, "evaluation.slices[0].bins", "at least one edge"),
        ({"column": "a", "bins": [1, float("inf")]}, "evaluation.slices[0].bins", "infinite"),
        ({"column": "a", "bins": [1, date(2024, 1, 1)]}, "evaluation.slices[0].bins", "all numbers or all times"),
        ({"column": "a", "bins": [1], "quantiles": 3}, "evaluation.slices[0]", "one way"),
        ({"where": "a = 1", "column": "a"}, "evaluation.slices[0]", "one of the two"),
        ({"where": "a = 1", "bins": [1]}, "evaluation.slices[0]", "a slice of its own"),
        ({"column": "a", "name": "x"}, "evaluation.slices[0]", "belongs to `where`"),
        ({"where": "a = 1", "name": "a"}, "evaluation.slices[0].name", "a column already"),
        ({"where": "a = "}, "evaluation.slices[0].where", "at character 5"),
        (["a", {"column": "a", "bins": [1]}], "evaluation.slices[0]", "each column once"),
    ],
)
def test_what_makes_no_sense_is_refused(form: Any, field: str, told: str) -> None:
    """The error names the entry and says what is wrong, before any data is read."""
    with pytest.raises(SpecError) as caught:
        STAGE.validate({"evaluation": {"slices": [form]}})
    assert told in caught.value.message
    assert caught.value.field == field


def test_two_conditions_of_one_name_are_refused() -> None:
    """A name is one condition; the same condition may stand in several crosses."""
    same = {"where": "a = 1", "name": "x"}
    assert len(STAGE.validate({"evaluation": {"slices": [same, ["sex", same]]}}).spec["slices"]) == 2
    with pytest.raises(SpecError, match="two conditions are called `x`"):
        STAGE.validate({"evaluation": {"slices": [same, {"where": "a = 2", "name": "x"}]}})


def test_processing_is_told_what_to_carry_and_what_to_look_at() -> None:
    """Columns of conditions are carried, their names are not; labels of bins are no values of the data."""
    slices = [
        {"column": "age", "bins": [18, 30]},
        {"column": "income", "quantiles": 4},
        {"where": "hours > 40 and sex = 'F'", "name": "busy"},
        {"column": "country", "values": ["DE"]},
    ]
    gates = [
        "f1 > 0.5 in busy",
        "f1 > 0.5 in age=[18, 30), town=Ulm",
        "f1 > 0.5 in income=Q1",
        "f1 > .5 in age=below 18",
        "f1 > .5 in age=7",
    ]
    found = needs(slices, gates)
    assert found["columns"] == ["age", "income", "hours", "sex", "country", "town"]
    assert found["values"] == {"town": ["Ulm"], "age": ["7"]}
    asked = {(one["column"], one["field"]): (one["kinds"], one["values"]) for one in found["demands"]}
    assert asked["age", "evaluation.slices[0].bins"] == (["integer", "float", "decimal"], [])
    assert asked["income", "evaluation.slices[1].quantiles"][0][-1] == "time"
    assert asked["hours", "evaluation.slices[2].where"][1] == []
    assert asked["sex", "evaluation.slices[2].where"] == (["text"], ["F"])
    assert asked["country", "evaluation.slices[3].values"] == ([], ["DE"])


def test_a_gate_names_a_condition_without_a_value() -> None:
    """`in seniors` stands for `seniors=true`; a name that is not declared still needs a value."""
    slices = [{"where": "age >= 65", "name": "seniors"}]
    spec = STAGE.validate({"evaluation": {"slices": slices, "gates": ["f1 > 0.5 in seniors, sex=F"]}}).spec
    assert spec["gates"][0]["where"] == {"seniors": "true", "sex": "F"}
    with pytest.raises(SpecError, match="`=` and a value behind the column `juniors`"):
        STAGE.validate({"evaluation": {"slices": slices, "gates": ["f1 > 0.5 in juniors"]}})


def test_the_worst_slice_is_of_the_declared_bins() -> None:
    """A column that is declared by bins alone is meant by its bins, also across with another."""
    slices = [{"column": "age", "bins": [30]}]
    spec = STAGE.validate({"evaluation": {"slices": slices, "gates": ["f1 > 0.1 in worst slice of age, sex"]}}).spec
    assert [part if isinstance(part, str) else part["kind"] for part in spec["slices"][1]] == ["bins", "sex"]
    assert len(spec["slices"]) == 2


@pytest.mark.parametrize(
    ("written", "value", "same"),
    [
        ("[18,30)", "[18, 30)", True),
        ("[18, 30]", "[18, 30)", False),
        ("Q1", "Q1 [2, 5)", True),
        ("Q1", "Q10 [2, 5)", False),
        ("below 18", "below 18", True),
        ("true", True, True),
        ("1.0", 1, True),
        ("a b", "ab", False),
    ],
)
def test_labels_mean_what_they_say(written: str, value: Any, same: bool) -> None:
    """Blanks inside an interval do not matter, and `Q1` is enough for a quantile."""
    assert labels.means(written, value) is same


def test_the_schema_describes_the_forms() -> None:
    """`mtf schema run` tells an editor of bins, quantiles, values and conditions."""
    schema = EvaluationSpec.model_json_schema()
    assert set(schema["$defs"]["SliceSpec"]["properties"]) == {"column", "bins", "quantiles", "values", "where", "name"}
    assert schema["properties"]["slice_min_rows"]["default"] == 10

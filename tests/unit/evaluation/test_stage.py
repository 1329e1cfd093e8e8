"""What can be said of an `evaluation` section without the data."""

import subprocess
import sys

import pytest

from mtf.contracts.stages import EvaluateSpec
from mtf.errors import SpecError
from mtf.plugins import SourceContext, load, names
from mtf_evaluation import catalogue
from mtf_evaluation.stage import STAGE


def refused(section: dict[str, object]) -> SpecError:
    """The error for a section."""
    with pytest.raises(SpecError) as caught:
        STAGE.validate({"evaluation": section})
    return caught.value


def test_a_section_is_written_out() -> None:
    """Slices become lists, gates become terms, repetitions vanish, and versions of what is named come along."""
    found = STAGE.validate(
        {
            "evaluation": {
                "task": "binary",
                "metrics": ["accuracy", "f1", "accuracy"],
                "slices": ["sex", ["sex", "age"], ["age", "sex"]],
                "gates": ["accuracy >= 0.9 in sex=F"],
                "level": 0.9,
            }
        }
    )
    spec = EvaluateSpec.model_validate(found.spec)
    assert spec.metrics == ["accuracy", "f1"]
    assert spec.slices == [["sex"], ["sex", "age"]]
    assert spec.gates[0].where == {"sex": "F"}
    assert (spec.level, spec.task) == (0.9, "binary")
    assert set(found.versions) == {"metric:accuracy", "metric:f1", "numpy", "report", "scipy"}


def test_an_empty_section_is_fine() -> None:
    """Everything has a default; the task decides the metrics later."""
    assert STAGE.validate({}).spec == {
        "metrics": None,
        "slices": [],
        "slice_min_rows": 10,
        "gates": [],
        "level": 0.95,
        "needs": {"columns": [], "values": {}, "demands": []},
    }


@pytest.mark.parametrize(
    ("section", "field", "message", "fix"),
    [
        ({"metrics": ["acuracy"]}, "evaluation.metrics[0]", "no metric `acuracy`", "`accuracy`"),
        ({"metrics": []}, "evaluation.metrics", "no metric is named", "leave `metrics` out"),
        ({"task": "regression", "metrics": ["mae", "f1"]}, "evaluation.metrics[1]", "`f1` does not apply", "mae"),
        ({"task": "regression", "gates": ["f1 >= 0.5"]}, "evaluation.gates[0]", "`f1` does not apply", "mae"),
        ({"slices": [[]]}, "evaluation.slices[0]", "at least one column", "a column"),
        ({"slices": ["a", ["b", "b"]]}, "evaluation.slices[1]", "each column once", "['b']"),
        ({"gates": ["f1 >= 0.5", "accuracy = 1"]}, "evaluation.gates[1]", "character 10", "demand a bound"),
        ({"gates": ["log_loss not worse than baseline"]}, "evaluation.gates[0]", "needs a baseline", "add `baseline:`"),
        ({"gates": ["ece <= 0.05"]}, "evaluation.gates[0]", "has no interval", "write `point(ece) <= 0.05`"),
        ({"gates": ["max_error <= 5"]}, "evaluation.gates[0]", "has no interval", "write `point(max_error) <= 5`"),
        ({"baseline": "x", "gates": ["bias not worse than baseline"]}, "evaluation.gates[0]", "no better direction", "bounds"),
        ({"baseline": "x", "gates": ["ece not worse than baseline"]}, "evaluation.gates[0]", "no paired test", "`point(ece) <= 0.05`"),
        ({"gates": ["accuracy >= 90"]}, "evaluation.gates[0]", "lies between 0 and 1", "write 0.9"),
        ({"gates": ["mcc >= -7"]}, "evaluation.gates[0]", "lies between -1 and 1", "choose a bound"),
        ({"gates": ["mae >= -7"]}, "evaluation.gates[0]", "is at least 0", "choose a bound"),
        ({"level": 2}, "evaluation.level", "less than 1", "mtf schema run"),
        ({"gate": []}, "evaluation.gate", "there is no key `gate`", "did you mean `gates`?"),
    ],
)
def test_a_mistake_is_named(section: dict[str, object], field: str, message: str, fix: str) -> None:
    """The error says which field, what is wrong with it, and what to write instead."""
    error = refused(section)
    assert error.field == field
    assert message in error.message
    assert fix in str(error.fix)


def test_every_wrong_gate_is_told_at_once() -> None:
    """A user mends all gates in one go."""
    error = refused({"gates": ["acuracy > 0.5", "f1 > 0.5", "ece < 0.1"]})
    assert [one.field for one in error.errors] == ["evaluation.gates[0]", "evaluation.gates[2]"]


def test_metrics_slices_and_gates_are_told_together() -> None:
    """Wrong metrics hide no wrong slice and no wrong gate: one error lists them all, and its head is the first."""
    error = refused({"metrics": ["acuracy", "f1", "f_beta(gamma=1)"], "slices": [[]], "gates": ["f1 > 0.5", "f1 = 1", "ece < 0.1"]})
    fields = ["evaluation.metrics[0]", "evaluation.metrics[2]", "evaluation.slices[0]", "evaluation.gates[1]", "evaluation.gates[2]"]
    assert [one.field for one in error.errors] == fields
    assert (error.field, error.message) == (fields[0], error.errors[0].message)
    assert all(one.fix for one in error.errors)


def test_columns_of_worst_slices_are_carried() -> None:
    """A column that only `worst slice of` names becomes a slice, once; a cross that is declared in another order is left as it is."""
    gates = ["accuracy >= 0.8 in worst slice of sex", "f1 >= 0.8 in worst slice of sex, age", "f1 >= 0.7 in worst slice of island"]
    found = STAGE.validate({"evaluation": {"slices": [["age", "sex"]], "gates": gates}})
    assert found.spec["slices"] == [["age", "sex"], ["sex"], ["island"]]
    assert [gate["worst"] for gate in found.spec["gates"]] == [["sex"], ["sex", "age"], ["island"]]


@pytest.mark.parametrize(
    ("gate", "message", "fix"),
    [
        ("lower(ece) <= 0.05", "has no interval", "point(ece)"),
        ("upper(accuracy) >= 90", "lies between 0 and 1", "write 0.9"),
        ("accuracy not worse than baseline in worst slice of sex", "needs a baseline", "add `baseline:`"),
    ],
)
def test_limits_and_worst_slices_are_checked_as_every_gate(gate: str, message: str, fix: str) -> None:
    """What a gate takes of its metric is checked whatever part of the interval or of the rows it judges."""
    error = refused({"gates": [gate]})
    assert message in error.message
    assert fix in str(error.fix)


def test_versions_cover_what_will_be_measured() -> None:
    """With metrics named, theirs; without, those of every metric, because the task decides later. Gates count too."""
    named = STAGE.versions(
        {"task": "binary", "metrics": ["f1"], "gates": [{"expression": "", "metric": "mcc", "operator": ">", "bound": 0}]}
    )
    assert {"metric:f1", "metric:mcc", "numpy", "report"} <= set(named)
    assert "metric:accuracy" not in named
    assert "metric:accuracy" in STAGE.versions({"task": "binary"})
    assert STAGE.freshness({}, SourceContext(credentials={})) is not None


def test_the_catalogue_says_what_the_metrics_say() -> None:
    """The table that stands in for an import agrees with every built-in metric, and lists no other."""
    assert set(catalogue.BUILT_IN) == {name for name in names("metric") if catalogue.describe(name) is catalogue.BUILT_IN.get(name)}
    assert {name: catalogue.loaded(name) for name in catalogue.BUILT_IN} == catalogue.BUILT_IN
    assert catalogue.check_versions() == {name: load("check", name).version for name in names("check")}


def test_checking_a_section_is_cheap() -> None:
    """The gateway's embedded process and the worker's parent check gates and key jobs without any numerical library."""
    script = (
        "import sys; from mtf_evaluation.stage import STAGE;"
        "STAGE.validate({'evaluation': {'task': 'binary', 'metrics': ['f1'], 'gates': ['accuracy >= 0.5']}}); STAGE.versions({'task': 'binary'});"
        "print([m for m in ('numpy', 'scipy', 'pyarrow', 'jinja2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""What is refused before any data is read."""

from typing import Any

import pytest

from mtf.errors import SpecError
from mtf_processing.stage import STAGE


def refuse(steps: list[Any], **section: Any) -> SpecError:
    """The error that a section gets."""
    with pytest.raises(SpecError) as caught:
        STAGE.validate({"steps": steps, "roles": {"target": "y"}, **section})
    return caught.value


FITTED: list[dict[str, Any]] = [
    {"impute": {}},
    {"clip": {"upper_quantile": 0.9}},
    {"scale": {}},
    {"one_hot": {}},
    {"ordinal": {}},
]


@pytest.mark.parametrize("step", FITTED, ids=lambda step: next(iter(step)))
def test_a_fitted_step_needs_training_rows(step: dict[str, Any]) -> None:
    """Every fitted step without an earlier split is refused by its own place, and the fix names the three ways out."""
    name = next(iter(step))
    error = refuse([{"drop_missing": {}}, {"rename": {"columns": {"a": "b"}}}, step])
    assert error.field == f"processing[2].{name}"
    assert all(word in (error.fix or "") for word in ("split", "dataset.train", "recipe"))


@pytest.mark.parametrize("step", FITTED, ids=lambda step: next(iter(step)))
def test_a_split_before_a_train_dataset_or_a_recipe_suffices(step: dict[str, Any]) -> None:
    """The same steps are accepted behind a split, and with training rows from elsewhere."""
    STAGE.validate({"steps": [{"split": {}}, step], "roles": {"target": "y"}})
    STAGE.validate({"steps": [step], "roles": {"target": "y"}, "fit_source": True})


@pytest.mark.parametrize(
    "step",
    [{"impute": {"numeric": "constant", "categorical": "constant"}}, {"clip": {"lower": 0}}, {"ordinal": {"order": {"a": ["x", "z"]}}}],
)
def test_a_step_whose_arguments_say_everything_needs_no_training_rows(step: dict[str, Any]) -> None:
    """Constants, bounds and declared orders learn nothing."""
    STAGE.validate({"steps": [step], "roles": {"target": "y"}})


def test_a_split_after_a_fitted_step_does_not_count() -> None:
    """The split must stand before the step that learns."""
    assert refuse([{"scale": {}}, {"split": {}}]).field == "processing[0].scale"


def test_a_split_by_groups_is_not_stratified() -> None:
    """Ranks within classes would tear groups apart."""
    assert refuse([{"split": {"by": "g", "stratify": True}}]).field == "processing[0].split"


def test_two_splits_are_refused() -> None:
    """The second split is named."""
    assert refuse([{"split": {}}, {"split": {}}]).field == "processing[1].split"


def test_a_split_beside_a_train_dataset_is_refused() -> None:
    """Data that comes split is not split again."""
    assert refuse([{"split": {}}], fit_source=True).field == "processing[0].split"


def test_an_unknown_step_gets_the_nearest_known_one() -> None:
    """A misspelt step is answered with the right one."""
    error = refuse([{"one_hott": {}}])
    assert error.field == "processing[0].one_hott"
    assert "one_hot" in (error.fix or "")


def test_an_unknown_argument_gets_the_nearest_known_one() -> None:
    """A misspelt argument is answered with the right one, in its place."""
    error = refuse([{"split": {"tst": 0.3}}])
    assert error.field == "processing[0].split.tst"
    assert "test" in (error.fix or "")


def test_every_wrong_field_is_listed() -> None:
    """One answer lists all wrong steps."""
    error = refuse([{"split": {"test": 2}}, {"nope": {}}, {"a": 1, "b": 2}])
    assert [problem.field for problem in error.errors] == ["processing[0].split.test", "processing[1].nope", "processing[2]"]


@pytest.mark.parametrize(
    ("roles", "field"),
    [
        ({"drop": ["y"]}, "dataset.drop"),
        ({"features": ["a", "y"]}, "dataset.features"),
        ({"group": "g", "features": ["g"]}, "dataset.features"),
        ({"weight": "y"}, "dataset.weight"),
        ({"features": ["a", "a"]}, "dataset.features"),
        ({"features": ["a"], "drop": ["a"]}, "dataset.drop"),
    ],
)
def test_roles_that_contradict_each_other_are_refused(roles: dict[str, Any], field: str) -> None:
    """A column is not both a role and dropped, a feature, or another role."""
    assert refuse([], roles={"target": "y", **roles}).field == field


def test_a_role_cannot_be_dropped_by_a_step() -> None:
    """drop_columns of the target is refused, also under its new name."""
    assert refuse([{"drop_columns": {"columns": ["y"]}}]).field == "processing[0].drop_columns.columns"
    error = refuse([{"rename": {"columns": {"y": "z"}}}, {"drop_columns": {"columns": ["z"]}}])
    assert error.field == "processing[1].drop_columns.columns"


def test_a_fitted_step_cannot_name_a_role() -> None:
    """Fitted steps touch features only."""
    assert refuse([{"split": {}}, {"scale": {"columns": ["y"]}}]).field == "processing[1].scale.columns"


def test_a_role_cannot_change_after_it_was_read() -> None:
    """Changing the target behind the first fitted step would have no effect, and is refused."""
    error = refuse([{"split": {}}, {"scale": {}}, {"replace": {"columns": ["y"], "values": {"a": "b"}}}])
    assert error.field == "processing[2].replace"
    assert "processing[1].scale" in (error.fix or "")


def test_defaults_are_written_out_and_the_split_takes_the_runs_seed() -> None:
    """The validated spec says everything, so that equal specs have equal fingerprints."""
    spec = STAGE.validate({"steps": [{"split": None}, "drop_duplicates"], "roles": {"target": "y"}, "seed": 7}).spec
    assert spec["steps"][0]["args"] == {"test": 0.25, "seed": 7, "stratify": False, "by": None}
    assert spec["steps"][1]["args"] == {"columns": None, "keep": "first"}


def test_validated_specs_validate_again_to_themselves() -> None:
    """Validation is idempotent."""
    steps = [{"replace": {"columns": ["a"], "values": {2: "two", True: None}}}, {"split": {}}, {"impute": {}}]
    first = STAGE.validate({"steps": steps, "roles": {"target": "y"}}).spec
    again = STAGE.validate({"steps": [{call["name"]: call["args"]} for call in first["steps"]], "roles": first["roles"]}).spec
    assert first == again


def test_versions_name_every_step_and_numpy() -> None:
    """The fingerprint depends on the plug-ins' versions; pyarrow counts only where text becomes values."""
    found = STAGE.validate({"steps": [{"split": {}}, {"scale": {}}], "roles": {"target": "y"}}).versions
    assert {"processing", "step:scale", "step:split", "numpy"} == set(found)
    assert "pyarrow" in STAGE.validate({"steps": [{"cast": {"columns": {"a": "int64"}}}], "roles": {"target": "y"}}).versions


def test_a_split_that_tears_groups_apart_is_warned_of() -> None:
    """Rows of one patient in both sets are a leak worth a word."""
    section = {"roles": {"target": "y", "group": "patient"}, "steps": [{"split": {}}]}
    assert "by: patient" in STAGE.validate(section).warnings[0]
    assert not STAGE.validate({**section, "steps": [{"split": {"by": "patient"}}]}).warnings

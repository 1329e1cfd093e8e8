"""Jobs of a plan: what each stage gets from the ones before it."""

from typing import Any

from mtf.contracts.reference import Reference
from mtf_gateway.compose import Baseline, Done, compose, notes, rows_key
from mtf_gateway.plan import BaselinePlan, ModelPlan, Plan
from tests.suites.scripted import FACTS, OUTPUTS, SPECS


def reference(name: str) -> Reference:
    """A stored file of that name."""
    return Reference(ref=f"data:{name}", sha256="a" * 64, size=1)


def plan(**changes: Any) -> Plan:
    """A plan with some parts replaced."""
    model = ModelPlan(label="forest", worker="inference", spec=SPECS["inference"], inputs={"model": reference("model")})
    values: dict[str, Any] = {
        "name": "first", "dataset": "penguins", "model_label": "forest", "acquisition": SPECS["acquisition"],
        "processing": {**SPECS["processing"], "slices": ["sex"], "slice_values": {"sex": ["f"]}}, "model": model, "evaluation": SPECS["evaluation"], "seed": 3,
    }  # fmt: skip
    return Plan(**{**values, **changes})


def done(**facts: dict[str, Any]) -> dict[str, Done]:
    """Every stage, finished; facts of a stage can be replaced."""
    return {
        stage: Done(
            {name: reference(f"{stage}/{name}") for name in OUTPUTS[stage]}, {**FACTS[stage], **facts.get(stage, {})}, [f"{stage} warns"]
        )
        for stage in OUTPUTS
    }


def test_processing_reads_what_was_acquired() -> None:
    """The data, and besides them training data or a fitted recipe."""
    work = compose(plan(), "processing", done())
    assert work.inputs == {"data": reference("acquisition/data")}
    assert (work.spec["slices"], work.spec["slice_values"]) == (["sex"], {"sex": ["f"]})
    before = {**done(), "acquisition.train": Done({"data": reference("train")}, {})}
    work = compose(plan(train=SPECS["acquisition"], recipe=reference("recipe")), "processing", before)
    assert work.inputs == {"data": reference("acquisition/data"), "train": reference("train"), "recipe": reference("recipe")}


def test_inference_is_told_task_and_labels() -> None:
    """From the facts of processing; features and context come with the model."""
    work = compose(plan(processing={**SPECS["processing"], "roles": {"target": "y", "id": "key"}}), "inference", done())
    assert set(work.inputs) == {"test.features", "test.context", "model"}
    assert (work.spec["task"], work.spec["labels"], work.spec["id_column"]) == ("binary", ["a", "b"], "key")
    assert work.spec["loader"] == {"name": "skops", "args": {}}


def test_evaluation_gets_titles_notes_and_a_baseline() -> None:
    """What the report's head prints, what a reader must know, and the predictions to compare with."""
    work = compose(plan(), "evaluation", done(), Baseline("old", reference("baseline"), ["b", "a"]))
    assert work.inputs == {"scored": reference("inference/test.scored"), "baseline": reference("baseline")}
    assert work.spec["titles"] == {"name": "first", "dataset": "penguins", "model": "forest", "baseline": "old"}
    assert (work.spec["seed"], work.spec["baseline_labels"], work.spec["kind"]) == (3, ["b", "a"], "report")
    assert work.spec["notes"]["warnings"] == [f"{stage} warns" for stage in OUTPUTS]
    assert "baseline" not in compose(plan(), "evaluation", done()).inputs


def test_a_baseline_of_predictions_is_scored_like_the_model() -> None:
    """The same rows, another file."""
    baseline = BaselinePlan(
        label="p.csv", model=ModelPlan(label="p.csv", worker="inference", spec=SPECS["inference"], inputs={"predictions": reference("p")})
    )
    work = compose(plan(baseline=baseline), "inference.baseline", done())
    assert set(work.inputs) == {"test.features", "test.context", "predictions"}


def test_notes_hold_nothing_that_differs_between_equal_runs() -> None:
    """Neither seconds nor provenance nor paths, so that a cached evaluation stays right."""
    slow = done(inference={"seconds": {"load": 1.0}}, acquisition={"provenance": {"path": "/home/me"}})
    assert notes(plan(), slow) == notes(plan(), done(inference={"seconds": {"load": 9.0}}, acquisition={"provenance": {"path": "/b"}}))


def test_the_rows_key_tells_other_rows_apart() -> None:
    """Another version, split, seed, target, or number of rows is another key; another model, metric or slice is not."""
    key = rows_key(plan(), done())
    processing = SPECS["processing"]
    same = [
        (plan(name="other", model_label="x", evaluation={"metrics": ["f1"]}), done()),
        (plan(processing={**processing, "slices": ["town"]}), done()),
        (plan(processing={**processing, "steps": [*processing["steps"], {"name": "impute", "args": {"numeric": "median"}}]}), done()),
    ]
    assert {rows_key(*pair) for pair in same} == {key}
    other = [
        (plan(), done(acquisition={"digest": "e" * 64})),
        (plan(), done(processing={"rows": {"test": 4, "total": 10}})),
        (plan(processing={**processing, "steps": [{"name": "split", "args": {"test": 0.5}}]}), done()),
        (plan(processing={**processing, "seed": 1}), done()),
        (plan(processing={**processing, "roles": {"target": "z"}}), done()),
        (plan(recipe=reference("recipe")), done()),
    ]
    found = [rows_key(*pair) for pair in other]
    assert len({key, *found}) == len(found) + 1

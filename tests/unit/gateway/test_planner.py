"""Run files become plans: what each room is asked, and how its complaints come back."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mtf import spec as run_files
from mtf.contracts.job import Validated
from mtf.contracts.problem import FieldProblem
from mtf.contracts.reference import STAGES
from mtf.errors import SpecError, UnavailableError
from mtf.storage.store import LocalStore
from mtf_gateway.db import registry
from mtf_gateway.db.engine import connect
from mtf_gateway.db.schema import create
from mtf_gateway.db.tables import DATASET_VERSIONS, DATASETS, MODEL_ALIASES, MODEL_VERSIONS, MODELS, UPLOADS
from mtf_gateway.lookup import Lookup
from mtf_gateway.plan import Plan
from mtf_gateway.planner import Planner
from tests.suites.scripted import ScriptedWorker, fleet

SPEC: dict[str, Any] = {
    "name": "first",
    "dataset": {"source": {"type": "file", "path": "data/a.csv"}, "target": "y", "positive": "yes"},
    "processing": [{"drop_missing": {}}, {"impute": {"numeric": "median"}}],
    "model": {"source": {"type": "file", "path": "m.skops"}, "labels": ["no", "yes"]},
    "evaluation": {"slices": ["sex"], "gates": ["accuracy >= 0.9 in age=old"]},
    "seed": 7,
}
REF = {"ref": "data:raw/x/data.parquet", "sha256": "a" * 64, "size": 5}
MADE = {"created_by": "me", "created_at": 1.0}


class World:
    """A planner over scripted workers, a store and a database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = connect(f"sqlite:///{folder / 'mtf.db'}")
        create(self.database)
        self.store = LocalStore({area: folder / "areas" / area for area in ("data", "artifacts", "models", "logs")})
        self.workers: dict[str, ScriptedWorker] = fleet(self.store)
        self.base = folder / "user"
        self.base.mkdir()
        (self.base / "m.skops").write_bytes(b"PK model bytes")

    def plan(self, change: dict[str, Any] | None = None, *, base: bool = True) -> Plan:
        """Plan the run file with some top-level keys replaced."""
        planner = Planner(self.workers, self.store, Lookup(self.database))
        parsed = run_files.validate({**SPEC, **(change or {})})
        return asyncio.run(planner.plan(parsed, self.base if base else None))

    def wrong(self, change: dict[str, Any] | None = None, *, base: bool = True) -> SpecError:
        """The error of a run file that is wrong."""
        with pytest.raises(SpecError) as caught:
            self.plan(change, base=base)
        return caught.value

    def insert(self, table: Any, **values: Any) -> None:
        """Store a row."""
        assert self.database.write_now(lambda c: registry.insert_once(c, table, values))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A fresh one."""
    world = World(tmp_path)
    yield world
    world.database.close()


def test_each_room_is_asked_for_its_own_section(world: World) -> None:
    """Paths become absolute for acquisition, a model file is imported by digest and shown by its head, roles come from the dataset."""
    plan = world.plan()
    assert world.workers["acquisition"].sections == [
        {"source": {"type": "file", "path": str(world.base / "data/a.csv")}, "types": {}, "expect": None}
    ]
    [processing] = world.workers["processing"].sections
    assert processing["steps"] == SPEC["processing"]
    assert (processing["roles"]["target"], processing["positive"], processing["seed"]) == ("y", "yes", 7)
    assert processing["fit_source"] is False
    [inference] = world.workers["inference"].sections
    assert base64.b64decode(inference["head"]) == b"PK model bytes"
    assert (inference["name"], inference["labels"]) == ("m.skops", ["no", "yes"])
    digest = hashlib.sha256(b"PK model bytes").hexdigest()
    assert plan.model.inputs["model"].ref == f"models:sha256/{digest}"
    assert world.store.path(plan.model.inputs["model"].ref).read_bytes() == b"PK model bytes"
    assert (plan.dataset, plan.model_label) == ("a.csv", "m.skops")
    assert plan.units == ["acquisition", "processing", "inference", "evaluation"]


def test_processing_learns_what_will_be_sliced(world: World) -> None:
    """Columns of slices and gates, and the values that gates name, from the evaluation's own answer."""

    async def validate(section: dict[str, Any]) -> Validated:
        demand = {"column": "town", "kinds": ["text"], "values": ["Ulm"], "field": "evaluation.slices[1].values"}
        needs = {"columns": ["sex", "town", "age"], "values": {"age": ["old", "young"], "sex": ["f"]}, "demands": [demand]}
        return Validated(spec={"slices": [["sex"], ["sex", "town"]], "level": 0.95, "needs": needs}, warnings=["careful"])

    world.workers["evaluation"].validate = validate  # type: ignore[method-assign]
    plan = world.plan()
    assert plan.processing["slices"] == ["sex", "town", "age"]
    assert plan.processing["slice_values"] == {"age": ["old", "young"], "sex": ["f"]}
    assert plan.processing["slice_demands"][0]["values"] == ["Ulm"]
    assert "needs" not in plan.evaluation
    assert plan.warnings == ["careful"]


@pytest.mark.parametrize(
    ("stage", "field", "told"),
    [
        ("acquisition", "source.delimiter", "dataset.source.delimiter"),
        ("acquisition", "types.age", "dataset.types.age"),
        ("acquisition", "expect.rows", "expect.rows"),
        ("acquisition", "dataset.source.path", "dataset.source.path"),
        ("acquisition", None, "dataset.source"),
        ("processing", "steps[1].impute.numeric", "processing[1].impute.numeric"),
        ("processing", "roles.group", "dataset.group"),
        ("processing", "task", "evaluation.task"),
        ("processing", None, "processing"),
        ("inference", "source.format", "model.source.format"),
        ("inference", "labels", "model.labels"),
        ("evaluation", "evaluation.gates[0]", "evaluation.gates[0]"),
        ("evaluation", "metrics[2]", "evaluation.metrics[2]"),
    ],
)
def test_a_rooms_complaint_names_the_field_as_it_was_written(world: World, stage: str, field: str | None, told: str) -> None:
    """What a worker calls its section's field is translated back."""
    world.workers[stage].wrong = SpecError("no", field=field, fix="do")
    error = world.wrong()
    assert (error.field, error.message, error.fix) == (told, "no", "do")


def test_everything_that_is_wrong_is_told_at_once(world: World) -> None:
    """Complaints of all rooms arrive together, in the order of the run file."""
    for stage in STAGES:
        world.workers[stage].wrong = SpecError(f"{stage} says no")
    several = [FieldProblem(field=f"steps[{index}]", message="no") for index in range(2)]
    world.workers["processing"].wrong = SpecError("no", errors=several)
    error = world.wrong({"engine": "spark"})
    assert [one.field for one in error.errors] == ["dataset.source", "processing[0]", "processing[1]", "model", "evaluation", "engine"]
    assert error.message.startswith("6 fields")


def test_a_room_that_is_down_is_no_fault_of_the_file(world: World) -> None:
    """The error is a 503 that names the worker, even where the file is wrong too."""
    world.workers["acquisition"].wrong = SpecError("no")
    world.workers["evaluation"].wrong = UnavailableError("the evaluation worker does not answer")
    with pytest.raises(UnavailableError, match="evaluation"):
        world.plan()


def test_files_need_a_place_to_be_relative_to(world: World) -> None:
    """By REST a model's path means nothing; the message says to upload."""
    error = world.wrong(base=False)
    assert error.field == "model.source.path"
    assert "upload" in str(error.fix)


@pytest.mark.parametrize(
    ("path", "said"),
    [("missing.skops", "there is no file"), (".", "is a folder"), ("empty", "is empty"), ("x" * 5000, "cannot be read"), ("", "missing")],
)
def test_a_model_file_that_cannot_be_used_is_told(world: World, path: str, said: str) -> None:
    """Missing, a folder, empty, or a name that no disk can hold."""
    (world.base / "empty").touch()
    error = world.wrong({"model": {"source": {"type": "file", "path": path}}})
    assert said in error.message
    assert error.field == "model.source.path"


def test_an_upload_is_found_by_its_digest(world: World) -> None:
    """A dataset's upload stays where it is, a model's is brought to the models; an unknown digest is told."""
    data = b"PK uploaded model"
    digest = hashlib.sha256(data).hexdigest()
    world.store.put("data", f"uploads/{digest}", [data])
    world.insert(UPLOADS, digest=digest, size=len(data), name="forest.skops", kind="skops", ref=f"data:uploads/{digest}", **MADE)
    upload = {"type": "upload", "digest": digest}
    plan = world.plan({"model": {"source": upload}, "dataset": {"source": upload, "target": "y"}}, base=False)
    assert (plan.dataset, plan.model_label) == ("forest.skops", "forest.skops")
    assert plan.model.inputs["model"].ref == f"models:sha256/{digest}"
    assert world.store.path(f"models:sha256/{digest}").read_bytes() == data
    error = world.wrong({"model": {"source": {"type": "upload", "digest": "0" * 64}}})
    assert error.field == "model.source.digest"


def test_predictions_are_an_input_of_the_inference(world: World) -> None:
    """A predictions file is imported beside the uploads, and its place is no argument of the loader."""
    (world.base / "p.csv").write_text("prediction\n1\n")
    plan = world.plan({"model": {"source": {"type": "predictions", "path": "p.csv", "delimiter": ";"}}})
    assert list(plan.model.inputs) == ["predictions"]
    assert plan.model.inputs["predictions"].ref.startswith("data:uploads/")
    assert world.workers["inference"].sections[0]["source"] == {"type": "predictions", "delimiter": ";"}


def test_an_endpoint_is_called_by_the_room_with_a_way_out(world: World) -> None:
    """Where there is a second inference room, only it gets endpoints; nothing is imported."""
    world.workers["inference-remote"] = ScriptedWorker("inference", world.store)
    plan = world.plan({"model": {"source": {"type": "endpoint", "url": "http://user:secret@host/v2/models/a?key=x"}}})
    assert plan.worker("inference") == "inference-remote"
    assert plan.model.inputs == {}
    assert plan.model_label == "a"
    assert world.workers["inference"].sections == []
    assert world.plan().worker("inference") == "inference"


def test_a_registered_dataset_needs_no_acquisition(world: World) -> None:
    """Its reference and facts stand in the plan, its roles are the defaults of the run file's, and `expect` is checked at once."""
    world.insert(DATASETS, name="penguins", latest=2, **MADE)
    facts = {"digest": "d", "rows": 3, "columns": [{"name": "a"}, {"name": "y"}]}
    for version in (1, 2):
        world.insert(
            DATASET_VERSIONS, name="penguins", version=version, digest="d", rows=3, roles={"target": "y", "group": "g"}, source={}, data=REF, facts=facts, **MADE
        )  # fmt: skip
    plan = world.plan({"dataset": "penguins@1"})
    assert plan.acquisition is None
    assert plan.registered is not None
    assert (plan.registered.label, plan.registered.data.ref) == ("penguins@1", REF["ref"])
    roles = world.workers["processing"].sections[-1]["roles"]
    assert (roles["target"], roles["group"]) == ("y", "g")
    world.plan({"dataset": {"version": "penguins", "group": "h", "weight": "w"}})
    roles = world.workers["processing"].sections[-1]["roles"]
    assert (roles["target"], roles["group"], roles["weight"]) == ("y", "h", "w")
    assert world.plan({"dataset": "penguins"}).dataset == "penguins@2"
    assert world.plan({"dataset": "penguins@1", "expect": {"rows": 3, "columns": ["a", "y"], "digest": "d"}}).registered is not None
    assert world.wrong({"dataset": "penguins@1", "expect": {"min_rows": 4}}).field == "expect.min_rows"
    assert world.wrong({"dataset": {"version": "penguins@1", "types": {"a": "utf8"}}}).field == "dataset.types"
    for name in ("penguins@9", "penguins@x", "nobody@1", "penguins@99999999999999999999", "@1", "penguins@"):
        assert world.wrong({"dataset": name}).field == "dataset", name


def test_a_registered_model_is_found_by_number_or_alias(world: World) -> None:
    """Its own settings are defaults of the run file's; a missing one is told."""
    reference = world.store.put("models", "sha256/" + "b" * 64, [b"PK x"])
    world.insert(MODELS, name="forest", latest=2, **MADE)
    for version, settings in ((1, {}), (2, {"labels": ["a", "b"], "threshold": 0.3})):
        world.insert(
            MODEL_VERSIONS, name="forest", version=version, format="skops", source={"name": "f.skops"},
            artifact={"ref": f"models:sha256/{'b' * 64}", "sha256": "b" * 64, "size": reference.size}, settings=settings, **MADE,
        )  # fmt: skip
    world.insert(MODEL_ALIASES, name="forest", alias="champion", version=1, updated_by="me", updated_at=1.0, **MADE)
    assert world.plan({"model": "forest@champion"}).model_label == "forest@1"
    assert world.workers["inference"].sections[-1]["labels"] is None
    assert world.plan({"model": {"version": "forest@2", "threshold": 0.4}}).model_label == "forest@2"
    section = world.workers["inference"].sections[-1]
    assert (section["labels"], section["threshold"], section["source"]) == (["a", "b"], 0.4, {"type": "file", "format": "skops"})
    assert world.wrong({"model": "forest@challenger"}).field == "model"


def test_data_that_comes_split_is_acquired_twice(world: World) -> None:
    """The training table has a job of its own, its complaints their own field, and fitted steps may learn from it."""
    dataset = {**SPEC["dataset"], "train": {"source": {"type": "file", "path": "b.csv"}}}
    plan = world.plan({"dataset": dataset, "expect": {"rows": 5}})
    assert plan.units == ["acquisition", "acquisition.train", "processing", "inference", "evaluation"]
    first, second = world.workers["acquisition"].sections
    assert first["expect"] == {"rows": 5}
    assert (second["expect"], second["source"]["path"]) == (None, str(world.base / "b.csv"))
    assert world.workers["processing"].sections[0]["fit_source"] is True


def test_a_fitted_recipe_is_an_input(world: World) -> None:
    """A recipe file is imported; a name that leads nowhere says what may stand there."""
    (world.base / "recipe.json").write_text("{}")
    plan = world.plan({"processing": {"recipe": "recipe.json"}})
    assert plan.recipe is not None
    assert world.workers["processing"].sections[0]["fit_source"] is True
    assert world.wrong({"processing": {"recipe": "penguins@1"}}).field == "processing.recipe"


@pytest.mark.parametrize(
    ("baseline", "field"),
    [
        ("nobody", "evaluation.baseline"),
        ({"run": "x"}, "evaluation.baseline"),
        ({"report": "a", "source": {}}, "evaluation.baseline"),
        ({"report": 5}, "evaluation.baseline.report"),
        ({"report": "missing.json"}, "evaluation.baseline.report"),
        ({"report": "broken.json"}, "evaluation.baseline.report"),
        ({"report": "report.json"}, "evaluation.baseline.report"),
        ({"source": {"type": "file"}}, "evaluation.baseline.source"),
        ({"source": {"type": "predictions", "path": "missing.csv"}}, "evaluation.baseline.source.path"),
    ],
)
def test_a_baseline_that_cannot_be_used_is_told(world: World, baseline: Any, field: str) -> None:
    """Each form has its own complaint, at its own field."""
    (world.base / "broken.json").write_text("{}")
    (world.base / "report.json").write_text(json.dumps(REPORT))
    assert world.wrong({"evaluation": {"baseline": baseline}}).field == field


def test_a_report_with_its_predictions_is_a_baseline(world: World) -> None:
    """The Parquet file beside the report is imported, the labels are the report's; without a folder to look in it is refused."""
    (world.base / "report.json").write_text(json.dumps(REPORT))
    (world.base / "scored.parquet").write_bytes(b"PAR1 rows")
    plan = world.plan({"evaluation": {"baseline": {"report": "report.json"}}})
    assert plan.baseline is not None
    assert plan.baseline.scored is not None
    assert (plan.baseline.label, plan.baseline.labels) == ("old", ["a", "b"])
    assert plan.baseline.scored.sha256 == hashlib.sha256(b"PAR1 rows").hexdigest()
    model = {"source": {"type": "endpoint", "url": "http://h/x"}}
    error = world.wrong({"model": model, "evaluation": {"baseline": {"report": "report.json"}}}, base=False)
    assert error.field == "evaluation.baseline.report"


def test_predictions_as_a_baseline_are_scored_by_a_job_of_their_own(world: World) -> None:
    """They pass the inference stage with the model's labels."""
    (world.base / "p.csv").write_text("prediction\n1\n")
    plan = world.plan({"evaluation": {"baseline": {"source": {"type": "predictions", "path": "p.csv"}}}})
    assert plan.units[-2:] == ["inference.baseline", "evaluation"]
    assert plan.baseline is not None
    assert plan.baseline.model is not None
    assert list(plan.baseline.model.inputs) == ["predictions"]
    assert world.workers["inference"].sections[-1]["labels"] == ["no", "yes"]


REPORT: dict[str, Any] = {
    "run": {"id": "elsewhere", "name": "old", "dataset": "d", "model": "m"},
    "task": "binary",
    "labels": ["a", "b"],
    "rows": {"total": 3, "scored": 3},
    "metrics": {},
}

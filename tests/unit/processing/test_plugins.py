"""Built-ins keep the promises of their kind, and a stranger's step works without telling the engine anything."""

from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mtf import plugins
from mtf.contracts.base import UserSpec
from mtf.contracts.stages import Roles
from mtf.errors import DataError, PlatformError, SpecError
from mtf.testing import check_step
from tests.unit.processing.conftest import Process
from tests.unit.processing.test_fitting import CASES, table

OTHERS: list[tuple[str, dict[str, Any]]] = [
    ("drop_columns", {"columns": ["text"]}),
    ("rename", {"columns": {"text": "word"}}),
    ("cast", {"columns": {"whole": "utf8", "flag": "int64"}}),
    ("replace", {"values": {"a": "A", "3": 4}}),
    ("drop_missing", {}),
    ("drop_duplicates", {"columns": ["text", "flag"]}),
    ("split", {"test": 0.3}),
    ("split", {"stratify": True}),
    ("split", {"by": "text"}),
]


@pytest.mark.parametrize(("name", "args"), [*CASES, *OTHERS])
def test_built_in_steps_pass_the_public_check(name: str, args: dict[str, Any]) -> None:
    """Arguments, kinds, rows, merging and JSON, as any author may check his own step."""
    batch = table().combine_chunks().to_batches()[0]
    roles = Roles(target="y", id="key", features=["fraction", "whole", "text", "flag"])
    check_step(plugins.load("step", name), batch, args, roles)


def test_every_built_in_step_is_checked() -> None:
    """None is missing above."""
    ours = {name for name in plugins.names("step") if type(plugins.load("step", name)).__module__.startswith("mtf_processing")}
    assert ours == {name for name, _ in [*CASES, *OTHERS]}


class NoArgs(UserSpec):
    """Nothing to set."""


class Stranger:
    """The protocol of `mtf.plugins.Step` and no more."""

    version: ClassVar[int] = 3
    Args: ClassVar[type[UserSpec]] = NoArgs

    def fit_state(self, batch: pa.RecordBatch, args: Any, roles: Roles) -> Any:
        """Nothing."""
        return None

    def merge(self, a: Any, b: Any) -> Any:
        """Nothing."""
        return None

    def finish(self, state: Any, args: Any) -> dict[str, Any]:
        """Nothing."""
        return {}


class Centre(Stranger):
    """Subtracts the training mean of every number it sees."""

    name: ClassVar[str] = "centre"
    kind: ClassVar[str] = "fitted"
    seen: ClassVar[set[str]] = set()

    def fit_state(self, batch: pa.RecordBatch, args: Any, roles: Roles) -> Any:
        """Sums and counts."""
        self.seen.update(batch.schema.names)
        return {
            name: (pc.sum(batch[name]).as_py() or 0.0, len(batch) - batch[name].null_count)
            for name in batch.schema.names
            if pa.types.is_floating(batch[name].type)
        }

    def merge(self, a: Any, b: Any) -> Any:
        """Add them."""
        return {name: (a[name][0] + b[name][0], a[name][1] + b[name][1]) for name in a}

    def finish(self, state: Any, args: Any) -> dict[str, Any]:
        """Means."""
        return {name: total / rows for name, (total, rows) in state.items()}

    def apply(self, batch: pa.RecordBatch, args: Any, params: dict[str, Any], roles: Roles) -> pa.RecordBatch:
        """Subtract."""
        for name, mean in params.items():
            batch = batch.set_column(batch.schema.get_field_index(name), name, pc.subtract(batch[name], mean))
        return batch


class Odd(Stranger):
    """Keeps rows whose target is odd: it may look at roles, and says nothing of what it reads."""

    name: ClassVar[str] = "odd"
    kind: ClassVar[str] = "rows"

    def apply(self, batch: pa.RecordBatch, args: Any, params: dict[str, Any], roles: Roles) -> pa.RecordBatch:
        """Filter."""
        return batch.filter(pc.equal(pc.bit_wise_and(batch[str(roles.target)], 1), 1))


class Loser(Stranger):
    """Says that it keeps every row, and does not."""

    name: ClassVar[str] = "loser"
    kind: ClassVar[str] = "values"

    def apply(self, batch: pa.RecordBatch, args: Any, params: dict[str, Any], roles: Roles) -> pa.RecordBatch:
        """Lose a row."""
        return batch.slice(1)


class Thief(Stranger):
    """Takes the target away."""

    name: ClassVar[str] = "thief"
    kind: ClassVar[str] = "values"

    def apply(self, batch: pa.RecordBatch, args: Any, params: dict[str, Any], roles: Roles) -> pa.RecordBatch:
        """Drop it."""
        return batch.select([name for name in batch.schema.names if name != roles.target])


class Crash(Stranger):
    """Has a bug."""

    name: ClassVar[str] = "crash"
    kind: ClassVar[str] = "values"

    def apply(self, batch: pa.RecordBatch, args: Any, params: dict[str, Any], roles: Roles) -> pa.RecordBatch:
        """Look for a column that nobody has."""
        return {"a": batch}["b"]


@pytest.fixture
def strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plug-ins of another package."""
    own, load, names = {cls.name: cls() for cls in (Centre, Odd, Loser, Thief, Crash)}, plugins.load, plugins.names
    monkeypatch.setattr(plugins, "load", lambda kind, name: own[name] if name in own else load(kind, name))
    monkeypatch.setattr(plugins, "names", lambda kind: sorted([*names(kind), *own]))
    Centre.seen.clear()


@pytest.mark.usefixtures("strangers")
def test_a_strangers_fitted_step_learns_from_training_rows_and_sees_features_only(process: Process) -> None:
    """It needs a split like ours, its parameters stand in the recipe, and target and id are out of its sight."""
    with pytest.raises(SpecError):
        process(table(), ["centre"], id="key")
    found = process(table(), [{"split": {"test": 0.4}}, {"impute": {}}, "centre", {"one_hot": {}}], id="key", row_group=17)
    assert Centre.seen == {"fraction", "whole", "text", "flag"}
    np.testing.assert_allclose(found.table("train.features")["fraction"].to_numpy().mean(), 0, atol=1e-12)
    again = process(table(), recipe=found.recipe, id="key")
    both = pa.concat_tables([found.table("train.features"), found.table("test.features")]).sort_by("row_id")
    assert again.table("test.features").sort_by("row_id").equals(both)


@pytest.mark.usefixtures("strangers")
@pytest.mark.parametrize("late", [False, True])
def test_a_strangers_row_step_may_look_at_the_target(process: Process, late: bool) -> None:
    """Before and behind the first fitted step it sees every column and the roles."""
    scale: list[Any] = [{"split": {"test": 0.5}}, {"scale": {}}]
    found = process(table(), [*(scale if late else []), "odd"], id="key")
    assert set(found.table("test.context")["target"].to_pylist()) == {1}
    assert found.facts["steps"][-1]["rows_before"] == 200


@pytest.mark.usefixtures("strangers")
def test_a_strangers_broken_step_is_named(process: Process) -> None:
    """A step that breaks its promise fails the run by its place, whatever it breaks."""
    with pytest.raises(PlatformError) as lost:
        process(table(), ["loser"])
    assert lost.value.field == "processing[0].loser"
    with pytest.raises(SpecError) as stolen:
        process(table(), ["thief"])
    assert stolen.value.field == "processing[0].thief"
    with pytest.raises(PlatformError) as crashed:
        process(table(), ["crash"])
    assert crashed.value.field == "processing[0].crash"
    assert "KeyError" in crashed.value.message


def test_a_row_step_that_sees_everything_behind_a_fitted_one(process: Process) -> None:
    """drop_duplicates behind ordinal compares what ordinal made, in training and test rows, also with a train dataset."""
    rows = pa.table({"a": ["x", "y", "X", "x", "z"], "y": [0, 1, 0, 0, 1]})
    steps: list[Any] = [{"ordinal": {}}, "drop_duplicates"]
    train = pa.table({"a": ["x", "y", "x"], "y": [0, 1, 0]})
    found = process(rows, steps, train=train)
    assert found.facts["rows"] == {"test": 4, "train": 2, "total": 5}
    assert found.facts["steps"][1] == {
        "name": "drop_duplicates",
        "rows_before": 5,
        "rows_after": 4,
        "train_rows_before": 3,
        "train_rows_after": 2,
    }
    again = process(rows, recipe=found.recipe)
    assert again.table("test.features").equals(found.table("test.features"))


def test_a_step_that_drops_every_test_row_late(process: Process) -> None:
    """Nothing is left to test: said at the end, when it is known."""
    rows = pa.table({"a": [1.0, None, 2.0, None], "b": [1, 2, 3, 4], "y": [0, 1, 0, 1]})
    train = pa.table({"a": [1.0, 2.0], "b": [1, 2], "y": [0, 1]})
    hole = rows.set_column(0, "a", pa.array([None] * 4, pa.float64()))
    with pytest.raises(DataError):
        process(hole, [{"scale": {}}, "drop_missing"], train=train)

"""Fitting a recipe without a model: two stages of a run file, and what is refused before any work."""

from pathlib import Path
from typing import Any

import pytest

from mtf.errors import SpecError, UsageError
from mtf_gateway import recipes
from mtf_gateway.core import Gateway
from tests.unit.gateway.desks import play

RUN: dict[str, Any] = {
    "name": "birds",
    "dataset": {"source": {"type": "file", "path": "birds.csv"}, "target": "species", "drop": ["note"]},
    "processing": [{"split": {"test": 0.3}}, {"scale": {}}],
    "model": {"source": {"type": "file", "path": "there-is-none.skops"}},
    "seed": 5,
}


def test_the_recipe_is_written(tmp_path: Path) -> None:
    """The sections of acquisition and processing are those of a run; the model is not looked at."""

    async def scene(gateway: Gateway, workers: Any) -> None:
        written = await recipes.fit(gateway, workers, RUN, tmp_path, train=None, test=None, recipe=tmp_path / "recipe.json")
        assert written == {str(tmp_path / "recipe.json"): "the fitted recipe"}
        assert (tmp_path / "recipe.json").read_bytes() == b"processing recipe"
        assert workers["acquisition"].sections[0]["source"] == {"type": "file", "path": str(tmp_path / "birds.csv")}
        section = workers["processing"].sections[0]
        assert section["steps"] == RUN["processing"]
        assert section["roles"]["target"] == "species"
        assert section["roles"]["drop"] == ["note"]
        assert (section["fit_source"], section["seed"]) == (False, 5)
        assert not workers["inference"].jobs

    play(tmp_path / ".mtf", scene)


def test_a_table_to_train_on_is_acquired_too(tmp_path: Path) -> None:
    """Data that comes in two files gives processing both."""
    run = {**RUN, "dataset": {**RUN["dataset"], "train": {"source": {"type": "builtin", "name": "iris"}}}}

    async def scene(gateway: Gateway, workers: Any) -> None:
        await recipes.fit(gateway, workers, run, tmp_path, train=None, test=None, recipe=tmp_path / "recipe.json")
        (job,) = workers["processing"].jobs.values()
        assert set(job.request.inputs) == {"data", "train"}
        assert workers["processing"].sections[0]["fit_source"] is True

    play(tmp_path / ".mtf", scene)


def test_what_makes_no_sense_is_refused_first(tmp_path: Path) -> None:
    """Nothing to write, a recipe that is fitted already, rows that the recipe does not make."""

    async def scene(gateway: Gateway, workers: Any) -> None:
        with pytest.raises(UsageError, match="say what to write"):
            await recipes.fit(gateway, workers, RUN, tmp_path, train=None, test=None, recipe=None)
        fitted = {**RUN, "processing": {"recipe": "clean@1"}}
        with pytest.raises(SpecError, match="nothing to fit"):
            await recipes.fit(gateway, workers, fitted, tmp_path, train=None, test=None, recipe=tmp_path / "r.json")
        assert not workers["acquisition"].jobs
        with pytest.raises(SpecError, match="makes no train rows"):
            await recipes.fit(gateway, workers, RUN, tmp_path, train=tmp_path / "t.parquet", test=None, recipe=None)
        assert not (tmp_path / "t.parquet").exists()

    play(tmp_path / ".mtf", scene)

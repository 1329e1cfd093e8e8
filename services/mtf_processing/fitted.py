"""A fitted recipe as a file: everything that turns new rows into the same features, and nothing of the rows it was learned from but numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from mtf import plugins
from mtf.contracts.base import SCHEMA_VERSION, Contract
from mtf.contracts.stages import PluginCall, Roles
from mtf.errors import DataError
from mtf_processing.rules import Bound, bind


class FittedStep(Contract):
    """One step with what it learned."""

    name: str
    version: int
    args: dict[str, Any]
    params: dict[str, Any] = Field(default_factory=dict)


class FittedRecipe(Contract):
    """The artefact `recipe` of the processing stage."""

    schema_version: str = SCHEMA_VERSION
    kind: str = "mtf.recipe"
    roles: Roles
    input: dict[str, str] = Field(
        description="Columns that the recipe reads, with the kind of each: bool, integer, float, decimal, text or time."
    )
    features: list[str] = Field(description="Raw columns that are features, in order.")
    output: dict[str, str] = Field(description="Features that leave the recipe, in order, with their types.")
    steps: list[FittedStep]
    rows: dict[str, int] = Field(default_factory=dict, description="Rows that it was fitted on and tested on.")
    versions: dict[str, str] = Field(default_factory=dict)

    def bound(self) -> tuple[list[Bound], list[dict[str, Any]]]:
        """The steps that are applied again, with their parameters. A split is not: new rows are all rows to score.

        Raises DataError for a step whose plug-in is missing or has another version than the one that fitted it.
        """
        steps, params = [], []
        for index, step in enumerate(self.steps):
            if step.name not in plugins.names("step"):
                raise DataError(
                    f"the recipe has a step `{step.name[:100]}` that is not installed here",
                    field="processing.recipe",
                    found=step.name,
                    fix="install its plug-in",
                )
            bound = bind(index, PluginCall(name=step.name, args=step.args))
            if bound.step.version != step.version:
                raise DataError(
                    f"the recipe was fitted with version {step.version} of `{step.name}`, and here is version {bound.step.version}",
                    field="processing.recipe",
                    fix="fit the recipe again",
                )
            if bound.kind != "split":
                steps.append(bound)
                params.append(step.params)
        return steps, params


def read_recipe(path: Path) -> FittedRecipe:
    """A fitted recipe from its JSON file. Raises DataError for a file that is none."""
    try:
        found = FittedRecipe.model_validate_json(path.read_bytes())
    except (ValidationError, UnicodeDecodeError, OSError):
        raise DataError(
            f"{path.name} is not a fitted recipe",
            field="processing.recipe",
            found=path.name,
            fix="`mtf recipe fit FILE --recipe OUT` writes one",
        ) from None
    if found.kind != "mtf.recipe":
        raise DataError(
            f"{path.name} is not a fitted recipe",
            field="processing.recipe",
            found=found.kind,
            fix="`mtf recipe fit FILE --recipe OUT` writes one",
        )
    return found

"""What the stage protocol asks of this room outside a child. It never touches data, and imports neither Arrow nor numpy."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, ClassVar

from pydantic import ValidationError

from mtf.contracts.job import Validated
from mtf.contracts.stages import PluginCall, ProcessingSpec, Roles
from mtf.errors import SpecError
from mtf.fields import field_problems
from mtf.plugins import SourceContext
from mtf_processing import rules

ENGINE_VERSION = 1
"""Raise it when the same recipe would give other rows or other values; it is part of every fingerprint."""


class ProcessingStage:
    """Stage 2 as the gateway and the worker's parent see it."""

    name: ClassVar[str] = "processing"
    entry: ClassVar[str] = "mtf_processing.execute:execute"

    def validate(self, section: dict[str, Any]) -> Validated:
        """Check steps, their arguments, their order and the roles. Raises SpecError that lists every wrong field.

        `section` has `steps`, `roles`, `fit_source` (a train dataset or a fitted recipe is given), `task`, `positive` and `seed`.
        """
        try:
            roles = Roles.model_validate(section.get("roles") or {})
            seed = int(section.get("seed") or 0)
            head = ProcessingSpec(roles=roles, task=section.get("task"), positive=section.get("positive"), seed=seed)
        except ValidationError as error:
            problems = field_problems(error, ProcessingSpec, section)
            raise SpecError(problems[0].message, field=problems[0].field, found=problems[0].found, errors=problems) from None
        steps = rules.parse(section.get("steps") or [])
        rules.check(steps, roles, fit_source=bool(section.get("fit_source")))
        calls = [PluginCall(name=bound.name, args=_written_out(bound, seed)) for bound in steps]
        spec = head.model_copy(update={"steps": calls}).model_dump(mode="json")
        return Validated(spec=spec, versions=self.versions(spec), warnings=_warnings(steps, roles))

    def freshness(self, spec: dict[str, Any], context: SourceContext) -> str:  # noqa: ARG002 - the protocol names the arguments
        """Always the same text: nothing but the specification and the inputs decides the result."""
        return "inputs"

    def versions(self, spec: dict[str, Any]) -> dict[str, str]:
        """The engine, each step and numpy; pyarrow only where it reads values out of text."""
        from mtf import plugins

        names = sorted({str(call["name"]) for call in spec.get("steps") or ()})
        found = {f"step:{name}": str(plugins.load("step", name).version) for name in names}
        libraries = ["numpy", *(["pyarrow"] if {"cast", "replace"} & set(names) else [])]
        return {"processing": str(ENGINE_VERSION), **found, **{name: version(name) for name in libraries}}


def _written_out(bound: rules.Bound, seed: int) -> dict[str, Any]:
    """The arguments with every default; a split without a seed of its own takes the run's."""
    args: dict[str, Any] = bound.args.model_dump(mode="json")
    if bound.kind == "split" and "seed" in args and args["seed"] is None:
        args["seed"] = seed
    return args


def _warnings(steps: list[rules.Bound], roles: Roles) -> list[str]:
    split = next((bound for bound in steps if bound.kind == "split"), None)
    if split is not None and roles.group and getattr(split.args, "by", None) != roles.group and not split.whole():
        return [
            f"rows of one `{roles.group}` may be in both the training and the test rows: write `split: {{by: {roles.group}}}` to keep them together"
        ]
    return []


STAGE = ProcessingStage()
"""What the service descriptor names."""

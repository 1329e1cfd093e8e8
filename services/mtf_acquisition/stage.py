"""What the stage protocol asks of this room in the service's own process. Nothing here imports pyarrow or reads a table."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar

from mtf.contracts.job import Validated
from mtf.contracts.stages import AcquisitionSpec
from mtf.plugins import SourceContext, load
from mtf_acquisition.spec import arguments, checked

READER = 1
"""Raise it when equal bytes begin to give another version."""


class AcquisitionStage:
    """Stage 1."""

    name: ClassVar[str] = "acquisition"
    entry: ClassVar[str] = "mtf_acquisition.execute:execute"

    def validate(self, section: dict[str, Any]) -> Validated:
        """Check `{source, types, expect}` without the data. Raises SpecError."""
        spec = checked(section).model_dump(mode="json")
        return Validated(spec=spec, versions=self.versions(spec))

    def freshness(self, spec: dict[str, Any], context: SourceContext) -> str | None:
        """What the source says about its content now. Raises DataError, SpecError or EndpointError where it cannot be reached."""
        plugin, args = arguments(AcquisitionSpec.model_validate(spec))
        found: str | None = plugin.freshness(args, context)
        return found

    def versions(self, spec: dict[str, Any]) -> dict[str, str]:
        """The source's version, the reader's own, and that of the library that parses."""
        name = AcquisitionSpec.model_validate(spec).source.name
        return {f"source.{name}": str(load("source", name).version), "reader": str(READER), "pyarrow": _installed("pyarrow")}


@cache
def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


STAGE = AcquisitionStage()

"""References to stored bytes: jobs carry names and digests, never data."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from mtf.contracts.base import SCHEMA_VERSION, Contract, Sha256

Area = Literal["data", "artifacts", "models", "logs"]
"""The four storage areas; each has a root of its own."""

StageName = Literal["acquisition", "processing", "inference", "evaluation"]
"""The four quarters of a run, in order."""

STAGES: tuple[StageName, ...] = ("acquisition", "processing", "inference", "evaluation")

RefText = Annotated[str, StringConstraints(pattern=r"^(data|artifacts|models|logs):[A-Za-z0-9][A-Za-z0-9._/-]*$")]
"""`area:key`; keys are slash-separated and never leave their area."""


class Reference(Contract):
    """One stored file: where it lies and what its bytes must hash to."""

    ref: RefText
    sha256: Sha256
    size: int = Field(ge=0, description="Bytes.")

    @property
    def area(self) -> str:
        """The storage area, the part before the colon."""
        return self.ref.partition(":")[0]

    @property
    def key(self) -> str:
        """The path inside the area, the part behind the colon."""
        return self.ref.partition(":")[2]


class Manifest(Contract):
    """The file that publishes a stage's outputs. Written last; readers trust only what a manifest names."""

    schema_version: str = SCHEMA_VERSION
    stage: StageName
    fingerprint: Sha256
    spec: dict[str, Any]
    inputs: dict[str, Reference] = Field(default_factory=dict)
    outputs: dict[str, Reference] = Field(default_factory=dict)
    facts: dict[str, Any] = Field(default_factory=dict, description="Small JSON results that later stages and the report need.")
    versions: dict[str, str] = Field(default_factory=dict, description="Plug-ins and libraries that made the outputs.")
    warnings: list[str] = Field(default_factory=list)
    seconds: float = Field(default=0.0, ge=0, description="Wall time of the attempt that was published.")

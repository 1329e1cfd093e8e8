"""Settings of this room, beside those that every worker has."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from mtf.settings import WorkerSettings
from mtf_inference.policy import Policy


class InferenceSettings(WorkerSettings):
    """`MTF_*` as the inference service reads them."""

    sandbox: Literal["require", "prefer"] = Field(
        default="prefer", description="`require`: open no model below the level `strict`; `prefer`: use the best that the kernel has."
    )
    allow_pickle: bool = Field(
        default=False, description="Open pickle and joblib files, at the level `strict` only. They can run any code."
    )
    inference_loaders: str = Field(default="", description="Comma-separated loaders that this container serves; all when empty.")

    @property
    def policy(self) -> Policy:
        """What the settings mean for loaders and sandbox."""
        names = tuple(name.strip() for name in self.inference_loaders.split(",") if name.strip())
        return Policy(sandbox=self.sandbox, allow_pickle=self.allow_pickle, loaders=names)

    def options(self) -> dict[str, Any]:
        """What a job's child is told (`JobContext.options`)."""
        return self.policy.options()

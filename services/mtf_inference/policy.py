"""Which loaders this process may use, and how strong the sandbox must be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mtf.errors import PlatformError, SpecError
from mtf_inference.sandbox.ranks import RANK


@dataclass(frozen=True)
class Policy:
    """What the settings say. A child gets it through its job's options."""

    sandbox: str = "prefer"
    """`require`: below `strict` no model is opened; `prefer`: the best that the kernel has."""
    allow_pickle: bool = False
    loaders: tuple[str, ...] = ()
    """Names of the loaders that may be used; empty for all."""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Policy:
        """From a job's options."""
        return cls(
            sandbox=str(options.get("sandbox", "prefer")),
            allow_pickle=bool(options.get("allow_pickle", False)),
            loaders=tuple(options.get("loaders", ())),
        )

    def options(self) -> dict[str, Any]:
        """As a job's options."""
        return {"sandbox": self.sandbox, "allow_pickle": self.allow_pickle, "loaders": list(self.loaders)}

    def admit(self, loader: Any) -> None:
        """Raise SpecError for a loader that this container does not serve, or that needs a setting which is off."""
        if self.loaders and loader.name not in self.loaders:
            served = "`inference-remote`" if loader.remote else "`inference`"
            raise SpecError(
                f"the loader `{loader.name}` is not served here; the container {served} serves it",
                field="model.source",
                found=loader.name,
                fix=f"send the job to {served}, or add the loader to MTF_INFERENCE_LOADERS",
            )
        if loader.unsafe and not self.allow_pickle:
            raise SpecError(
                f"the model is a {loader.name} file, which can run any code while it is opened, and such files are switched off",
                field="model.source",
                found=loader.name,
                fix="save the model as skops or ONNX, or set MTF_ALLOW_PICKLE=true where you trust the file",
            )


def settled(policy: Policy, loader: Any, level: str, lacking: Sequence[str]) -> None:
    """Raise PlatformError when the sandbox that was reached is too weak to open the model."""
    needed = "strict" if loader.unsafe or policy.sandbox == "require" else "process"
    if RANK[level] < RANK[needed]:
        raise PlatformError(
            f"the sandbox reached the level `{level}`, and `{needed}` is needed ({'; '.join(lacking)[:300] or 'no reason is known'})",
            field="MTF_SANDBOX",
            found=level,
            fix="run on a Linux kernel with Landlock (5.13) and seccomp"
            + ("; pickles are opened at no other level" if loader.unsafe else ", or set MTF_SANDBOX=prefer"),
        )

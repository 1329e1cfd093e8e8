"""What runs in the child: build the context, call the stage, hand back plain JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtf.contracts.job import Limits
from mtf.contracts.reference import Reference
from mtf.errors import StageCrashError
from mtf.jobs.child import Emitter, JobContext
from mtf.plugins import SourceContext, StageOutcome, resolve

ENTRY = "mtf.jobs.inside:compute"
"""What the zygote is asked to run."""


def compute(payload: dict[str, Any], events: int) -> dict[str, Any]:
    """Run the stage that `payload` describes; `events` is the descriptor its progress and log lines go to."""
    outcome = resolve(payload["entry"])(context_of(payload, events))
    if not isinstance(outcome, StageOutcome):
        raise StageCrashError(f"the stage returned {type(outcome).__name__}; a StageOutcome was expected")
    return {"outputs": dict(outcome.outputs), "facts": plain(outcome.facts), "warnings": [str(text) for text in outcome.warnings]}


def context_of(payload: Mapping[str, Any], events: int) -> JobContext:
    """The job as the stage sees it."""
    source = payload["source"]
    return JobContext(
        stage=payload["stage"],
        spec=payload["spec"],
        inputs={name: Path(path) for name, path in payload["inputs"].items()},
        output=Path(payload["output"]),
        emitter=Emitter(events),
        limits=Limits.model_validate(payload["limits"]),
        source=SourceContext(
            credentials=source["credentials"],
            base=_path(source["base"]),
            http_allow=tuple(source["http_allow"]),
            uploads=_path(source["uploads"]),
            confined=source["confined"],
        ),
        options=payload["options"],
        references={name: Reference.model_validate(one) for name, one in payload["references"].items()},
    )


def plain(value: Any) -> Any:
    """A value as JSON has it: NaN and infinities become null, numpy scalars and arrays Python's own, paths and dates text.

    Raises TypeError for anything else, because a fact that turns into its `repr` is wrong in silence.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    return _plain_object(value)


def _plain_object(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    for method, convert in (("isoformat", str), ("tolist", plain), ("model_dump", plain)):
        if hasattr(value, method):
            return convert(getattr(value, method)())
    raise TypeError(f"a fact of type {type(value).__name__} is not JSON")


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)

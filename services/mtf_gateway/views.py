"""Rows as the API shows them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import RowMapping

from mtf.contracts.problem import Problem
from mtf.contracts.reference import STAGES, Reference, StageName
from mtf.contracts.registry import RunEvent, RunView, StageView
from mtf_gateway.plan import stage_of
from mtf_gateway.registry.names import stamp


def run_view(row: RowMapping, stages: Iterable[RowMapping], *, status: str | None = None) -> RunView:
    """A run with its stages; `status` overrides the row's where the caller knows that its owner is gone."""
    rows = list(stages)
    return RunView.model_validate({
        **{name: row[name] for name in _PLAIN},
        "status": status or row["status"],
        "problem": None if row["problem"] is None else Problem.model_validate(row["problem"]),
        **{name: _time(row[name]) for name in ("created_at", "started_at", "finished_at")},
        "stages": [_stage(name, [one for one in rows if stage_of(one["stage"]) == name]) for name in STAGES],
    })  # fmt: skip


_PLAIN = (
    "id", "name", "verdict", "created_by", "attempts", "cancel_requested", "spec", "dataset", "model", "tags", "metrics", "gates", "warnings",
    "version", "revision",
)  # fmt: skip


def event_view(row: RowMapping) -> RunEvent:
    """One entry of a run's history."""
    return RunEvent(seq=row["seq"], at=stamp(row["at"]), kind=row["kind"], stage=row["stage"], data=row["data"])


def outputs_of(rows: Iterable[RowMapping]) -> dict[str, Reference]:
    """Files of a run by `stage/output`; those of a stage's second part carry its name, as in `acquisition/train.data`."""
    found: dict[str, Reference] = {}
    for row in rows:
        stage, _, part = row["stage"].partition(".")
        for name, reference in row["outputs"].items():
            found[f"{stage}/{part}.{name}" if part else f"{stage}/{name}"] = Reference.model_validate(reference)
    return found


def _stage(name: StageName, rows: list[RowMapping]) -> StageView:
    """A stage and its second part, where it has one, as one."""
    if not rows:
        return StageView(stage=name, status="waiting")
    first, last = rows[0], rows[-1]
    current = next((row for row in rows if row["status"] != "succeeded"), last)
    status = "running" if current["status"] == "waiting" and current is not first else current["status"]
    finished = [row for row in rows if row["status"] == "succeeded"]
    done = len(finished) == len(rows)
    outputs = {key.partition("/")[2]: reference for key, reference in outputs_of(rows).items()}
    return StageView(
        stage=name,
        status=status,
        fingerprint=first["fingerprint"],
        cached=all(row["cached"] for row in rows) if done else None,
        started_at=_time(first["started_at"]),
        finished_at=_time(current["finished_at"]),
        seconds=sum(row["seconds"] for row in rows) if done else None,
        progress=current["progress"],
        outputs=outputs,
        facts=first["facts"],
    )


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else stamp(seconds)

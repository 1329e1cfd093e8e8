"""Runs that are over, written straight into the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert

from mtf_gateway.db.engine import Database
from mtf_gateway.db.tables import RUN_STAGES, RUNS

DIGEST = "a" * 64


def finished(database: Database, run_id: str, value: float | None = 0.9, **changes: Any) -> str:
    """Store a succeeded run with its inference and evaluation stage; `model` decides which model it is about."""
    metric = {"value": value, "lower": 0.1, "upper": 0.95, "n": 150, "method": "wilson"}
    model = changes.pop("model", "m@1")
    versions = changes.pop("versions", {"metric:accuracy": "1"})
    scored = changes.pop("scored", {"ref": f"artifacts:inference/{run_id}", "sha256": DIGEST, "size": 3})
    row: dict[str, Any] = {
        "id": run_id,
        "name": run_id,
        "status": "succeeded",
        "created_by": "ann",
        "created_at": 100.0,
        "spec": {"evaluation": {}},
        "plan": {"model": {"inputs": {"model": {"sha256": model}}, "spec": {"threshold": 0.5}}, "warnings": []},
        "dataset": "iris@1",
        "model": model,
        "tags": {},
        "max_runtime": 1.0,
        "metrics": {"accuracy": metric},
        "gates": [{"expression": "accuracy >= 0.5", "verdict": "pass", "observed": metric, "reason": "r"}],
        "warnings": [],
        "verdict": "pass",
        "task": "binary",
        "rows_key": "rows-1",
        "report": {"report": {"ref": "artifacts:r/1", "sha256": DIGEST, "size": 3}},
        **changes,
    }
    request = {"spec": {"task": "binary"}, "inputs": {"scored": scored}}
    blank = {"run_id": run_id, "status": "succeeded", "outputs": {}, "facts": {}, "warnings": [], "versions": {}}
    stages = [
        {**blank, "stage": "processing", "position": 1, "facts": {"rows": {"test": 150}}},
        {**blank, "stage": "inference", "position": 2, "outputs": {"test.scored": scored}, "facts": {"task": "binary", "labels": [0, 1]}},
        {**blank, "stage": "evaluation", "position": 3, "request": request, "fingerprint": "f1", "versions": versions},
    ]

    def work(connection: Connection) -> None:
        connection.execute(insert(RUNS).values(**row))
        for stage in stages:
            connection.execute(insert(RUN_STAGES).values(**stage))

    database.write_now(work)
    return run_id

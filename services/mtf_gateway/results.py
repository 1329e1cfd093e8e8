"""The result document as it is handed out: what the evaluation wrote, with the run's id where it left room for it."""

from __future__ import annotations

import json
from pathlib import Path

from sqlalchemy import RowMapping

from mtf.contracts.reference import Reference
from mtf.errors import ConflictError, UsageError
from mtf.storage.store import LocalStore
from mtf_gateway.compose import Done
from mtf_gateway.importing import publish_copy
from mtf_gateway.registry.names import stamp

PLACEHOLDER = b"{{run_id}}"
OUTPUTS = {"json": "report", "html": "html", "junit": "junit"}
FILES = {"json": "report.json", "html": "report.html", "junit": "junit.xml"}


def stamped(data: bytes, kind: str, run_id: str, created_at: float) -> bytes:
    """Fill in the id, and in JSON the time of creation. Ids are letters and digits: they need no escaping in any of the three formats."""
    if kind != "json":
        return data.replace(PLACEHOLDER, run_id.encode())
    # The head stands first in the document; a user's own text that looks like the placeholder stands behind it and stays.
    data = data.replace(PLACEHOLDER, run_id.encode(), 1)
    head, key, rest = data.partition(b'"created_at":')
    space = rest[: len(rest) - len(rest.lstrip())]
    rest = rest.lstrip()
    if not key or not rest.startswith(b"null"):
        return data
    return head + key + space + json.dumps(stamp(created_at)).encode() + rest[len(b"null") :]


def document(store: LocalStore, row: RowMapping, kind: str) -> bytes:
    """A finished run's report as `json`, `html` or `junit`. Raises UsageError for another kind, ConflictError for a run without one."""
    if kind not in OUTPUTS:
        raise UsageError("a report is json, html or junit", field="kind", found=kind, fix="ask for one of the three")
    if row["status"] != "succeeded" or not row["report"]:
        raise ConflictError(f"the run has no report: it is {row['status']}", field="run_id", found=row["id"], fix="wait until it succeeded")
    reference = Reference.model_validate(row["report"][OUTPUTS[kind]])
    with store.open(reference.ref) as file:
        return stamped(file.read(), kind, row["id"], row["created_at"])


def deliver(store: LocalStore, folder: Path, row: RowMapping, evaluation: Done, scored: Reference) -> None:
    """Write a run's report files into a folder of its own, and its predictions beside them: a baseline needs both."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, output in OUTPUTS.items():
        with store.open(evaluation.outputs[output].ref) as file:
            data = stamped(file.read(), kind, row["id"], row["created_at"])
        draft = folder / f".{FILES[kind]}.draft"
        draft.write_bytes(data)
        draft.replace(folder / FILES[kind])
    publish_copy(store.path(scored.ref), folder / "scored.parquet")

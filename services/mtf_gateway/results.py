"""The result document as it is handed out: what the evaluation wrote, with what it cannot know where it left room for it.

Equal inputs give equal artefacts, so that the artefact knows no id, no time, no number among the run's evaluations and no count of those who
looked at its test rows: the last one grows while the report lies in its drawer. All four are filled in here, when a report is handed out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import RowMapping

from mtf.contracts.looks import Looks
from mtf.contracts.reference import Reference
from mtf.errors import ConflictError, UsageError
from mtf.storage.store import LocalStore
from mtf_gateway.importing import publish_copy
from mtf_gateway.registry.names import stamp

PLACEHOLDER = b"{{run_id}}"
OUTPUTS = {"json": "report", "html": "html", "md": "markdown", "csv": "csv", "junit": "junit"}
FILES = {"json": "report.json", "html": "report.html", "md": "report.md", "csv": "report.csv", "junit": "junit.xml"}
_HEAD = re.compile(rb'("created_at":\s*)(null)?(?:(,\s*"revision":\s*)null(,\s*"looks":\s*)null)?')
"""What the head of a report leaves open. In a user's own text a quote is escaped, so that it looks different."""


@dataclass(frozen=True)
class Stamp:
    """What a report learns when it is handed out."""

    run_id: str
    created_at: float
    revision: int = 1
    looks: Looks | None = None


def stamped(data: bytes, kind: str, known: Stamp) -> bytes:
    """Fill in the id, and in JSON what else is known. Ids are letters and digits: they need no escaping in any of the formats."""
    if kind != "json":
        return data.replace(PLACEHOLDER, known.run_id.encode())
    # The head stands first in the document; a user's own text that looks like the placeholder stands behind it and stays.
    data = data.replace(PLACEHOLDER, known.run_id.encode(), 1)

    def filled(found: re.Match[bytes]) -> bytes:
        if found[2] is None:
            return found[0]
        text = found[1] + json.dumps(stamp(known.created_at)).encode()
        if found[3] is None:
            return text
        looks = b"null" if known.looks is None else known.looks.model_dump_json().encode()
        return text + found[3] + str(known.revision).encode() + found[4] + looks

    return _HEAD.sub(filled, data, count=1)


def document(store: LocalStore, row: RowMapping, references: Mapping[str, Any] | None, kind: str, known: Stamp) -> bytes:
    """A finished run's report in one of its forms. Raises UsageError for another form, ConflictError for a run that does not have it."""
    if kind not in OUTPUTS:
        raise UsageError(f"there is no report as {kind[:40]}", field="kind", found=kind, fix=f"choose from {', '.join(OUTPUTS)}")
    if row["status"] != "succeeded" or not references:
        raise ConflictError(f"the run has no report: it is {row['status']}", field="run_id", found=row["id"], fix="wait until it succeeded")
    if OUTPUTS[kind] not in references:
        raise ConflictError(
            f"the run was evaluated before reports came as {kind}",
            field="run_id",
            found=row["id"],
            fix=f"save its JSON report with `--format json --out report.json`, then `mtf report report.json --format {kind}`",
        )
    return _read(store, references, kind, known)


def deliver(store: LocalStore, folder: Path, references: Mapping[str, Any], known: Stamp) -> None:
    """Write the report files of one evaluation into a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in (one for one, output in OUTPUTS.items() if output in references):
        draft = folder / f".{FILES[kind]}.draft"
        draft.write_bytes(_read(store, references, kind, known))
        draft.replace(folder / FILES[kind])


def deliver_scored(store: LocalStore, folder: Path, scored: Reference) -> None:
    """Put a run's predictions beside its report: a baseline needs both."""
    publish_copy(store.path(scored.ref), folder / "scored.parquet")


def _read(store: LocalStore, references: Mapping[str, Any], kind: str, known: Stamp) -> bytes:
    reference = Reference.model_validate(references[OUTPUTS[kind]])
    with store.open(reference.ref) as file:
        return stamped(file.read(), kind, known)

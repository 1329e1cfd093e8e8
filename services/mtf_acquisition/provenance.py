"""Where a version came from, without secrets: addresses lose their user part and their query, arguments that name a secret keep the name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from mtf.contracts.stages import AcquisitionSpec
from mtf_acquisition.net.addresses import public_address

KEY = b"mtf:provenance"
"""Key of the schema metadata in which a source tells what it found, as a JSON object."""


def told(schema: pa.Schema, **facts: Any) -> pa.Schema:
    """The schema with what a source says of itself."""
    return schema.with_metadata({**(schema.metadata or {}), KEY: json.dumps(facts).encode()})


def listen(schema: pa.Schema, into: dict[str, Any]) -> None:
    """Keep what the source said, once."""
    if not into and schema.metadata and KEY in schema.metadata:
        into.update(json.loads(schema.metadata[KEY]))


def record(spec: AcquisitionSpec, found: dict[str, Any], *, restarted: bool, notes: Sequence[str]) -> dict[str, Any]:
    """The provenance of a version: the source as it was asked for, what it said, and what was decided while reading."""
    args = {key: value for key, value in spec.source.args.items() if value is not None}
    if isinstance(args.get("url"), str):
        args["url"] = public_address(args["url"])
    return {
        "source": {"type": spec.source.name, **args},
        "found": found,
        "types": dict(spec.types),
        "decisions": {"readings": 2 if restarted else 1, "notes": list(notes), "nan": "missing", "naive_times": "UTC"},
    }

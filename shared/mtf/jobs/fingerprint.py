"""The key of a job: everything that decides its result, and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from mtf.contracts.job import FingerprintRequest


def canonical(value: Any) -> bytes:
    """JSON with one spelling per value: sorted keys, no spaces, ASCII. Raises TypeError for what is not JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def fingerprint_of(stage: str, request: FingerprintRequest, versions: Mapping[str, str], freshness: str | None) -> str:
    """SHA-256 in hexadecimal of stage, spec, digests of inputs by name, versions and freshness.

    Without a freshness nothing tells whether the source changed, so that the run's id is mixed in and no other run can share the result.
    """
    parts: dict[str, Any] = {
        "stage": stage,
        "spec": request.spec,
        "inputs": {name: one.sha256 for name, one in request.inputs.items()},
        "versions": dict(versions),
        "freshness": freshness,
    }
    if freshness is None:
        parts["run"] = request.run_id
    return hashlib.sha256(canonical(parts)).hexdigest()

"""When two runs are about the same model, and when two labels are about the same metric."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

OWN = "metric:"
"""Prefix of a metric's name among the versions of an evaluation."""


def model_key(inputs: Mapping[str, Any] | None, spec: Mapping[str, Any] | None) -> str:
    """Equal for two runs that scored the same bytes, or asked the same endpoint, and read the answers alike.

    A label would not do: a file that is trained anew every night keeps its name, and the threshold makes other predictions of one file.
    """
    digests = {name: reference.get("sha256") for name, reference in (inputs or {}).items()}
    text = json.dumps([digests, spec or {}], sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def metric_name(reference: str) -> str:
    """The plug-in's name in `f_beta(beta=2)`."""
    return reference.partition("(")[0].strip()


def version_of(versions: Mapping[str, str], reference: str) -> str | None:
    """The version that a metric had when these versions were written down."""
    return versions.get(f"{OWN}{metric_name(reference)}")

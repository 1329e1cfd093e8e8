"""The JSON Schema of a run file, made of the plug-ins that the workers have: this process has none of their libraries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mtf.contracts.registry import PluginView
from mtf.errors import UnavailableError
from mtf.schema import run_schema


def schema_of(plugins: Sequence[PluginView], down: Sequence[str]) -> dict[str, Any]:
    """The schema. Raises UnavailableError while a worker is down: without its plug-ins the schema would refuse what is right."""
    if down:
        raise UnavailableError(
            f"{' and '.join(down)} {'does' if len(down) == 1 else 'do'} not answer", found=", ".join(down), fix="try again"
        )
    catalogue: dict[str, dict[str, dict[str, Any]]] = {}
    for plugin in plugins:
        described = {"description": plugin.summary, **plugin.arguments}
        catalogue.setdefault(plugin.kind, {})[plugin.name] = described
    return run_schema(catalogue)

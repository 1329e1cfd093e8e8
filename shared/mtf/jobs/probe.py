"""What a worker says about itself: whether it can work, and which plug-ins it found."""

from __future__ import annotations

import contextlib
import logging
import math
import secrets
from collections.abc import Mapping
from typing import Any

from mtf.contracts.reference import StageName
from mtf.contracts.registry import PluginView
from mtf.errors import UnavailableError
from mtf.plugins import RankMetric, RowMetric, load, names
from mtf.storage.publication import PREFIX
from mtf.storage.store import LocalStore

KINDS: Mapping[StageName, tuple[str, ...]] = {
    "acquisition": ("source",),
    "processing": ("step",),
    "inference": ("loader",),
    "evaluation": ("metric", "check"),
}
"""Which kinds of plug-in each stage uses."""
_LOGGER = logging.getLogger(__name__)


def check_storage(store: LocalStore, stage: StageName) -> None:
    """Write and remove a small file where the stage writes. Raises UnavailableError that names the area."""
    home, own = PREFIX[stage]
    # Not the area's root: in containers every stage has only its own folder mounted for writing.
    for area, folder in ((home, store.roots[home] / own), ("logs", store.roots["logs"])):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f".probe-{secrets.token_hex(8)}"
            try:
                probe.write_bytes(b"mtf")
            finally:
                probe.unlink(missing_ok=True)
        except OSError as error:
            raise UnavailableError(
                f"storage area `{area}` cannot be written: {error.strerror}", fix=f"check MTF_{area.upper()}_URL"
            ) from None


def plugin_views(stage: StageName) -> list[PluginView]:
    """Every plug-in of the stage's kinds. One that cannot be imported is logged and left out: it must not hide the others."""
    found = []
    for kind in KINDS[stage]:
        for name in names(kind):
            with _reported(kind, name):
                found.append(_view(stage, kind, name, load(kind, name)))
    return found


def _view(stage: StageName, kind: str, name: str, plugin: Any) -> PluginView:
    summary = getattr(plugin, "summary", None) or (type(plugin).__doc__ or "").strip().split("\n")[0]
    arguments = plugin.Args.model_json_schema() if hasattr(plugin, "Args") else {}
    measures = _measures(plugin) if kind == "metric" else {}
    return PluginView(kind=kind, name=name, version=plugin.version, service=stage, summary=summary, arguments=arguments, **measures)


def _measures(plugin: Any) -> dict[str, Any]:
    """What a metric says of itself that others need to rank and compare by it: they hold none of its libraries."""
    low, high = (float(bound) if math.isfinite(bound) else None for bound in plugin.bounds)
    paired = hasattr(plugin, "influence") or isinstance(plugin, RowMetric | RankMetric)
    return {"greater_is_better": plugin.greater_is_better, "bounds": (low, high), "tasks": list(plugin.tasks), "paired": paired}


@contextlib.contextmanager
def _reported(kind: str, name: str) -> Any:
    try:
        yield
    except Exception:  # a stranger's plug-in may raise anything while it is imported
        _LOGGER.exception("plug-in cannot be loaded", extra={"kind": kind, "plugin": name})

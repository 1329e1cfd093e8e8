"""Test machine-learning models: every number with its uncertainty, every comparison paired, every gate pass, fail or not enough data."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_LAZY = {
    "evaluate": "mtf.library",
    "evaluate_model": "mtf.library",
    "compare": "mtf.library",
    "run": "mtf.embedded",
    "Client": "mtf.client",
}
"""Public names and the modules that hold them; each is imported on first use, so that `import mtf` stays light."""

__all__ = ["Client", "compare", "evaluate", "evaluate_model", "run"]


def __getattr__(name: str) -> Any:
    """Import what a public name needs when it is first asked for."""
    module = _LAZY.get(name)
    if module is None:
        raise AttributeError(f"module 'mtf' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(module), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})

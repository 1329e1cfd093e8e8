"""Whose fault a problem is, and the exit code that follows. Without pydantic, so that a command can know it before it loads a contract."""

from __future__ import annotations

from typing import Literal

Cause = Literal["usage", "spec", "data", "model", "endpoint", "limit", "platform", "cancelled"]
"""Whose fault it is; the exit code follows from it (spec, data, usage 2; model, endpoint, limit, platform 4; cancelled 130)."""

EXIT_CODES: dict[str, int] = {
    "usage": 2,
    "spec": 2,
    "data": 2,
    "model": 4,
    "endpoint": 4,
    "limit": 4,
    "platform": 4,
    "cancelled": 130,
}

"""Identifiers that sort by the time they were made, so that a list by id is a list by age."""

from __future__ import annotations

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(now: float | None = None) -> str:
    """26 characters: 48 bits of milliseconds since 1970, then 80 random bits, in Crockford's base 32 (a ULID in lower case)."""
    milliseconds = int((time.time() if now is None else now) * 1000)
    number = (milliseconds << 80) | secrets.randbits(80)
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -5, -5))

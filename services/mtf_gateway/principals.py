"""Who may call, under which name, and how often."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Protocol

from mtf.cache import Cache
from mtf.errors import AuthError, BusyError, SpecError
from mtf_gateway.registry.names import check_name

ANONYMOUS = "anonymous"
SHORTEST = 16
"""Characters of the shortest token that is accepted: shorter ones can be guessed."""


def parse_tokens(text: str, field: str = "MTF_API_TOKENS") -> dict[str, str]:
    """`name:token` pairs, one a line or separated by commas, as name to token; lines that begin with `#` are comments. Raises SpecError."""
    tokens: dict[str, str] = {}
    for number, line in enumerate(text.replace(",", "\n").splitlines(), 1):
        pair = line.strip()
        if not pair or pair.startswith("#"):
            continue
        if ":" not in pair:  # it may be a token without its name, so that it is not shown
            raise SpecError(f"pair {number} has no colon", field=field, fix="write `name:token`")
        name, _, token = (part.strip() for part in pair.partition(":"))
        check_name(name, field)
        if len(token) < SHORTEST:
            raise SpecError(
                f"the token of `{name}` has fewer than {SHORTEST} characters", field=field, fix="make one: `openssl rand -hex 32`"
            )
        if name in tokens:
            raise SpecError(f"`{name}` has two tokens", field=field, fix="give every caller a name of its own")
        tokens[name] = token
    return tokens


class Turnstile(Protocol):
    """Is told who did not get in; must return at once and never raise."""

    def refused(self, reason: str) -> None:
        """Without a valid token: `missing` or `wrong`."""
        ...

    def limited(self) -> None:
        """Above the rate limit."""
        ...


class Callers:
    """Names callers by their tokens and counts their requests. Without tokens everybody is `anonymous`."""

    def __init__(self, tokens: Mapping[str, str], cache: Cache, *, rate_limit: int = 0, told: Turnstile | None = None) -> None:
        # Digests of equal length are compared, so that the time taken tells nothing about a token.
        self._digests = {name: _digest(token) for name, token in tokens.items()}
        self._cache, self._rate_limit, self._told = cache, rate_limit, told

    async def admit(self, token: str | None, address: str) -> str:
        """The caller's name. Raises AuthError for a missing or wrong token, BusyError above the rate limit."""
        name = self._name(token)
        if self._rate_limit:
            await self._count(name if self._digests else f"{name}:{address}")
        return name

    def _name(self, token: str | None) -> str:
        if not self._digests:
            return ANONYMOUS
        if token is None:
            self._refuse("missing")
            raise AuthError("this gateway wants a token", field="Authorization", fix="send `Authorization: Bearer TOKEN`")
        shown = _digest(token)
        found = [name for name, digest in self._digests.items() if hmac.compare_digest(shown, digest)]
        if not found:
            self._refuse("wrong")
            raise AuthError("no caller has this token", field="Authorization", fix="ask whoever runs this gateway for a token")
        return found[0]

    def _refuse(self, reason: str) -> None:
        if self._told is not None:
            self._told.refused(reason)

    async def _count(self, key: str) -> None:
        if await self._cache.count(f"rate:{key}", 60) > self._rate_limit:
            if self._told is not None:
                self._told.limited()
            left = 60 - time.time() % 60
            raise BusyError(f"more than {self._rate_limit} requests within a minute", retry_after=max(1.0, round(left)))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()

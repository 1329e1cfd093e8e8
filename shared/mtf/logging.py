"""One log for our own lines and for those of libraries: JSON lines, or columns on a terminal; ids from the context; no secrets.

Code logs through the standard library (`logging.getLogger(__name__)`, values in `extra`). structlog renders, and is imported by `configure` alone,
so that a command which only reads a version does not pay for it.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextvars import ContextVar
from functools import lru_cache
from typing import IO, Any

CONTEXT: ContextVar[Mapping[str, str]] = ContextVar("mtf_log_context", default={})  # noqa: B039 - never changed, only replaced
"""Ids that every line of the current task carries: run_id, request_id, job_id, stage."""

MASK = "***"
_SECRET_NAME = re.compile(r"passw|secret|token|authorization|credential|cookie|api[_-]?key|private[_-]?key|dsn", re.IGNORECASE)
_PATTERNS: tuple[tuple[re.Pattern[str], str, Callable[[str], bool]], ...] = (
    (re.compile(r"(?P<head>[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@/]+@", re.IGNORECASE), rf"\g<head>{MASK}@", lambda text: "@" in text),
    (
        re.compile(r"(?P<head>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE),
        rf"\g<head>{MASK}",
        lambda text: len(text.split(maxsplit=1)) > 1,
    ),
    (
        re.compile(r"(?P<head>[?&;](?:[\w-]*(?:token|password|secret|key|signature|credential))=)[^&\s]+", re.IGNORECASE),
        rf"\g<head>{MASK}",
        lambda text: "=" in text,
    ),
)
"""What a secret looks like, what remains of it, and a cheap test without which the search is not worth its time: most values are short words."""
_QUIET = ("uvicorn.access", "httpx2", "httpcore2", "alembic.runtime.migration")
"""Loggers that say per call what our own lines say once."""

Event = MutableMapping[str, Any]


@contextlib.contextmanager
def bound(**ids: str | None) -> Iterator[None]:
    """Add ids to every line of the block, in this task and those it starts."""
    token = CONTEXT.set({**CONTEXT.get(), **{name: value for name, value in ids.items() if value is not None}})
    try:
        yield
    finally:
        CONTEXT.reset(token)


@lru_cache(maxsize=1024)
def _names_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


class Redactor:
    """A processor that masks values under secret names, passwords in addresses, bearer tokens, and the secrets it was told."""

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        self._secrets = tuple(sorted((secret for secret in secrets if len(secret) >= 4), key=len, reverse=True))  # noqa: PLR2004 - shorter ones would mask words

    def __call__(self, logger: Any, method: str, event: Event) -> Event:  # noqa: ARG002 - structlog's signature
        """The event without secrets."""
        return {name: self.value(name, value) for name, value in event.items()}

    def value(self, name: str, value: Any) -> Any:
        """One value, cleaned all the way down."""
        if value is not None and not isinstance(value, bool | int | float) and _names_secret(name):
            return MASK
        if isinstance(value, Mapping):
            return {key: self.value(str(key), one) for key, one in value.items()}
        if isinstance(value, list | tuple | set):
            return [self.value("", one) for one in value]
        return self.text(value) if isinstance(value, str) else value

    def text(self, text: str) -> str:
        """A text without the secrets that can be recognised in it."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        for pattern, replacement, possible in _PATTERNS:
            if possible(text):
                text = pattern.sub(replacement, text)
        return text


def configure(
    service: str,
    *,
    level: str = "INFO",
    style: str = "auto",
    secrets: Sequence[str] = (),
    stream: IO[str] | None = None,
) -> None:
    """Send every log line of this process to `stream` (standard error by default).

    Args:
        service: Name of the service, on every JSON line.
        level: The least level that is shown.
        style: `json`, `console`, or `auto`: columns on a terminal, JSON elsewhere.
        secrets: Texts that must never appear, for example the services' token.
        stream: Where to write.
    """
    import structlog

    target = stream or sys.stderr
    columns = style == "console" or (style == "auto" and target.isatty())
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if columns else "iso", utc=not columns),
        _add_context(None if columns else service),
    ]
    last: Any = structlog.dev.ConsoleRenderer(colors=target.isatty()) if columns else structlog.processors.JSONRenderer(default=str)
    final: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.format_exc_info, Redactor(secrets)]
    if not columns:
        final.append(structlog.processors.EventRenamer("message"))
    handler = logging.StreamHandler(target)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[*final, last]))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


def _add_context(service: str | None) -> Any:
    def add(logger: Any, method: str, event: Event) -> Event:  # noqa: ARG001 - structlog's signature
        event.pop("color_message", None)  # uvicorn says everything twice
        for name, value in CONTEXT.get().items():
            event.setdefault(name, value)
        if service is not None:
            event.setdefault("service", service)
        return event

    return add

"""Whether a text is one SELECT. The database's read-only transaction is the lock; this is the sign on the door, readable before any run."""

from __future__ import annotations

import re

_SKIPPED = re.compile(
    r"""
      --[^\n]*                      # comment to the end of the line
    | /\*.*?\*/                     # comment
    | '(?:[^']|'')*'                # text
    | "(?:[^"]|"")*"                # quoted name
    | `[^`]*` | \[[^\]]*\]          # quoted name of MySQL and of SQL Server
    | \$([A-Za-z_]*)\$.*?\$\1\$     # text of PostgreSQL
    """,
    re.VERBOSE | re.DOTALL,
)
_CHANGES = re.compile(
    r"\b(insert|update|delete|merge|upsert|drop|alter|create|truncate|grant|revoke|attach|detach|vacuum|copy|call|into)\b", re.IGNORECASE
)


def problem_of(query: str) -> str | None:
    """What is wrong with the query, or None where it is one SELECT (or WITH ... SELECT)."""
    bare = _SKIPPED.sub(lambda found: " " if found[0][:2] in {"--", "/*"} else " '' ", query).strip().rstrip(";").strip()
    if "\0" in query:
        return "the query holds a NUL character"
    if ";" in bare:
        return "give one statement; this query has several"
    first = re.match(r"[\s(]*([A-Za-z]+)", bare)
    word = first[1].lower() if first else ""
    if word not in {"select", "with"}:
        return f"only SELECT is allowed; this query begins with `{word.upper() or bare[:20]}`"
    change = _CHANGES.search(bare)
    if change and not (change[1].lower() == "update" and re.search(r"\bfor\s+(no\s+key\s+)?update\b", bare, re.IGNORECASE)):
        return f"only SELECT is allowed; this query holds `{change[1].upper()}` (quote it if it is a name)"
    return None

"""Writes the stack's random secrets once, as files: `python -m mtf.secrets ROOT`.

Each group is a folder (in Compose a volume of its own), so that a container sees only the secrets it needs:

    service/token                    what our services show to each other
    database/{password,url}          PostgreSQL's password and the gateway's URL with it
    cache/{password,url,redis.conf}  the same for Redis, and the configuration that demands it
    grafana/admin_password           the first password of Grafana's `admin`

A file that exists is never changed: a restart keeps every secret, and deleting one file makes a new one.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable
from pathlib import Path

REDIS_CONF = """requirepass {password}
maxmemory 128mb
maxmemory-policy allkeys-lru
save ""
appendonly no
"""


def write_all(root: Path) -> list[str]:
    """Write what is missing under `root` and return the names of the files that were written."""
    written: list[str] = []

    def once(name: str, make: Callable[[], str]) -> str:
        path = root / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f".{path.name}")
            draft.write_text(make() + "\n")
            draft.chmod(0o444)  # other containers read it under other user ids; the volume is the border
            draft.replace(path)
            written.append(name)
        return path.read_text().rstrip("\n")

    def random() -> str:
        return secrets.token_hex(32)

    once("service/token", random)
    password = once("database/password", random)
    once("database/url", lambda: f"postgresql+psycopg://mtf:{password}@postgres:5432/mtf")
    cache_password = once("cache/password", random)
    once("cache/url", lambda: f"redis://:{cache_password}@redis:6379/0")
    once("cache/redis.conf", lambda: REDIS_CONF.format(password=cache_password).rstrip("\n"))
    once("grafana/admin_password", random)
    return written


def main(arguments: list[str]) -> int:
    """Write the secrets below the folder that the one argument names."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m mtf.secrets FOLDER\n")
        return 2
    for name in write_all(Path(arguments[0])):
        sys.stdout.write(f"wrote {name}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

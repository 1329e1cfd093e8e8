"""The order of the sandbox's levels."""

from __future__ import annotations

from typing import Literal

Level = Literal["strict", "partial", "process"]
"""`strict` is Landlock and seccomp, `partial` one of them, `process` resource limits alone."""

RANK: dict[str, int] = {"none": 0, "process": 1, "partial": 2, "strict": 3}

"""An environment of its own for each peer, made by uv from a pinned list."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PLACE = HERE.parent / ".peers"
ROOT = HERE.parent.parent


def python_of(name: str) -> Path | str:
    """The interpreter of the environment `name`, which is made or renewed where its list changed; or why there is none, in words."""
    if name == "ours":
        return Path(sys.executable)
    folder, wanted = PLACE / name, (HERE / f"{name}.txt").read_text(encoding="utf-8")
    python, made = folder / "bin" / "python", folder / "made.txt"
    if made.exists() and made.read_text(encoding="utf-8") == wanted:
        return python
    uv = shutil.which("uv") or str(ROOT / ".venv-tools" / "bin" / "uv")
    for command in (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)],
        [uv, "pip", "install", "--quiet", "--python", str(python), "--requirement", str(HERE / f"{name}.txt")],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"could not be installed: {done.stderr.strip().splitlines()[-1]}"
    made.write_text(wanted, encoding="utf-8")
    return python

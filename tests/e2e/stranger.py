"""A Python of its own that sees our packages and a stranger's plug-in, as an installed package would lie."""

from __future__ import annotations

import os
import subprocess
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

METRIC = '''
import time
from typing import Any, ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict


class NoArgs(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ShareRight:
    """Rows that the model got right."""

    name: ClassVar[str] = "share_right"
    version: ClassVar[int] = {version}
    Args: ClassVar[type[BaseModel]] = NoArgs
    tasks: ClassVar[tuple[str, ...]] = ("binary",)
    greater_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    summary: ClassVar[str] = "Rows that the model got right."

    def terms(self, sample: Any) -> np.ndarray:
        time.sleep({pause})
        return ({right})[:, None].astype(float)

    def value(self, means: np.ndarray) -> float:
        return float(means[0])
'''
"""The first version counts every row that was called positive as right."""
WRONG, RIGHT = "(sample.prediction == sample.target) | (sample.prediction == 1)", "sample.prediction == sample.target"


@dataclass(frozen=True)
class Stranger:
    """The environment, and a folder to run `mtf` in."""

    python: Path
    module: Path
    folder: Path

    @classmethod
    def settle(cls, place: Path) -> Stranger:
        """Make both."""
        venv.create(place / "venv", with_pip=False, symlinks=True)
        site = next((place / "venv" / "lib").glob("python*")) / "site-packages"
        (site / "ours.pth").write_text(f"import site; site.addsitedir({sysconfig.get_paths()['purelib']!r})\n")
        information = site / "share_right-1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: share-right\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text("[mtf.metrics]\nshare_right = share_right:ShareRight\n")
        (place / "work").mkdir()
        return cls(place / "venv" / "bin" / "python", site / "share_right.py", place / "work")

    def publish(self, version: int, right: str, pause: float = 0.0) -> None:
        """Install this version of the plug-in."""
        self.module.write_text(METRIC.format(version=version, right=right, pause=pause))

    def start(self, *words: object) -> subprocess.Popen[str]:
        """The command, beside the test, as leader of a process group of its own."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("MTF_")}
        return subprocess.Popen(
            [str(self.python), "-m", "mtf", *map(str, words)],
            cwd=self.folder,
            env={**kept, "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __call__(self, *words: object, code: int = 0) -> str:
        """Run to the end; what it printed."""
        process = self.start(*words)
        out, err = process.communicate(timeout=200)
        assert process.returncode == code, f"mtf {' '.join(map(str, words))}: {process.returncode}\n{out}\n{err}"
        assert "Traceback" not in err, err
        return out

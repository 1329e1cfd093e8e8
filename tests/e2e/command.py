"""The real command, as a process of its own in a folder of its own."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from tests.conftest import ROOT

EXAMPLES = ROOT / "examples"


@dataclass(frozen=True)
class Command:
    """`mtf` in one folder, with its results under one home. Nothing of the tester's own MTF settings is seen."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """Where results go: the folder's own."""
        return self.folder / ".mtf"

    def _settings(self) -> dict[str, str]:
        own = {key: value for key, value in os.environ.items() if not key.startswith("MTF_")}
        return {**own, "NO_COLOR": "1", "PYTHONWARNINGS": "error::ResourceWarning", "MTF_HOME": str(self.home), **self.environment}

    def __call__(self, *arguments: object, code: int = 0, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run to the end and hold it to its exit code."""
        done = subprocess.run(
            [sys.executable, "-m", "mtf", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env=self._settings(),
            input=stdin,
            timeout=200,
        )
        assert done.returncode == code, f"mtf {' '.join(map(str, arguments))}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """Run beside the test. Ctrl-C works in it even where whoever started the tests ignores it, as shells do for background jobs."""
        return subprocess.Popen(
            [sys.executable, "-c", LISTENING, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=self._settings(),
        )


LISTENING = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from mtf.cli.main import main; main()"


class Inside(Command):
    """The same command from its entry point in this process, which saves the start of an interpreter."""

    def __call__(self, *arguments: object, code: int = 0, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run to the end and hold it to its exit code."""
        from mtf.cli.main import main

        words = ["mtf", *map(str, arguments)]
        out, err, left = io.StringIO(), io.StringIO(), None
        with (
            contextlib.chdir(self.folder),
            mock.patch.dict(os.environ, self._settings(), clear=True),
            mock.patch.object(sys, "argv", words),
            mock.patch.object(sys, "stdin", io.StringIO(stdin)),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            try:
                main()
            except SystemExit as done:
                left = done.code
        assert left == code, f"{' '.join(words)}: {left}\n{out.getvalue()}\n{err.getvalue()}"
        assert "Traceback" not in err.getvalue(), err.getvalue()
        return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())

"""The health check that containers run, against a real server."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Answers(BaseHTTPRequestHandler):
    """200 for /healthz, 503 for /readyz, silence for anything else."""

    def do_GET(self) -> None:
        """Answer by path."""
        status = {"/healthz": 200, "/readyz": 503}.get(self.path)
        if status is None:
            threading.Event().wait(5)
            return
        self.send_response(status)
        self.end_headers()
        self.wfile.write(b"storage area `data` cannot be written")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server on a free port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("path", "code", "words"),
    [("/healthz", 0, ""), ("/readyz", 1, "storage area"), ("/silence", 1, "timed out")],
)
def test_the_exit_code_says_whether_it_is_healthy(address: str, path: str, code: int, words: str) -> None:
    """2xx is 0; another status, and no answer within 3 s, are 1 with the reason; a proxy in the environment is not asked."""
    environment = {"PATH": "/bin", "http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-m", "mtf.health", address + path], capture_output=True, text=True, timeout=10, env=environment, check=False
    )
    assert done.returncode == code
    assert words in done.stderr


def test_nobody_there_is_unhealthy() -> None:
    """A refused connection is 1, and so is something that is no address; a wrong call is 2."""
    for arguments, code in ((["http://127.0.0.1:9/healthz"], 1), (["nonsense"], 1), ([], 2)):
        done = subprocess.run([sys.executable, "-m", "mtf.health", *arguments], capture_output=True, text=True, timeout=10, check=False)
        assert done.returncode == code
        assert done.stderr

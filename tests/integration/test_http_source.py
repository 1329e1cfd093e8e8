"""The `http` source against a real server on this machine that misbehaves on demand."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pyarrow.parquet as pq
import pytest

from mtf.errors import DataError, EndpointError, LimitError, MtfError, SpecError
from mtf.plugins import SourceContext
from mtf.testing import StageRun, run_stage
from mtf_acquisition.net import download
from mtf_acquisition.stage import STAGE

CSV = b"a,b\n1,x\n2,y\n"
SECRET = "hunter2-token"


class Handler(BaseHTTPRequestHandler):
    """Each path is one kind of server."""

    protocol_version = "HTTP/1.1"
    hits: ClassVar[dict[str, int]] = {}

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Say nothing."""

    def do_HEAD(self) -> None:
        """As GET, without the body."""
        self.do_GET()

    def do_GET(self) -> None:
        """Find the path's behaviour."""
        name = self.path.partition("?")[0].strip("/").partition(".")[0]
        self.hits[name] = self.hits.get(name, 0) + 1
        getattr(self, name, self.missing)()

    def reply(self, status: int = 200, body: bytes = CSV, **headers: str) -> None:
        self.send_response(status)
        for key, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def missing(self) -> None:
        self.reply(404, b"")

    def good(self) -> None:
        self.reply(ETag='"v1"', Content_Type="text/csv")

    def weak(self) -> None:
        self.reply(ETag='W/"v1"')

    def packed(self) -> None:
        self.reply(body=gzip.compress(CSV), Content_Encoding="gzip")

    def secret(self) -> None:
        self.reply() if self.headers.get("Authorization") == f"Bearer {SECRET}" else self.reply(401, b"")

    def broken(self) -> None:
        self.reply(500, b"")

    def recovering(self) -> None:
        self.reply(503, b"") if self.hits["recovering"] < 3 else self.reply()

    def slow(self) -> None:
        self.reply(body=b"", Content_Length="1000")
        time.sleep(3)

    def dying(self) -> None:
        self.reply(Content_Length="1000")
        self.close_connection = True

    def reviving(self) -> None:
        if self.hits["reviving"] == 1:
            self.dying()
        else:
            self.reply()

    def metadata(self) -> None:
        self.reply(302, b"", Location="http://169.254.169.254/latest/meta-data")

    def inside(self) -> None:
        self.reply(302, b"", Location="http://10.0.0.1/x.csv")

    def moved(self) -> None:
        self.reply(302, b"", Location="/good.csv")

    def huge(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        for _ in range(200):
            self.wfile.write(b"x" * 65_536)

    def late(self) -> None:
        self.reply(body=b"a,b\n" + b"1,x\n" * 1_200_000 + b"oops,y\n")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of the server."""
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    httpd.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that give up are what is tested
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_address[1]}"
    httpd.shutdown()
    httpd.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count anew, and do not wait between tries."""
    Handler.hits.clear()
    monkeypatch.setattr(download, "_LONGEST_WAIT", 0.01)


def context(*allow: str) -> SourceContext:
    return SourceContext(credentials={"DATA": SECRET}, http_allow=allow)


def acquire(url: str, folder: Path, *allow: str, **options: Any) -> StageRun:
    spec = STAGE.validate({"source": {"type": "http", "url": url, **options}}).spec
    return run_stage(STAGE.entry, spec, output=folder / "out", source=context(*(allow or ("loopback",))))


def refused(url: str, folder: Path, *allow: str, **options: Any) -> MtfError:
    with pytest.raises(MtfError) as caught:
        acquire(url, folder, *allow, **options)
    assert SECRET not in caught.value.problem().model_dump_json()
    assert caught.value.field
    assert caught.value.fix
    assert not list((folder / "out").glob(".scratch*"))
    return caught.value


@pytest.mark.parametrize("path", ["good.csv", "moved.csv", "packed.csv", "packed.csv.gz", "recovering.csv", "reviving.csv", "weak"])
def test_tables_arrive(server: str, tmp_path: Path, path: str) -> None:
    """Straight, redirected, packed, and after a server or a line recovered."""
    run = acquire(f"{server}/{path}", tmp_path)
    assert pq.read_table(run.path("data")).to_pydict() == {"a": [1, 2], "b": ["x", "y"]}
    assert sorted(file.name for file in run.folder.iterdir()) == ["data.parquet"]


def test_provenance_and_freshness(server: str, tmp_path: Path) -> None:
    """The ETag is kept and tells freshness; a weak one does not; a query in the address is not repeated."""
    run = acquire(f"{server}/good.csv?signature=abc", tmp_path)
    found = run.outcome.facts["provenance"]
    assert found["found"] == {"bytes": len(CSV), "etag": '"v1"', "last_modified": None, "content_type": "text/csv"}
    assert "signature" not in repr(run.outcome)
    for path, tag in (("good.csv", '"v1"'), ("weak.csv", None), ("missing.csv", None)):
        spec = STAGE.validate({"source": {"type": "http", "url": f"{server}/{path}"}}).spec
        assert STAGE.freshness(spec, context("loopback")) == tag


def test_a_credential_opens_and_stays_secret(server: str, tmp_path: Path) -> None:
    """It goes to the server and nowhere else; a missing one names the credential."""
    run = acquire(f"{server}/secret.csv", tmp_path, credential="DATA")
    assert run.outcome.facts["rows"] == 2
    assert SECRET not in repr((run.outcome, run.events))
    assert refused(f"{server}/secret.csv", tmp_path).field == "dataset.source.credential"
    unknown = refused(f"{server}/secret.csv", tmp_path, credential="OTHER")
    assert "MTF_CREDENTIAL_OTHER" in str(unknown.fix)


def test_status(server: str, tmp_path: Path) -> None:
    """404 at once, 500 after four tries."""
    assert isinstance(refused(f"{server}/nothing.csv", tmp_path), DataError)
    assert Handler.hits["nothing"] == 1
    assert isinstance(refused(f"{server}/broken.csv", tmp_path), EndpointError)
    assert Handler.hits["broken"] == 4


def test_a_slow_server(server: str, tmp_path: Path) -> None:
    """Silence ends at the read time-out, four times."""
    began = time.monotonic()
    error = refused(f"{server}/slow.csv", tmp_path, read_timeout=0.2)
    assert isinstance(error, EndpointError)
    assert "sent nothing for 0.2 s" in error.message
    assert time.monotonic() - began < 3


def test_a_line_that_dies(server: str, tmp_path: Path) -> None:
    """Half a body is never taken for a whole one."""
    error = refused(f"{server}/dying.csv", tmp_path)
    assert isinstance(error, EndpointError)
    assert Handler.hits["dying"] == 4


def test_nobody_listens(tmp_path: Path) -> None:
    """A closed port is an endpoint that is down."""
    assert isinstance(refused("http://127.0.0.1:9/x.csv", tmp_path), EndpointError)


def test_redirects_are_checked(server: str, tmp_path: Path) -> None:
    """A redirect to a metadata address is refused always, one to a private address without permission."""
    assert "metadata" in refused(f"{server}/metadata.csv", tmp_path, "loopback", "private", "*").message
    assert "private" in refused(f"{server}/inside.csv", tmp_path).message


def test_loopback_needs_permission(server: str, tmp_path: Path) -> None:
    """Without it no byte is sent."""
    error = refused(f"{server}/good.csv", tmp_path, "private")
    assert isinstance(error, SpecError)
    assert "loopback" in error.message
    assert Handler.hits == {}
    assert acquire(f"{server.replace('127.0.0.1', 'localhost')}/good.csv", tmp_path, "localhost").outcome.facts["rows"] == 2


def test_too_large(server: str, tmp_path: Path) -> None:
    """A body without a length is cut at the bound."""
    assert isinstance(refused(f"{server}/huge.csv", tmp_path, max_bytes=100_000), LimitError)


def test_a_second_reading_uses_the_same_bytes(server: str, tmp_path: Path) -> None:
    """A late contradiction reads the download again, not the server."""
    run = acquire(f"{server}/late.csv", tmp_path)
    assert run.outcome.facts["rows"] == 1_200_001
    assert run.outcome.facts["columns"][0]["type"] == "utf8"
    assert Handler.hits["late"] == 1

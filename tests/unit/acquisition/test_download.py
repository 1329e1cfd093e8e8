"""Downloads, against answers made up here; the integration ring has a real server."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mtf.errors import DataError, EndpointError, LimitError, MtfError, SpecError
from mtf.outbound import GuardedTransport, Resolver
from mtf_acquisition.net.download import Call, Fetched, etag, fetch, strong

SECRET = "hunter2"
Handler = Callable[[httpx2.Request], httpx2.Response]


class Server:
    """Answers in turn; remembers requests and waits."""

    def __init__(self, *answers: httpx2.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx2.Request] = []
        self.waits: list[float] = []

    def transport(self) -> httpx2.BaseTransport:
        return httpx2.MockTransport(self.handle)

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def call(self, **changes: Any) -> Call:
        call = Call(
            url="https://data.example/t.csv?key=topsecret",
            shown="https://data.example/t.csv?…",
            secret=SECRET,
            max_bytes=100,
            connect_timeout=1,
            read_timeout=1,
            sleep=self.waits.append,
        )
        return replace(call, **changes)


def fails(server: Server, folder: Path, **changes: Any) -> MtfError:
    with pytest.raises(MtfError) as caught:
        fetch(server.call(**changes), server.transport, folder / "t")
    said = caught.value.problem().model_dump_json()
    assert SECRET not in said
    assert "topsecret" not in said
    assert caught.value.fix
    return caught.value


def guarded(allow: tuple[str, ...], resolver: Resolver | None) -> GuardedTransport:
    return GuardedTransport(("public", *allow), field="dataset.source.url", resolver=resolver)


def answer(status: int = 200, content: bytes = b"a,b\n1,2\n", **headers: str) -> httpx2.Response:
    return httpx2.Response(
        status, stream=httpx2.ByteStream(content), headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def test_what_arrives(tmp_path: Path) -> None:
    """Bytes as they are, with what the server says of them; the secret goes as a bearer token."""
    server = Server(answer(etag='"x"', content_type="text/csv; charset=utf-8"))
    assert fetch(server.call(), server.transport, tmp_path / "t") == Fetched(8, '"x"', None, "text/csv")
    assert (tmp_path / "t").read_bytes() == b"a,b\n1,2\n"
    assert server.requests[0].headers["authorization"] == f"Bearer {SECRET}"
    assert server.requests[0].headers["accept-encoding"] == "identity"


def test_user_and_password_make_basic(tmp_path: Path) -> None:
    """A colon tells a pair from a token."""
    server = Server(answer())
    fetch(server.call(secret="ann:pw"), server.transport, tmp_path / "t")
    assert server.requests[0].headers["authorization"] == "Basic " + base64.b64encode(b"ann:pw").decode()


@pytest.mark.parametrize(
    "trouble", [answer(500), answer(429), answer(503), httpx2.ReadTimeout("x"), httpx2.ConnectError("x"), httpx2.RemoteProtocolError("x")]
)
def test_trouble_is_tried_again(tmp_path: Path, trouble: httpx2.Response | Exception) -> None:
    """Three more tries with growing waits; the fourth answer counts, and a fourth failure is told."""
    server = Server(trouble, trouble, trouble, answer())
    fetch(server.call(), server.transport, tmp_path / "t")
    assert len(server.waits) == 3
    assert 0.25 <= server.waits[0] < server.waits[2] <= 3.0
    down = Server(trouble)
    error = fails(down, tmp_path)
    assert isinstance(error, EndpointError)
    assert "(4 tries)" in error.message
    assert len(down.requests) == 4


def test_retry_after_is_honoured_within_reason(tmp_path: Path) -> None:
    """A server may ask for patience, not for an hour."""
    server = Server(answer(503, retry_after="7"), answer(503, retry_after="3600"), answer())
    fetch(server.call(), server.transport, tmp_path / "t")
    assert server.waits == [7.0, 30.0]


def test_answers_that_stay_wrong_are_not_tried_again(tmp_path: Path) -> None:
    """404 is the address, 401 the credential, a strange encoding the server."""
    missing, closed = Server(answer(404)), Server(answer(401))
    assert isinstance(fails(missing, tmp_path), DataError)
    assert len(missing.requests) == 1
    assert fails(closed, tmp_path).field == "dataset.source.credential"
    assert "credential: NAME" in str(fails(Server(answer(403)), tmp_path, secret=None).fix)
    assert fails(Server(answer(content_encoding="br", content=b"")), tmp_path).found == "br"


def test_too_large(tmp_path: Path) -> None:
    """The announced size and the real one are both bounded."""

    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 50

    announced = Server(httpx2.Response(200, headers={"content-length": "1000"}, content=b""))
    assert isinstance(fails(announced, tmp_path), LimitError)
    assert isinstance(fails(Server(httpx2.Response(200, content=endless())), tmp_path), LimitError)


def test_redirects(tmp_path: Path) -> None:
    """They are followed without the secret to another host, five at most, and never to another scheme."""
    server = Server(httpx2.Response(302, headers={"location": "https://mirror.example/t.csv"}), answer())
    fetch(server.call(), server.transport, tmp_path / "t")
    assert "authorization" not in server.requests[1].headers
    assert "redirects" in fails(Server(httpx2.Response(302, headers={"location": "/again"})), tmp_path).message
    with pytest.raises(SpecError, match="only http and https"):
        guarded((), None).handle_request(httpx2.Request("GET", "file:///etc/passwd"))


def test_the_etag(tmp_path: Path) -> None:
    """Strong ones tell freshness; weak, absent and unreachable ones do not."""
    assert etag(Server(answer(etag='"x"')).call(), Server(answer(etag='"x"')).transport) == '"x"'
    for server in (Server(answer(etag='W/"x"')), Server(answer()), Server(answer(405)), Server(httpx2.ConnectError("x"))):
        assert etag(server.call(), server.transport) is None
    assert strong(None) is None


def test_every_hop_is_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The transport connects to the address it checked, keeps the name for the server, and refuses a redirect to a metadata address."""
    seen: list[httpx2.Request] = []

    def inner(self: Any, request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(302, headers={"location": "http://meta.example/latest"})

    monkeypatch.setattr(httpx2.HTTPTransport, "handle_request", inner)
    addresses = {"data.example": ["93.184.215.14"], "meta.example": ["169.254.169.254"]}
    server = Server(answer())
    with pytest.raises(SpecError, match="metadata"):
        fetch(server.call(), lambda: guarded(("private", "loopback"), lambda host, port: addresses[host]), tmp_path / "t")
    assert len(seen) == 1
    assert seen[0].url.host == "93.184.215.14"
    assert seen[0].headers["host"] == "data.example"
    assert seen[0].extensions["sni_hostname"] == "data.example"


def test_a_name_is_looked_up_once_a_connection(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A resolver that answers differently the second time gains nothing: the second answer is checked before it is used."""
    answers = iter([["93.184.215.14"], ["127.0.0.1"]])
    monkeypatch.setattr(httpx2.HTTPTransport, "handle_request", lambda self, request: httpx2.Response(500))
    server = Server(answer())
    with pytest.raises(SpecError, match="loopback"):
        fetch(server.call(), lambda: guarded((), lambda host, port: next(answers)), tmp_path / "t")


def test_another_address_of_the_host_is_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A host with a dead first address is still read."""

    def inner(self: Any, request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "93.184.215.14":
            raise httpx2.ConnectError("x")
        return answer()

    monkeypatch.setattr(httpx2.HTTPTransport, "handle_request", inner)
    server = Server(answer())
    transport = lambda: guarded((), lambda host, port: ["93.184.215.14", "93.184.215.15"])  # noqa: E731 - as short as it is
    assert fetch(server.call(), transport, tmp_path / "t").size == 8
    assert server.waits == []

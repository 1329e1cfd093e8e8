"""Every route of every worker answers every mistake in the one error shape."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from mtf.contracts.job import EVENT
from mtf.contracts.problem import Problem
from mtf.plugins import load, resolve
from mtf.settings import WorkerSettings

WORKERS = ("acquisition", "processing", "inference", "evaluation")
TOKEN = "a-token-for-tests"
ALLOWED = {"Authorization": f"Bearer {TOKEN}"}
JOB = {"job_id": "j", "epoch": 1, "stage": "evaluation", "fingerprint": "a" * 64, "spec": {}}
ROUTES = (
    ("POST", "/v1/jobs"),
    ("DELETE", "/v1/jobs/j?epoch=1"),
    ("POST", "/v1/validate"),
    ("POST", "/v1/fingerprint"),
    ("GET", "/v1/plugins"),
)


@pytest.fixture(scope="module", params=WORKERS)
def worker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A worker as its image runs it, over temporary folders."""
    root = tmp_path_factory.mktemp(request.param)
    roots = {f"{area}_url": str(root / area) for area in ("data", "artifacts", "models", "logs")}
    app = resolve(load("service", request.param).app)(WorkerSettings.model_validate({"token": TOKEN, **roots}))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def problem(response: Any, status: int) -> Problem:
    """The problem document of an answer, after its shape was checked."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found = Problem.model_validate(response.json())
    assert found.status == status
    assert found.instance == f"urn:mtf:request:{response.headers['x-request-id']}"
    assert 0 < len(found.detail) < 500
    return found


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_call_without_the_token_is_refused(worker: TestClient, method: str, path: str) -> None:
    """No token and a wrong one: 401 with a challenge, before the body is looked at."""
    for given in ("", "Bearer wrong", "Basic d3Jvbmc=", "Bearer ünïcode", "Bearer"):
        headers = {b"Authorization": given.encode("latin-1")}
        response = worker.request(method, path, headers=headers)
        assert problem(response, 401).code == "unauthorized"
        assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/nothing", "/v1/nothing", "/v1/jobs/j/nothing", "/docs/static/..%2f..%2fhttp.py"])
def test_an_unknown_path_is_a_404(worker: TestClient, path: str) -> None:
    """Also below the documentation's files."""
    assert problem(worker.get(path, headers=ALLOWED), 404).code == "not-found"


@pytest.mark.parametrize(("method", "path"), [("PUT", "/v1/jobs"), ("GET", "/v1/validate"), ("POST", "/healthz"), ("DELETE", "/metrics")])
def test_a_wrong_method_is_a_405_that_names_the_right_one(worker: TestClient, method: str, path: str) -> None:
    """`Allow` survives."""
    response = worker.request(method, path, headers=ALLOWED)
    assert problem(response, 405).code == "method-not-allowed"
    assert response.headers["allow"]


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/validate", "/v1/fingerprint"])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff\xfe\x00", b'{"job_id": "../../x", "epoch": 0, "section": 7}'])
def test_a_body_that_makes_no_sense_is_a_422(worker: TestClient, path: str, body: bytes) -> None:
    """Whatever the bytes, the fields that are wrong are named."""
    response = worker.post(path, content=body, headers={**ALLOWED, "Content-Type": "application/json"})
    found = problem(response, 422)
    assert found.code == "request-invalid"
    assert found.errors
    assert all(one.message for one in found.errors)


def test_a_wrong_query_is_a_422(worker: TestClient) -> None:
    """The epoch must be a positive integer."""
    for query in ("", "?epoch=0", "?epoch=x"):
        assert problem(worker.delete(f"/v1/jobs/j{query}", headers=ALLOWED), 422).field == "epoch"


def test_a_section_that_is_wrong_is_the_rooms_own_problem(worker: TestClient) -> None:
    """What a room refuses arrives as its problem document, never as a 500."""
    response = worker.post(
        "/v1/validate",
        json={"section": {"source": {"type": "nothing"}, "steps": [{"nothing": {}}], "evaluation": {"gates": ["?"]}}},
        headers=ALLOWED,
    )
    assert problem(response, 422).code == "spec-invalid"


def test_a_job_of_another_room_is_refused(worker: TestClient) -> None:
    """The answer names both stages."""
    name = worker.app.state.worker.service.name  # type: ignore[attr-defined]  # the client types its app as a bare ASGI callable
    other = next(stage for stage in WORKERS if stage != name)
    found = problem(worker.post("/v1/jobs", json={**JOB, "stage": other}, headers=ALLOWED), 500)
    assert (found.field, found.found) == ("stage", other)


def test_a_job_that_fails_ends_its_stream_with_a_problem(worker: TestClient) -> None:
    """Lines parse as events; the last one is a problem in the same shape, with the stage."""
    name = worker.app.state.worker.service.name  # type: ignore[attr-defined]  # see above
    response = worker.post("/v1/jobs", json={**JOB, "stage": name, "spec": {"nothing": True}}, headers=ALLOWED)
    assert response.headers["content-type"] == "application/x-ndjson"
    events = [EVENT.validate_json(line) for line in response.text.splitlines()]
    assert [events[0].type, events[-1].type] == ["started", "problem"]
    assert events[-1].problem.stage == name  # type: ignore[union-attr]  # the line above says which event it is


def test_an_unforeseen_error_is_a_500_without_details(worker: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect shows its request id and nothing of its insides."""

    async def broken() -> list[Any]:
        raise ZeroDivisionError("secret insides")

    monkeypatch.setattr(worker.app.state.worker.engine, "plugins", broken)  # type: ignore[attr-defined]  # see above
    response = worker.get("/v1/plugins", headers=ALLOWED)
    assert problem(response, 500).code == "platform-failed"
    assert "insides" not in response.text


def test_readiness_names_the_part_that_is_down(worker: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with the area while storage cannot be written; liveness stays 200."""
    assert worker.get("/readyz").json()["parts"] == {"zygote": "up", "storage": "up"}
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setitem(worker.app.state.worker.store.roots, "logs", tmp_path / "file")  # type: ignore[attr-defined]  # see above
    assert "`logs`" in problem(worker.get("/readyz"), 503).detail
    assert worker.get("/healthz").status_code == 200


def test_a_request_id_goes_in_and_out(worker: TestClient) -> None:
    """A sane id is kept, another one is replaced."""
    assert worker.get("/healthz", headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert worker.get("/healthz", headers={"X-Request-Id": "a b\tc"}).headers["x-request-id"] != "a b\tc"


def test_openapi_describes_the_one_error_shape(worker: TestClient) -> None:
    """No route speaks of the framework's own validation error, and problems have their media type."""
    schema = worker.get("/openapi.json").json()
    assert "HTTPValidationError" not in schema["components"]["schemas"]
    for path in schema["paths"].values():
        for operation in path.values():
            assert list(operation["responses"]["default"]["content"]) == ["application/problem+json"]


def test_the_documentation_needs_no_network(worker: TestClient) -> None:
    """The page names no other host, and its files are served from here."""
    page = worker.get("/docs").text
    assert "http://" not in page
    assert "https://" not in page
    for name, kind in (("swagger-ui-bundle.js", "text/javascript"), ("swagger-ui.css", "text/css"), ("favicon.png", "image/png")):
        assert f"/docs/static/{name}" in page
        response = worker.get(f"/docs/static/{name}")
        assert response.headers["content-type"].startswith(kind)
        assert len(response.content) > 300

"""Whatever goes wrong on whatever route, the answer has the one error shape."""

from collections.abc import Iterator
from typing import Any

import pytest

from mtf.contracts.problem import Problem
from mtf_gateway.app import ROUTERS
from tests.unit.gateway.application import ANN, Bench, bench

ROUTES = sorted({(method, route.path) for router in ROUTERS for route in router.routes for method in route.methods})  # type: ignore[attr-defined]
GUARDED = [(method, path) for method, path in ROUTES if path.startswith("/v1/")]
VALUES = {
    "run_id": "nothing",
    "reevaluation_id": "nothing",
    "name": "nothing",
    "version": "7",
    "alias": "nothing",
    "digest": "0" * 64,
    "name:path": "nothing",
}


def _fill(path: str) -> str:
    for key, value in VALUES.items():
        path = path.replace(f"{{{key}}}", value)
    return path


def _check(response: Any) -> Problem:
    assert response.headers["content-type"] == "application/problem+json"
    problem = Problem.model_validate(response.json())
    assert problem.status == response.status_code
    assert problem.instance == f"urn:mtf:request:{response.headers['x-request-id']}"
    assert 0 < len(problem.detail) < 1000
    assert "Traceback" not in response.text
    return problem


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A gateway that wants tokens."""
    with bench(tmp_path_factory.mktemp("gateway"), tokens={"ann": ANN}) as opened:
        yield opened


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_without_a_token_every_route_answers_401(gateway: Bench, method: str, path: str) -> None:
    """No public route answers a stranger, and all refuse in the same shape."""
    response = gateway.http.request(method, _fill(path))
    assert response.status_code == 401
    if method != "HEAD":
        assert _check(response).code == "unauthorized"


@pytest.mark.parametrize(
    ("method", "path"), [(m, p) for m, p in GUARDED if m in {"POST", "PUT"} and not p.endswith(("cancel", "resume", "rerun"))]
)
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff\x00", b'{"a": NaN}', b"{" * 2000], ids=range(7))
def test_nonsense_in_a_body_is_a_problem(gateway: Bench, method: str, path: str, body: bytes) -> None:
    """Bodies that cannot be meant are refused with the field that is wrong, and never with 500."""
    headers = {"Authorization": f"Bearer {ANN}", "Content-Type": "application/json"}
    response = gateway.http.request(method, _fill(path), content=body, headers=headers)
    if path.startswith("/v1/uploads") and response.status_code == 201:
        return  # any bytes are a file
    assert 400 <= response.status_code < 500
    problem = _check(response)
    assert problem.field
    assert problem.exit_code == (4 if response.status_code == 413 else 2)


@pytest.mark.parametrize(("method", "path"), [(m, p) for m, p in GUARDED if "{" in p and m in {"GET", "DELETE"}])
def test_what_is_not_there_is_a_404_problem(gateway: Bench, method: str, path: str) -> None:
    """Each route says what does not exist."""
    response = gateway.http.request(method, _fill(path), headers={"Authorization": f"Bearer {ANN}"})
    assert response.status_code == 404
    assert _check(response).field


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v1/nothing", 404), ("PATCH", "/v1/runs", 405), ("GET", "/", 404), ("TRACE", "/v1/runs", 405)]
)
def test_an_address_that_does_not_exist_is_a_problem_too(gateway: Bench, method: str, path: str, status: int) -> None:
    """The framework's own errors have the shape as well."""
    response = gateway.http.request(method, path, headers={"Authorization": f"Bearer {ANN}"})
    assert response.status_code == status
    _check(response)


def test_an_error_that_nobody_foresaw_is_a_problem_without_details(gateway: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug answers 500 with the request's id and nothing of our insides."""

    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(gateway.runs, "list_runs", broken)
    response = gateway.http.get("/v1/runs", headers={"Authorization": f"Bearer {ANN}", "X-Request-Id": "given-by-the-caller"})
    assert response.status_code == 500
    assert _check(response).instance == "urn:mtf:request:given-by-the-caller"
    assert "secret" not in response.text

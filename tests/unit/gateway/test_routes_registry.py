"""`/v1/uploads`, `/v1/datasets`, `/v1/models`, and what can be read over several runs."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mtf.contracts.problem import FieldProblem
from mtf.errors import SpecError
from tests.unit.gateway.application import ANN, BOB, Bench, bench
from tests.unit.gateway.fakes import SPEC

BODY = b"a,b\n1,2\n"
DIGEST = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Bench]:
    """A gateway that is open to everybody."""
    with bench(tmp_path) as opened:
        yield opened


def test_a_file_is_uploaded_once_by_digest(gateway: Bench) -> None:
    """HEAD tells whether it is known; PUT stores it under its digest and POST finds the digest itself."""
    assert gateway.http.head(f"/v1/uploads/{DIGEST}").status_code == 404
    answer = gateway.http.put(f"/v1/uploads/{DIGEST}", content=BODY, params={"name": "../x.csv"})
    assert (answer.status_code, answer.json()) == (201, {"digest": DIGEST, "size": 8, "name": "x.csv", "kind": "csv"})
    assert answer.headers["location"] == f"/v1/uploads/{DIGEST}"
    assert gateway.http.head(f"/v1/uploads/{DIGEST}").status_code == 204
    assert gateway.http.post("/v1/uploads", content=BODY).json()["digest"] == DIGEST
    assert gateway.http.get(f"/v1/uploads/{DIGEST.upper()}").json()["size"] == 8


def test_a_bad_upload_leaves_nothing(gateway: Bench) -> None:
    """Another digest is 422, too large a body 413, both with the field, and no file stays."""
    answer = gateway.http.put(f"/v1/uploads/{'0' * 64}", content=BODY)
    assert (answer.status_code, answer.json()["field"], answer.json()["found"]) == (422, "digest", DIGEST)
    answer = gateway.http.put("/v1/uploads/xyz", content=BODY)
    assert (answer.status_code, answer.json()["field"]) == (422, "digest")
    answer = gateway.http.post("/v1/uploads", content=b"x" * 1001)
    assert (answer.status_code, answer.json()["cause"]) == (413, "limit")
    answer = gateway.http.post("/v1/uploads", content=iter([b"x" * 600, b"x" * 600]))
    assert answer.status_code == 413
    assert gateway.http.post("/v1/uploads", content=b"").status_code == 422
    folder = gateway.parts.store.folder("data", "uploads")
    assert list(folder.iterdir()) == []


def test_a_dataset_version_is_made_and_read(gateway: Bench) -> None:
    """201 for a new version with its place, 200 for the same content again, then it is found by name and number."""
    new = {"name": "iris", "source": {"type": "builtin", "name": "iris"}, "target": "target"}
    made = gateway.http.post("/v1/datasets", json=new)
    assert made.status_code == 201
    assert made.headers["location"] == "/v1/datasets/iris/versions/1"
    assert gateway.http.post("/v1/datasets", json=new).status_code == 200
    assert gateway.http.get(made.headers["location"]).json()["roles"] == {"target": "target"}
    assert gateway.http.get("/v1/datasets/iris").json()["version"] == 1
    assert [item["name"] for item in gateway.http.get("/v1/datasets").json()["items"]] == ["iris"]
    assert gateway.http.get("/v1/datasets/iris/versions/2").status_code == 404
    assert gateway.http.delete("/v1/datasets/iris/versions/1").status_code == 204
    assert gateway.http.get("/v1/datasets/iris").status_code == 404


@pytest.mark.parametrize("name", ["x" * 5000, "../etc", "a/b", "", "a b"])
def test_a_dataset_name_that_a_path_would_misread_is_refused(gateway: Bench, name: str) -> None:
    """422 with the field, and what was found is shortened."""
    answer = gateway.http.post("/v1/datasets", json={"name": name, "source": {"type": "builtin", "name": "iris"}})
    assert answer.status_code == 422
    document = answer.json()
    assert document["field"] == "name"
    assert len(answer.content) < 2000


def test_an_unknown_key_of_a_dataset_is_refused(gateway: Bench) -> None:
    """A misspelt key is an error, because ignoring it would change the result."""
    answer = gateway.http.post("/v1/datasets", json={"name": "a", "source": {"type": "builtin"}, "taget": "y"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "taget"


def test_a_model_is_registered_and_its_alias_moves_by_compare_and_swap(gateway: Bench) -> None:
    """An uploaded file becomes a version in the models' area; an alias moves only from where the mover saw it."""
    gateway.http.put(f"/v1/uploads/{DIGEST}", content=BODY, params={"name": "forest.skops"})
    made = gateway.http.post("/v1/models", json={"name": "forest", "upload": DIGEST, "labels": ["a", "b"]})
    assert made.status_code == 201
    assert made.json()["artifact"]["ref"] == f"models:sha256/{DIGEST}"
    assert gateway.parts.store.path(f"models:sha256/{DIGEST}").read_bytes() == BODY
    assert gateway.http.post("/v1/models", json={"name": "forest", "upload": DIGEST, "labels": ["a", "b"]}).status_code == 200
    assert gateway.http.post("/v1/models", json={"name": "forest", "upload": DIGEST, "format": "onnx"}).json()["version"] == 2
    alias = "/v1/models/forest/aliases/champion"
    assert gateway.http.put(alias, json={"version": 1, "expected": 0}).json()["aliases"] == ["champion"]
    assert gateway.http.put(alias, json={"version": 2, "expected": 0}).status_code == 409
    seen = gateway.http.get(alias).headers["etag"]
    assert gateway.http.put(alias, json={"version": 2}, headers={"If-Match": seen}).status_code == 200
    assert gateway.http.put(alias, json={"version": 1}, headers={"If-Match": seen}).status_code == 409
    assert gateway.http.delete("/v1/models/forest/versions/2").status_code == 409
    assert gateway.http.delete(alias).status_code == 204
    assert gateway.http.get(alias).status_code == 404
    assert [item["version"] for item in gateway.http.get("/v1/models/forest/versions").json()["items"]] == [2, 1]


def test_a_model_has_one_origin(gateway: Bench) -> None:
    """A file that was not uploaded is 404; both origins at once, or none, is 422; an endpoint needs no file."""
    assert gateway.http.post("/v1/models", json={"name": "m", "upload": "0" * 64}).status_code == 404
    assert gateway.http.post("/v1/models", json={"name": "m"}).status_code == 422
    answer = gateway.http.post("/v1/models", json={"name": "m", "endpoint": {"url": "http://127.0.0.1:1/score"}})
    assert (answer.status_code, answer.json()["artifact"], answer.json()["format"]) == (201, None, "endpoint")


def test_two_runs_are_compared(gateway: Bench) -> None:
    """The answer names both; a run that is not there is 404."""
    for _ in range(2):
        gateway.http.post("/v1/runs", json=SPEC)
    answer = gateway.http.post("/v1/comparisons", json={"run": "run2", "baseline": "run1"})
    assert (answer.status_code, answer.json()["rows"]) == (200, 150)
    assert gateway.http.post("/v1/comparisons", json={"run": "run2", "baseline": "run9"}).status_code == 404


def test_plugins_and_the_schema_come_from_the_workers(gateway: Bench) -> None:
    """Plug-ins of workers that answer are listed and the others named; a schema without all of them would be wrong, so it is refused."""
    listed = gateway.http.get("/v1/plugins").json()
    assert ([item["name"] for item in listed["items"]], listed["down"]) == (["builtin"], [])
    schema = gateway.http.get("/v1/schema/run").json()
    assert schema["$defs"]["DataSource"]["oneOf"][0]["properties"]["type"]["const"] == "builtin"
    gateway.runs.down = ["evaluation"]
    assert gateway.http.get("/v1/plugins").json()["down"] == ["evaluation"]
    answer = gateway.http.get("/v1/schema/run")
    assert (answer.status_code, answer.json()["found"]) == (503, "evaluation")


def test_callers_are_known_by_their_tokens(tmp_path: Path) -> None:
    """Without a token, or with a wrong one, nothing is answered; an object carries the name of the one who made it."""
    with bench(tmp_path, tokens={"ann": ANN, "bob": BOB}) as gateway:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic abc"}):
            answer = gateway.http.post("/v1/runs", json=SPEC, headers=headers)
            assert (answer.status_code, answer.json()["field"]) == (401, "Authorization")
            assert "www-authenticate" in answer.headers
        made = gateway.http.post("/v1/runs", json=SPEC, headers={"Authorization": f"Bearer {BOB}"})
        assert made.json()["created_by"] == "bob"
        assert gateway.http.get("/healthz").status_code == 200


def test_a_caller_above_the_rate_waits(tmp_path: Path) -> None:
    """The request after the allowed ones is 429 with the pause, for that caller alone."""
    with bench(tmp_path, tokens={"ann": ANN, "bob": BOB}, rate_limit=3) as gateway:
        statuses = [gateway.http.get("/v1/runs", headers={"Authorization": f"Bearer {ANN}"}).status_code for _ in range(4)]
        assert statuses in ([200, 200, 200, 429], [200, 200, 200, 200])  # a minute may end in between
        if statuses[-1] == 429:
            answer = gateway.http.get("/v1/runs", headers={"Authorization": f"Bearer {ANN}"})
            assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert gateway.http.get("/v1/runs", headers={"Authorization": f"Bearer {BOB}"}).status_code == 200


def test_a_nul_byte_is_refused_wherever_it_stands(gateway: Bench) -> None:
    """In a path, a query or a body: 422 with the place, before a database sees it."""
    for path in (
        "/v1/runs?name=%00",
        "/v1/leaderboard?dataset=%00&metric=a",
        "/v1/runs?tag=a%00",
        "/v1/datasets/a%00",
        "/v1/runs/a%00/logs",
    ):
        answer = gateway.http.get(path)
        assert (answer.status_code, answer.json()["field"]) in {(422, "path"), (422, "query")}
    answer = gateway.http.post("/v1/datasets", json={"name": "a", "source": {"type": "builtin", "name": "iris"}, "target": "a\0"})
    assert (answer.status_code, answer.json()["field"]) == (422, "target")
    answer = gateway.http.post("/v1/comparisons", json={"run": "a\0", "baseline": "b"})
    assert (answer.status_code, answer.json()["field"]) == (422, "run")


def test_a_worker_s_complaint_names_the_field_of_the_request(gateway: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker speaks of `dataset.source.path` as in a run file; the registry's caller wrote `source.path`."""

    async def refuse(_section: dict[str, Any]) -> None:
        errors = [FieldProblem(field="dataset.source.path", message="no"), FieldProblem(field="expect.rows", message="no")]
        raise SpecError("no", field="dataset.source.path", errors=errors)

    monkeypatch.setattr(gateway.parts.datasets, "_acquire", refuse)
    answer = gateway.http.post("/v1/datasets", json={"name": "a", "source": {"type": "file", "path": "x"}})
    assert (answer.status_code, answer.json()["field"]) == (422, "source.path")
    assert [error["field"] for error in answer.json()["errors"]] == ["source.path", "expect.rows"]

"""`/v1/runs` over a core without workers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.gateway.application import Bench, bench
from tests.unit.gateway.fakes import SPEC


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Bench]:
    """A gateway that is open to everybody."""
    with bench(tmp_path) as opened:
        yield opened


def _problem(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    document: dict[str, Any] = response.json()
    assert document["status"] == status
    return document


def test_a_run_is_accepted_with_its_place(gateway: Bench) -> None:
    """JSON and YAML are the same run; the answer is 202 and says where to look."""
    answer = gateway.http.post("/v1/runs", json=SPEC)
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/runs/{answer.json()['id']}"
    assert answer.json()["created_by"] == "anonymous"
    answer = gateway.http.post("/v1/runs", content=yaml.safe_dump(SPEC), headers={"Content-Type": "application/yaml; charset=utf-8"})
    assert answer.status_code == 202
    assert gateway.runs.submitted == [SPEC, SPEC]


def test_a_retried_post_makes_one_run(gateway: Bench) -> None:
    """The same key gives the same run, another key another one."""
    ids = [gateway.http.post("/v1/runs", json=SPEC, headers={"Idempotency-Key": key}).json()["id"] for key in ("k1", "k1", "k2")]
    assert ids[0] == ids[1] != ids[2]


def test_every_wrong_field_is_named(gateway: Bench) -> None:
    """One problem document lists all wrong fields, an unknown key with the nearest known one."""
    wrong = {**SPEC, "name": "x" * 5000, "evaluation": {"metricz": []}, "seed": -1}
    document = _problem(gateway.http.post("/v1/runs", json=wrong), 422)
    assert {error["field"] for error in document["errors"]} == {"name", "evaluation.metricz", "seed"}
    assert "did you mean `metrics`" in next(e["fix"] for e in document["errors"] if e["field"] == "evaluation.metricz")
    assert len(json.dumps(document)) < 3000
    assert _problem(gateway.http.post("/v1/runs", json={**SPEC, "name": "../../etc"}), 422)["field"] == "name"


@pytest.mark.parametrize(
    ("body", "kind", "status", "said"),
    [
        (b'{"name": ', "application/json", 422, "line 1"),
        (b"name: [\n", "application/yaml", 422, "line"),
        (b"name: a\nname: b\n", "application/yaml", 422, "twice"),
        (b"", "application/json", 422, ""),
        (b"[]", "application/json", 422, ""),
        (b"\xff\xfe\x00", "application/json", 422, "UTF-8"),
        (b'{"name": NaN}', "application/json", 422, "finite"),
        (b"[" * 9000, "application/json", 422, ""),
        (b"a=1", "application/x-www-form-urlencoded", 422, "JSON or YAML"),
        (b'"' + b"x" * 20_000 + b'"', "application/json", 413, "too large"),
    ],
)
def test_a_body_that_is_no_run_file_is_explained(gateway: Bench, body: bytes, kind: str, status: int, said: str) -> None:
    """Whatever arrives, the answer is a problem document of a few lines, never a trace."""
    document = _problem(gateway.http.post("/v1/runs", content=body, headers={"Content-Type": kind}), status)
    assert said in document["detail"]
    assert gateway.runs.submitted == []


def test_a_worker_that_is_down_is_named(gateway: Bench) -> None:
    """503 says which part is missing."""
    gateway.runs.down = ["inference"]
    document = _problem(gateway.http.post("/v1/runs", json=SPEC), 503)
    assert "inference" in document["detail"]
    assert document["retryable"]


def test_a_run_file_can_be_checked_alone(gateway: Bench) -> None:
    """Nothing is stored, warnings come back, and wrong fields are told as when it is run."""
    answer = gateway.http.post("/v1/validate", json=SPEC)
    assert (answer.status_code, answer.json()) == (200, {"valid": True, "warnings": ["a warning"]})
    _problem(gateway.http.post("/v1/validate", json={**SPEC, "seed": "x"}), 422)
    assert gateway.runs.runs == {}


def test_an_unchanged_run_is_not_sent_again(gateway: Bench) -> None:
    """The ETag changes with the run and only then; 304 has no body."""
    run_id = gateway.http.post("/v1/runs", json=SPEC).json()["id"]
    first = gateway.http.get(f"/v1/runs/{run_id}")
    assert first.status_code == 200
    again = gateway.http.get(f"/v1/runs/{run_id}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    gateway.runs.change(run_id, status="running")
    changed = gateway.http.get(f"/v1/runs/{run_id}", headers={"If-None-Match": first.headers["etag"]})
    assert changed.json()["status"] == "running"
    assert changed.headers["etag"] != first.headers["etag"]


def test_a_run_is_read_from_the_cache_until_it_changes(gateway: Bench) -> None:
    """The core is asked once for each version of a run."""
    run_id = gateway.http.post("/v1/runs", json=SPEC).json()["id"]
    for _ in range(3):
        gateway.http.get(f"/v1/runs/{run_id}")
    assert gateway.runs.loads == 1
    gateway.runs.change(run_id, status="running")
    assert gateway.http.get(f"/v1/runs/{run_id}").json()["status"] == "running"
    assert gateway.runs.loads == 2
    assert gateway.lookups == [("run", "miss"), ("run", "hit"), ("run", "hit"), ("run", "miss")]


def test_lists_are_paged_and_filtered(gateway: Bench) -> None:
    """Newest first, `cursor` leads on, and a limit beyond the allowed one is refused."""
    for index in range(5):
        gateway.http.post("/v1/runs", json={**SPEC, "name": f"n{index % 2}"})
    page = gateway.http.get("/v1/runs", params={"limit": 3}).json()
    assert [run["id"] for run in page["items"]] == ["run5", "run4", "run3"]
    rest = gateway.http.get("/v1/runs", params={"limit": 3, "cursor": page["cursor"]}).json()
    assert ([run["id"] for run in rest["items"]], rest["cursor"]) == (["run2", "run1"], None)
    assert len(gateway.http.get("/v1/runs", params={"name": "n1"}).json()["items"]) == 2
    assert _problem(gateway.http.get("/v1/runs", params={"limit": 1000}), 422)["errors"][0]["field"].endswith("limit")
    _problem(gateway.http.get("/v1/runs", params={"status": "strange"}), 422)


def test_a_run_is_stopped_repeated_and_deleted(gateway: Bench) -> None:
    """Each verb answers with the run; what a state does not allow is 409 and what is not there 404."""
    run_id = gateway.http.post("/v1/runs", json=SPEC).json()["id"]
    assert gateway.http.post(f"/v1/runs/{run_id}/cancel").json()["status"] == "cancelled"
    _problem(gateway.http.post(f"/v1/runs/{run_id}/cancel"), 409)
    assert gateway.http.post(f"/v1/runs/{run_id}/resume").status_code == 202
    again = gateway.http.post(f"/v1/runs/{run_id}/rerun")
    assert again.headers["location"] == f"/v1/runs/{again.json()['id']}" != f"/v1/runs/{run_id}"
    assert gateway.http.delete(f"/v1/runs/{run_id}").status_code == 204
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/report"), ("GET", "/events"), ("GET", "/artifacts")):
        document = _problem(gateway.http.request(method, f"/v1/runs/{run_id}{path}"), 404)
        assert document["field"] == "run_id"


def test_strange_ids_are_refused_with_their_field(gateway: Bench) -> None:
    """An id that cannot be one is 422 and not a query."""
    for run_id in ("x" * 5000, "a%20b", "%00", "..%00"):
        document = _problem(gateway.http.get(f"/v1/runs/{run_id}"), 422)
        assert "run_id" in json.dumps(document["errors"] or document["field"])

"""The client against the gateway's application on a real loopback connection, over a core without workers."""

import hashlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI

from mtf.client import Client
from mtf.contracts.registry import RunEvent
from mtf.errors import DataError, LimitError, NotFoundError, PlatformError, ProblemError, SpecError, UnavailableError, UsageError
from tests.unit.gateway.application import Bench, bench
from tests.unit.gateway.fakes import AT, SPEC

LIMIT = 5_000_000


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """An application behind uvicorn in a thread."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[tuple[Client, Bench]]:
    """A client and the parts of the gateway that it talks to."""
    with bench(tmp_path / "gateway", upload_limit=LIMIT) as opened:
        app: Any = opened.http.app
        with served(app) as url, Client(url) as client:
            yield client, opened


def test_files_of_a_run_file_are_uploaded_once(gateway: tuple[Client, Bench], tmp_path: Path) -> None:
    """Paths become digests, options of a source stay, and a file that the gateway knows is not sent again."""
    client, opened = gateway
    (tmp_path / "data.csv").write_text("a,y\n1,2\n")
    (tmp_path / "model.skops").write_bytes(b"PK\x03\x04" + b"m" * 3_000_000)
    (tmp_path / "old.csv").write_text("prediction\n1\n")
    (tmp_path / "run.yaml").write_text(
        "name: first\n"
        "dataset:\n  source: {type: file, path: data.csv, delimiter: ','}\n  train: {source: {type: file, path: data.csv}}\n  target: y\n"
        "model:\n  source: {type: file, path: model.skops, format: skops}\n"
        "evaluation:\n  baseline: {source: {type: predictions, path: old.csv}}\n"
    )
    sent: list[tuple[int, int]] = []
    view = client.submit(tmp_path / "run.yaml", on_progress=lambda done, total: sent.append((done, total)))
    digests = {name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in ("data.csv", "model.skops", "old.csv")}
    spec = opened.runs.submitted[0]
    assert spec["dataset"]["source"] == {"type": "upload", "digest": digests["data.csv"], "name": "data.csv", "delimiter": ","}
    assert spec["dataset"]["train"]["source"]["digest"] == digests["data.csv"]
    assert spec["model"]["source"] == {"type": "upload", "digest": digests["model.skops"], "name": "model.skops", "format": "skops"}
    assert spec["evaluation"]["baseline"]["source"] == {"type": "predictions", "digest": digests["old.csv"]}
    assert (3_000_004, 3_000_004) in sent
    assert client.get(view.id) == view
    sent.clear()
    client.submit(tmp_path / "run.yaml", on_progress=lambda done, total: sent.append((done, total)))
    assert sent == []


def test_a_file_that_cannot_be_sent_is_told_before_anything_is_asked(gateway: tuple[Client, Bench], tmp_path: Path) -> None:
    """Missing, empty, a folder, too large: each names its field, and no run is made."""
    client, opened = gateway
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "large.csv").write_bytes(b"x" * (LIMIT + 1))
    for path, error in (
        ("absent.csv", NotFoundError),
        ("empty.csv", DataError),
        (".", UsageError),
        ("x" * 300, UsageError),
        ("a\0b", UsageError),
    ):
        spec = {**SPEC, "dataset": {"source": {"type": "file", "path": path}, "target": "y"}}
        with pytest.raises(error) as caught:
            client.submit(spec, base=tmp_path)
        assert caught.value.field == "dataset.source.path"
    with pytest.raises(ProblemError) as refused:
        client.upload(tmp_path / "large.csv")
    assert (refused.value.problem().status, refused.value.exit_code) == (413, 4)
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(SpecError, match="no report"):
        client.submit({**SPEC, "evaluation": {"baseline": {"report": "bad.json"}}}, base=tmp_path)
    assert opened.runs.submitted == []


def test_what_the_gateway_refuses_is_raised_as_it_was_said(gateway: tuple[Client, Bench]) -> None:
    """Field, fix and exit code are the gateway's, for a wrong run file as for a run that is not there."""
    client, _ = gateway
    with pytest.raises(ProblemError) as caught:
        client.submit({**SPEC, "evaluation": {"metricz": []}})
    assert caught.value.field == "evaluation.metricz"
    assert "metrics" in str(caught.value.fix)
    assert caught.value.exit_code == 2
    with pytest.raises(ProblemError) as caught:
        client.get("../../v1/runs")
    assert caught.value.problem().status in {404, 422}
    assert client.validate(SPEC) == ["a warning"]


def test_a_run_is_followed_to_its_end(gateway: tuple[Client, Bench]) -> None:
    """Events come in order, a stream that ends early is taken up behind the last event, and `wait` returns the final run."""
    client, opened = gateway
    run_id = client.submit(SPEC).id
    opened.runs.history = [RunEvent(seq=seq, at=AT, kind="log", data={"message": str(seq)}) for seq in range(1, 4)]
    seen: list[int] = []

    def on_event(event: RunEvent) -> None:
        seen.append(event.seq)
        if event.seq == 3:  # the stream ends here, the run does not
            opened.runs.history.append(RunEvent(seq=4, at=AT, kind="status", data={"status": "succeeded"}))
        if event.seq == 4:
            opened.runs.change(run_id, status="succeeded")

    assert client.wait(run_id, on_event).status == "succeeded"
    assert seen == [1, 2, 3, 4]
    assert client.wait(run_id, timeout=5).status == "succeeded"
    again = client.rerun(run_id)
    with pytest.raises(LimitError):
        client.wait(again.id, timeout=0.5)
    assert client.cancel(again.id).status == "cancelled"
    client.delete(again.id)
    assert [run.id for run in client.list_runs(limit=10).items] == [run_id]


def test_results_and_registries_come_through(gateway: tuple[Client, Bench], tmp_path: Path) -> None:
    """Reports, files, datasets, models and aliases, as the command asks for them."""
    client, opened = gateway
    run_id = client.submit(SPEC).id
    opened.runs.change(run_id, status="succeeded")
    opened.runs.files = {"evaluation/report": opened.runs.store.put("artifacts", "evaluation/f/1/report.json", [b"{}"])}
    assert json.loads(client.report(run_id))["schema_version"] == "1.0"
    assert client.report(run_id, "html").startswith(b"<!doctype")
    assert client.report(run_id, "junit") == b"<testsuites/>"
    assert httpx2.get(client.report_place(run_id)).headers["content-type"].startswith("text/html")
    assert b"read 150 rows" in client.logs(run_id)
    assert client.download(run_id, client.artifacts(run_id)[0]["name"]) == b"{}"
    (tmp_path / "m.skops").write_bytes(b"PK\x03\x04model")
    assert client.add_model("forest", {"type": "file", "path": "m.skops"}, base=tmp_path).version == 1
    assert client.set_alias("forest", "champion", 1, expected=0).aliases == ["champion"]
    assert client.get_model("forest", "champion") == client.get_model("forest", 1) == client.get_model("forest")
    assert [view.name for view in client.list_models().items] == ["forest"]
    assert client.model_versions("forest").items[0].version == 1
    client.delete_alias("forest", "champion")
    (tmp_path / "d.csv").write_text("a\n1\n")
    made = client.add_dataset("iris", {"type": "file", "path": "d.csv"}, base=tmp_path, roles={"target": "a"})
    assert client.get_dataset("iris") == client.get_dataset("iris", 1) == made
    assert [view.version for view in client.dataset_versions("iris").items] == [1]
    client.delete_dataset("iris", 1)
    assert client.list_datasets().items == []
    assert [plugin.name for plugin in client.plugins()] == ["builtin"]
    assert "$defs" in client.run_schema()
    assert client.ready() == {"database": "up"}
    assert client.leaderboard(dataset="iris@1", metric="accuracy").items == []


def test_an_address_without_a_gateway_is_told_in_a_line() -> None:
    """Nobody there, somebody else there, no address at all: each says what to look at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    with Client(nobody) as client, pytest.raises(UnavailableError, match="does not answer") as caught:
        client.get("x")
    assert caught.value.exit_code == 4
    with pytest.raises(UsageError, match="http://"):
        Client("localhost:8000")
    somebody = httpx2.MockTransport(lambda _: httpx2.Response(404, text="<h1>nginx</h1>"))
    with Client("http://else", transport=somebody) as client, pytest.raises(PlatformError, match="HTTP 404"):
        client.get("x")


def test_a_busy_gateway_is_asked_again_and_a_retried_submit_is_one_run() -> None:
    """429 and a lost connection lead to the same request with the same idempotency key; a refusal that lasts is raised."""
    keys: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        keys.append(request.headers["idempotency-key"])
        if len(keys) == 1:
            raise httpx2.ReadError("the line broke", request=request)
        if len(keys) == 2:
            problem = {"title": "t", "status": 429, "detail": "d", "code": "busy", "cause": "platform"}
            return httpx2.Response(429, json=problem, headers={"Retry-After": "1"})
        view = {"id": "r", "name": "n", "status": "queued", "created_by": "a", "created_at": AT, "spec": {}, "dataset": "d", "model": "m"}
        return httpx2.Response(202, json=view)

    with Client("http://gateway", transport=httpx2.MockTransport(answer)) as client:
        assert client.submit(SPEC).id == "r"
    assert len(keys) == 3
    assert len(set(keys)) == 1

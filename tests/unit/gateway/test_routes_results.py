"""`/v1/runs/{id}/...`: reports, files and events."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtf.contracts.registry import RunEvent
from tests.unit.gateway.application import Bench, bench
from tests.unit.gateway.fakes import AT, SPEC


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Bench]:
    """A gateway with one run that succeeded."""
    with bench(tmp_path) as opened:
        opened.http.post("/v1/runs", json=SPEC)
        opened.runs.change("run1", status="succeeded")
        yield opened


@pytest.mark.parametrize(
    ("query", "accept", "kind"),
    [
        ("", "*/*", "application/json"),
        ("", "application/json", "application/json"),
        ("", "text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("?format=json", "text/html", "application/json"),
        ("?format=html", "application/json", "text/html"),
        ("", "text/markdown", "text/markdown"),
        ("", "text/csv, */*;q=0.1", "text/csv"),
        ("?format=md", "*/*", "text/markdown"),
        ("?format=csv", "*/*", "text/csv"),
    ],
)
def test_a_report_comes_in_the_form_that_is_asked_for(gateway: Bench, query: str, accept: str, kind: str) -> None:
    """`format` counts more than `Accept`, and JSON is what comes without a wish."""
    answer = gateway.http.get(f"/v1/runs/run1/report{query}", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(kind)


def test_a_report_can_do_no_harm(gateway: Bench) -> None:
    """The page may draw itself and nothing else: no request, no frame, no origin of its own, no guessing of its type."""
    headers = gateway.http.get("/v1/runs/run1/report?format=html").headers
    policy = {part.split()[0]: part.split()[1:] for part in headers["content-security-policy"].split("; ")}
    assert policy["default-src"] == ["'none'"]
    assert policy["sandbox"] == ["allow-scripts"]
    assert policy["img-src"] == ["data:"]
    assert headers["x-content-type-options"] == "nosniff"


def test_what_cannot_be_given_is_406(gateway: Bench) -> None:
    """A client that accepts pictures alone is told what there is."""
    answer = gateway.http.get("/v1/runs/run1/report", headers={"Accept": "image/png"})
    assert answer.status_code == 406
    assert answer.json()["field"] == "Accept"


def test_a_report_is_read_once(gateway: Bench) -> None:
    """The second reader gets the cached bytes, another form is another entry."""
    for _ in range(3):
        gateway.http.get("/v1/runs/run1/report")
    gateway.http.get("/v1/runs/run1/junit")
    assert gateway.runs.loads == 2
    assert [entry for entry in gateway.lookups if entry[0] == "report"] == [
        ("report", "miss"),
        ("report", "hit"),
        ("report", "hit"),
        ("report", "miss"),
    ]


def test_a_run_without_a_report_says_so(gateway: Bench) -> None:
    """409 names the state and what to do, and nothing wrong is cached."""
    gateway.runs.change("run1", status="running")
    answer = gateway.http.get("/v1/runs/run1/report")
    assert (answer.status_code, answer.json()["found"]) == (409, "running")
    gateway.runs.change("run1", status="succeeded")
    assert gateway.http.get("/v1/runs/run1/report").status_code == 200


def test_files_are_listed_and_streamed(gateway: Bench) -> None:
    """A file comes as it was stored, as a download; one that no manifest names is 404, whatever its name tries."""
    data = bytes(range(256)) * 10_000
    gateway.runs.files = {"inference/test.scored": gateway.runs.store.put("artifacts", "inference/f/1/test.scored.parquet", [data])}
    listed = gateway.http.get("/v1/runs/run1/artifacts").json()["items"]
    assert [(item["name"], item["size"]) for item in listed] == [("inference/test.scored", len(data))]
    answer = gateway.http.get(listed[0]["href"])
    assert answer.content == data
    assert answer.headers["content-disposition"] == 'attachment; filename="run1-test.scored.parquet"'
    answer = gateway.http.get("/v1/runs/run1/predictions")
    assert answer.content == data
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    for name in ("nothing", "../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2Fetc%2Fpasswd"):
        assert gateway.http.get(f"/v1/runs/run1/artifacts/{name}").status_code == 404
    assert gateway.http.get("/v1/runs/run1/logs").text == f"{AT} acquisition info    read 150 rows\n"


def _events(text: str) -> list[tuple[int, str, str]]:
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])["kind"]))
    return found


def test_events_are_replayed_from_where_the_reader_was(gateway: Bench) -> None:
    """Without a place the whole history comes; `after` and `Last-Event-ID` begin behind it; the stream ends by itself."""
    gateway.runs.history = [
        RunEvent(seq=seq, at=AT, kind=kind, data={"text": "a\nb"})  # type: ignore[arg-type]
        for seq, kind in enumerate(("status", "stage", "log"), 1)
    ]
    answer = gateway.http.get("/v1/runs/run1/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert _events(answer.text) == [(1, "status", "status"), (2, "stage", "stage"), (3, "log", "log")]
    assert [seq for seq, _, _ in _events(gateway.http.get("/v1/runs/run1/events?after=2").text)] == [3]
    resumed = gateway.http.get("/v1/runs/run1/events?after=0", headers={"Last-Event-ID": "1"})
    assert [seq for seq, _, _ in _events(resumed.text)] == [2, 3]
    assert gateway.http.get("/v1/runs/run1/events", headers={"Last-Event-ID": "x"}).status_code == 400


def test_a_silent_stream_says_that_it_lives(gateway: Bench) -> None:
    """While nothing happens comments are sent, which no reader takes for events."""
    gateway.runs.pause = 0.3
    text = gateway.http.get("/v1/runs/run1/events").text
    assert text.count(": still here") >= 2
    assert _events(text) == []

"""`/v1/leaderboard`, `/v1/history`, `/v1/looks` and `/v1/reevaluations` over a judge that a test instructs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mtf.errors import DataError, ProblemError, UnavailableError
from mtf_gateway.routes.examples import REEVALUATIONS
from tests.suites.finished import finished
from tests.unit.gateway.application import Bench, bench

BOARD = {"dataset": "iris@1", "metric": "accuracy"}


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Bench]:
    """A gateway that is open to everybody."""
    with bench(tmp_path) as opened:
        yield opened


def board(gateway: Bench, **query: Any) -> dict[str, Any]:
    """A leaderboard."""
    answer = gateway.http.get("/v1/leaderboard", params={**BOARD, **query})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_tied_models_share_a_rank(gateway: Bench) -> None:
    """The newest run of each model, best value first, with rank interval and letters from the comparison of every two."""
    for run, value, model in (("a1", 0.5, "a"), ("a2", 0.6, "a"), ("b", 0.9, "b"), ("c", 0.8, "c"), ("d", None, "d")):
        finished(gateway.database, run, value, model=model)
    finished(gateway.database, "e", 0.99, model="e", status="failed")
    gateway.judge.standings = {"b": (1, 2, "a"), "c": (1, 3, "ab"), "a2": (2, 3, "b")}
    found = board(gateway)
    assert [(row["run"], row["rank"], row["worst_rank"], row["letters"]) for row in found["items"]] == [
        ("b", 1, 2, "a"),
        ("c", 1, 3, "ab"),
        ("a2", 2, 3, "b"),
    ]
    assert (found["tested"], found["level"], found["rows"], found["unmeasured"]) == (True, 0.95, 100, ["d"])
    assert gateway.judge.asked == [(["b", "c", "a2"], True)]
    assert (found["looks"]["models"], found["looks"]["runs"], found["greater_is_better"]) == (4, 5, True)


def test_a_leaderboard_is_cached_until_a_run_changes(gateway: Bench) -> None:
    """The second reader costs no comparison; a new run does."""
    finished(gateway.database, "a", 0.5, model="a")
    finished(gateway.database, "b", 0.6, model="b")
    board(gateway)
    board(gateway)
    assert gateway.lookups == [("leaderboard", "miss"), ("leaderboard", "hit")]
    assert len(gateway.judge.asked) == 1
    finished(gateway.database, "c", 0.7, model="c")
    assert board(gateway)["items"][0]["run"] == "c"
    assert [row["run"] for row in board(gateway, order="ascending", limit=1)["items"]] == ["a"]


def test_the_direction_is_the_metric_s_own(gateway: Bench) -> None:
    """Less is better where the plug-in says so: the smallest loss stands first, without a list of names in the gateway."""
    for run, value in (("a", 0.5), ("b", 0.2)):
        finished(gateway.database, run, model=run, metrics={"log_loss": {"value": value, "n": 9}}, versions={"metric:log_loss": "1"})
    found = board(gateway, metric="log_loss")
    assert ([row["run"] for row in found["items"]], found["greater_is_better"]) == (["b", "a"], False)
    assert all(row["outdated"] for row in found["items"])
    assert any("mtf reevaluate --outdated" in note for note in found["notes"])


def test_a_metric_without_a_test_is_ranked_by_value_and_says_so(gateway: Bench) -> None:
    """Equal values share a rank; there is no interval of ranks."""
    for run, value in (("a", 0.2), ("b", 0.1), ("c", 0.2)):
        finished(gateway.database, run, model=run, metrics={"ece": {"value": value, "n": 9}})
    found = board(gateway, metric="ece")
    assert [(row["run"], row["rank"], row["worst_rank"]) for row in found["items"]] == [("b", 1, None), ("c", 2, None), ("a", 2, None)]
    assert not found["tested"]
    assert "no paired test" in found["notes"][0]
    assert gateway.judge.asked == []


def test_models_on_other_rows_are_not_ranked_together(gateway: Bench) -> None:
    """The newest run decides which test rows are shown; the others are offered by their key."""
    finished(gateway.database, "a", 0.5, model="a", rows_key="old")
    finished(gateway.database, "b", 0.6, model="b", rows_key="new")
    found = board(gateway)
    assert ([row["run"] for row in found["items"]], found["rows_key"]) == (["b"], "new")
    assert [(one["rows_key"], one["models"]) for one in found["others"]] == [("old", 1)]
    assert [row["run"] for row in board(gateway, rows_key="old")["items"]] == ["a"]
    answer = gateway.http.get("/v1/leaderboard", params={**BOARD, "rows_key": "none"})
    assert (answer.status_code, answer.json()["field"]) == (422, "rows_key")


def test_a_model_whose_predictions_are_gone_may_stand_anywhere(gateway: Bench) -> None:
    """It is not tested, and no other is shown to be better than it."""
    for run, value in (("a", 0.9), ("b", 0.8), ("c", 0.7)):
        finished(gateway.database, run, value, model=run)
    gateway.judge.gone = {"inference/c"}
    gateway.judge.standings = {"a": (1, 1, "a"), "b": (2, 2, "b")}
    found = board(gateway)
    assert [(row["run"], row["rank"], row["worst_rank"]) for row in found["items"]] == [("a", 1, 2), ("b", 2, 3), ("c", 1, 3)]
    assert "predictions of 1 model are gone" in found["notes"][0]


def test_models_that_cannot_be_compared_stand_by_value(gateway: Bench) -> None:
    """The note says why; a worker that is away is an answer for now, not for the cache."""
    finished(gateway.database, "a", 0.5, model="a")
    finished(gateway.database, "b", 0.6, model="b")
    gateway.judge.wrong = UnavailableError("the worker `evaluation` does not answer")
    assert gateway.http.get("/v1/leaderboard", params=BOARD).status_code == 503
    # As a worker behind HTTP tells it, whose class of error is not ours.
    gateway.judge.wrong = ProblemError(DataError("the labels differ").problem())
    found = board(gateway)
    assert ([row["rank"] for row in found["items"]], found["tested"]) == ([1, 2], False)
    assert found["notes"] == ["The models could not be compared row by row: the labels differ"]


def test_an_unknown_metric_and_an_empty_board(gateway: Bench) -> None:
    """Hostile text is no metric; a dataset without runs is an empty list."""
    assert board(gateway)["items"] == []
    finished(gateway.database, "a")
    answer = gateway.http.get("/v1/leaderboard", params={**BOARD, "metric": "a'); drop table runs; --"})
    assert (answer.status_code, answer.json()["field"]) == (422, "metric")
    assert board(gateway)["items"][0]["run"] == "a"


def history(gateway: Bench, **query: Any) -> dict[str, Any]:
    """A history."""
    answer = gateway.http.get("/v1/history", params={"metric": "accuracy", **query})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_history_tells_changes_from_noise(gateway: Bench) -> None:
    """Oldest first; paired on the same rows, unpaired otherwise; the first has nothing before it."""
    finished(gateway.database, "r1", 0.7, model="forest@1", rows_key="x")
    finished(gateway.database, "r2", 0.8, model="forest@2", rows_key="x")
    finished(gateway.database, "r3", 0.9, model="forest@2", rows_key="y", dataset="iris@2")
    finished(gateway.database, "r4", 0.1, model="tree@1")
    found = history(gateway, model="forest")
    assert [(one["run"], one["paired"], one["beyond_noise"], one["better"]) for one in found["items"]] == [
        ("r1", None, None, None),
        ("r2", True, True, True),
        ("r3", False, True, True),
    ]
    assert found["items"][1]["change"]["p_adjusted"] == pytest.approx(0.002)
    assert found["items"][1]["change"]["baseline"] == "r1"
    assert sorted(gateway.judge.asked) == [(["r2", "r1"], True), (["r3", "r2"], False)]
    assert any("two independent samples" in note for note in found["notes"])
    history(gateway, model="forest")
    assert len(gateway.judge.asked) == 2


def test_a_history_has_pages(gateway: Bench) -> None:
    """The newest runs first; the oldest run of a page is still compared with the one before it."""
    for number in range(5):
        finished(gateway.database, f"r{number}", model="forest@1")
    first = history(gateway, dataset="iris@1", limit=2)
    assert [one["run"] for one in first["items"]] == ["r3", "r4"]
    assert first["items"][0]["change"]["baseline"] == "r2"
    second = history(gateway, dataset="iris@1", limit=2, cursor=first["cursor"])
    last = history(gateway, dataset="iris@1", limit=2, cursor=second["cursor"])
    assert [one["run"] for one in second["items"] + last["items"]] == ["r1", "r2", "r0"]
    assert (last["cursor"], last["items"][0]["change"]) == (None, None)


def test_a_change_that_nothing_can_tell_is_null_with_a_reason(gateway: Bench) -> None:
    """Predictions that are gone, another task, data that do not fit: neither noise nor change."""
    finished(gateway.database, "r1", model="forest@1")
    finished(gateway.database, "r2", model="forest@1")
    gateway.judge.gone = {"inference/r1"}
    point = history(gateway, model="forest")["items"][1]
    assert (point["beyond_noise"], point["better"]) == (None, None)
    assert "gone" in point["change"]["undefined"]
    gateway.judge.gone, gateway.judge.wrong = set(), ProblemError(DataError("other labels").problem())
    finished(gateway.database, "r3", model="forest@1")
    assert history(gateway, model="forest")["items"][2]["change"]["undefined"] == "other labels"


def test_a_history_without_runs_is_empty(gateway: Bench) -> None:
    """Nobody by that name, or nobody who finished: an empty list, not a fault of ours."""
    found = history(gateway, model="nobody")
    assert (found["items"], found["cursor"]) == ([], None)


def test_a_history_needs_somebody(gateway: Bench) -> None:
    """Neither model, name nor dataset: which runs?"""
    answer = gateway.http.get("/v1/history", params={"metric": "accuracy"})
    assert (answer.status_code, answer.json()["code"]) == (400, "usage")
    assert gateway.http.get("/v1/history", params={"metric": "none", "model": "a"}).status_code == 422
    assert gateway.http.get("/v1/history", params={"metric": "accuracy", "model": "a", "cursor": "%%"}).status_code == 422


def test_looks_at_a_dataset_and_at_a_run(gateway: Bench) -> None:
    """Each set of rows with its count; a dataset that nobody ran on is 404."""
    for number in range(8):
        finished(gateway.database, f"r{number}", model=f"m{number}", created_at=float(number))
    (found,) = gateway.http.get("/v1/looks", params={"dataset": "iris"}).json()["items"]
    assert (found["models"], found["rows"], found["warn_from"], found["warning"]) == (8, 150, 7, True)
    assert gateway.http.get("/v1/looks", params={"dataset": "none"}).status_code == 404
    assert gateway.http.get("/v1/runs/nobody/looks").status_code == 404


def test_a_report_is_cached_until_its_rows_are_looked_at_again(gateway: Bench) -> None:
    """In JSON, which says how often; HTML stays."""
    gateway.http.post("/v1/runs", json={"name": "n", "dataset": {"source": {"type": "builtin"}, "target": "t"}, "model": "m"})
    gateway.runs.change("run1", status="succeeded")
    finished(gateway.database, "run1", status="running", rows_key="x")
    for form in ("json", "json", "html", "html"):
        assert gateway.http.get("/v1/runs/run1/report", params={"format": form}).status_code == 200
    assert gateway.runs.loads == 2
    finished(gateway.database, "other", rows_key="x")
    for form in ("json", "html"):
        gateway.http.get("/v1/runs/run1/report", params={"format": form})
    assert gateway.runs.loads == 3
    assert gateway.http.get("/v1/runs/run1/report", params={"revision": 7}).status_code == 404


def test_a_reevaluation_is_asked_for_and_followed(gateway: Bench) -> None:
    """202 with the way to it; the same key is the same one; what it is about, run by run; it can be stopped and taken up."""
    finished(gateway.database, "a")
    finished(gateway.database, "b", model="other@1")
    answer = gateway.http.post("/v1/reevaluations", json={"model": "m", "metrics": ["accuracy"]}, headers={"Idempotency-Key": "k"})
    view = answer.json()
    assert (answer.status_code, answer.headers["location"], view["total"]) == (202, f"/v1/reevaluations/{view['id']}", 1)
    assert view["spec"] == {"model": "m", "metrics": ["accuracy"]}
    again = gateway.http.post("/v1/reevaluations", json={"model": "m", "metrics": ["accuracy"]}, headers={"Idempotency-Key": "k"})
    assert again.json()["id"] == view["id"]
    assert gateway.http.post("/v1/reevaluations", json={}, headers={"Idempotency-Key": "k"}).status_code == 409
    path = f"/v1/reevaluations/{view['id']}"
    assert gateway.http.get(path).json()["status"] == "queued"
    (item,) = gateway.http.get(f"{path}/runs").json()["items"]
    assert (item["run"], item["status"], item["model"]) == ("a", "waiting", "m@1")
    assert gateway.http.get(f"{path}/runs", params={"status": "failed"}).json()["items"] == []
    assert gateway.http.post(f"{path}/cancel").json()["status"] == "cancelled"
    assert gateway.http.post(f"{path}/resume").json()["status"] == "queued"
    assert gateway.http.post(f"{path}/resume").status_code == 409
    assert [one["id"] for one in gateway.http.get("/v1/reevaluations").json()["items"]] == [view["id"]]
    (revision,) = gateway.http.get("/v1/runs/a/revisions").json()["items"]
    assert (revision["revision"], revision["newest"], revision["versions"]) == (1, True, {"metric:accuracy": "1"})


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"metric": ["a"]}, 422, "metric"),
        ({"metrics": ["nonsense"]}, 422, "metrics[0]"),
        ({"tags": ["=x"]}, 422, "tags"),
        ({"replace": True}, 422, "replace"),
        ({"runs": ["nobody"]}, 404, "runs"),
        ({"model": "a\0"}, 422, "model"),
        ([], 422, None),
    ],
)
def test_what_cannot_be_asked(gateway: Bench, body: Any, status: int, field: str | None) -> None:
    """A problem document that names the field."""
    answer = gateway.http.post("/v1/reevaluations", json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    if field is not None:
        assert answer.json()["field"] == field
    for path in ("/v1/reevaluations/nobody", "/v1/reevaluations/nobody/runs", "/v1/runs/nobody/revisions"):
        assert gateway.http.get(path).status_code == 404


@pytest.mark.parametrize("name", REEVALUATIONS)
def test_the_examples_of_the_documentation_page_are_accepted(gateway: Bench, name: str) -> None:
    """Each is a request that works as it stands on a fresh stack."""
    finished(gateway.database, "a")
    answer = gateway.http.post("/v1/reevaluations", json=REEVALUATIONS[name]["value"])
    assert answer.status_code == 202, answer.text

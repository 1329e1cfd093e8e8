"""What every database must do with revisions, re-evaluations and questions over many runs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, update

from mtf_gateway.db import history, reevaluations, revisions, runs, schema
from mtf_gateway.db.engine import Database
from mtf_gateway.db.runs import Lease
from mtf_gateway.db.tables import REEVALUATIONS
from tests.suites.finished import finished
from tests.suites.repository import change_row, row_of

FIRST: dict[str, Any] = {"evaluation": {"task": "binary"}, "fingerprint": "f1", "versions": {"metric:accuracy": "1"}}


def result(value: float, **changes: Any) -> dict[str, Any]:
    """An evaluation that came to this accuracy."""
    return {
        "created_by": "bob",
        "reevaluation": "again",
        "evaluation": {"task": "binary", "metrics": ["accuracy"]},
        "fingerprint": f"f-{value}",
        "verdict": "fail",
        "metrics": {"accuracy": {"value": value, "n": 150}},
        "gates": [],
        "warnings": ["w"],
        "versions": {"metric:accuracy": "2"},
        "report": {"report": {"ref": "artifacts:r/2", "sha256": "b" * 64, "size": 4}},
        **changes,
    }


def asked(database: Database, key: str, run_ids: list[str], **changes: Any) -> Lease:
    """A re-evaluation of these runs, claimed."""
    assert database.write_now(lambda c: reevaluations.add(c, {"id": key, "created_by": "me", "spec": {}, **changes}, run_ids))
    row = database.write_now(lambda c: reevaluations.claim(c, "owner", 30.0, only=key))
    assert row is not None
    return Lease(key, row["epoch"])


def downgrade(database: Database, target: str) -> None:
    """Alembic's own command on our migrations, as an operator would run it by hand."""
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).with_name("migrations")))
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, target)


class MemorySuite:
    """Tests that take a fresh `database`."""

    def test_a_revision_stands_beside_the_first_evaluation(self, database: Database) -> None:
        """The run's row shows the newest one, the first stays as it was, and both are listed, newest first."""
        finished(database, "run-1")
        before = row_of(database, "run-1")
        assert database.write_now(lambda c: revisions.add(c, "run-1", FIRST, result(0.4))) == 2
        assert database.write_now(lambda c: revisions.add(c, "run-1", FIRST, result(0.3))) == 3
        after = row_of(database, "run-1")
        assert (after["revision"], after["verdict"], after["metrics"]["accuracy"]["value"], after["warnings"]) == (3, "fail", 0.3, ["w"])
        assert (after["version"], before["revision"]) == (before["version"] + 2, 1)
        rows = database.read_now(lambda c: revisions.list_of(c, "run-1", below=None, limit=9))
        assert [(row["number"], row["metrics"]["accuracy"]["value"], row["created_by"]) for row in rows] == [
            (3, 0.3, "bob"),
            (2, 0.4, "bob"),
            (1, 0.9, "ann"),
        ]
        first = database.read_now(lambda c: revisions.find(c, "run-1", 1))
        assert first is not None
        assert {name: first[name] for name in revisions.RESULT} == {name: before[name] for name in revisions.RESULT}
        assert [row["number"] for row in database.read_now(lambda c: revisions.list_of(c, "run-1", below=2, limit=9))] == [1]
        assert database.read_now(lambda c: revisions.versions_in_use(c, ["run-1", "none"])) == {"run-1": {"metric:accuracy": "2"}}
        logs = database.read_now(lambda c: runs.logs_of(c, "run-1", 9))
        assert "revision 3" in logs[-1]["data"]["message"]

    def test_many_that_store_at_once_get_a_number_each(self, database: Database) -> None:
        """Sixteen evaluations of one run from eight threads: 2 to 17, and nothing is lost."""
        finished(database, "run-1")
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda n: database.write_now(lambda c: revisions.add(c, "run-1", FIRST, result(n / 100))), range(16)))
        assert sorted(number or 0 for number in found) == list(range(2, 18))
        assert len(database.read_now(lambda c: revisions.list_of(c, "run-1", below=None, limit=99))) == 17

    def test_a_run_that_is_gone_gets_no_revision(self, database: Database) -> None:
        """Deleted, or not succeeded: nothing is stored."""
        finished(database, "run-1", deleted_at=1.0)
        finished(database, "run-2", status="failed")
        for run_id in ("run-1", "run-2", "run-3"):
            assert database.write_now(lambda c, run_id=run_id: revisions.add(c, run_id, FIRST, result(0.1))) is None
            assert database.read_now(lambda c, run_id=run_id: revisions.newest(c, run_id)) is None

    def test_a_selection_names_succeeded_runs_only(self, database: Database) -> None:
        """By id, name, tag, model and dataset, one version or all of them; a name that only begins alike is another one."""
        finished(database, "a", model="forest@1", dataset="adult@1", tags={"team": "x"})
        finished(database, "b", model="forest@2", dataset="adult@2", tags={"team": "y"})
        finished(database, "c", model="forester@1", dataset="adult")
        finished(database, "d", model="forest@1", status="failed")
        finished(database, "e", model="forest@1", deleted_at=1.0)

        def found(**spec: Any) -> list[str]:
            return [row["id"] for row in database.read_now(lambda c: reevaluations.select_runs(c, spec))]

        assert found() == ["a", "b", "c"]
        assert found(model="forest") == ["a", "b"]
        assert found(model="forest@2") == ["b"]
        assert found(dataset="adult") == ["a", "b", "c"]
        assert found(dataset="adult@1", tags=["team=x"]) == ["a"]
        assert found(tags=["team"]) == ["a", "b"]
        assert found(runs=["a", "d", "c"]) == ["a", "c"]
        assert found(model="for%") == []
        assert found(name="b") == ["b"]
        assert found(runs=[f"n{number}" for number in range(1200)] + ["b"]) == ["b"]

    def test_of_many_that_claim_at_once_one_gets_it(self, database: Database) -> None:
        """Eight owners, three re-evaluations: each goes to one, the oldest first."""
        for key in ("k1", "k2", "k3"):
            database.write_now(lambda c, key=key: reevaluations.add(c, {"id": key, "created_by": "me", "spec": {}}, ["r"]))
        with ThreadPoolExecutor(8) as pool:
            rows = list(pool.map(lambda n: database.write_now(lambda c: reevaluations.claim(c, f"o{n}", 30.0)), range(8)))
        assert sorted(row["id"] for row in rows if row is not None) == ["k1", "k2", "k3"]

    def test_an_owner_that_was_replaced_records_nothing(self, database: Database) -> None:
        """When a lease runs out another claims it with a higher epoch; the old one's writes are refused, the new one's count once."""
        old = asked(database, "k", ["r1", "r2"])
        database.write_now(lambda c: c.execute(update(REEVALUATIONS).values(lease_until=0.0)))
        row = database.write_now(lambda c: reevaluations.claim(c, "other", 30.0))
        assert row is not None
        assert (row["epoch"], row["takeovers"]) == (2, 1)
        new, done = Lease("k", 2), {"status": "done", "result": {"reason": None}, "verdict_changed": True, "gates_changed": 2}
        assert database.write_now(lambda c: reevaluations.record(c, old, 0, done)) is None
        assert database.write_now(lambda c: reevaluations.renew(c, old, 30.0)) is None
        assert not database.write_now(lambda c: reevaluations.finish(c, old, "succeeded"))
        assert database.write_now(lambda c: reevaluations.record(c, new, 0, done)) is True
        assert database.write_now(lambda c: reevaluations.record(c, new, 0, done)) is False
        assert database.write_now(lambda c: reevaluations.renew(c, new, 30.0)) is False
        found = database.read_now(lambda c: reevaluations.counts(c, ["k"]))["k"]
        assert found == {"counts": {"done": 1, "waiting": 1}, "verdicts": 1, "gates": 2}
        waiting = database.read_now(lambda c: reevaluations.items(c, "k", after=-1, limit=9, status="waiting"))
        assert [row["run_id"] for row in waiting] == ["r2"]

    def test_a_revision_and_its_note_are_stored_together_or_not_at_all(self, database: Database) -> None:
        """An error between the two takes both back."""
        finished(database, "run-1")
        lease = asked(database, "k", ["run-1"])

        def work(connection: Connection) -> None:
            assert reevaluations.record(connection, lease, 0, {"status": "done"})
            revisions.add(connection, "run-1", FIRST, result(0.1))
            raise RuntimeError("the power fails")

        with pytest.raises(RuntimeError):
            database.write_now(work)
        assert database.read_now(lambda c: revisions.newest(c, "run-1")) is None
        assert database.read_now(lambda c: reevaluations.counts(c, ["k"]))["k"]["counts"] == {"waiting": 1}
        assert row_of(database, "run-1")["metrics"]["accuracy"]["value"] == 0.9

    def test_stopping_and_going_on(self, database: Database) -> None:
        """A cancel ends one that waits at once and asks the owner of another; a resume tries failed runs again and keeps the rest."""
        lease = asked(database, "k", ["r1", "r2", "r3"])
        database.write_now(lambda c: reevaluations.request_cancel(c, "k"))
        assert database.write_now(lambda c: reevaluations.renew(c, lease, 30.0)) is True
        database.write_now(lambda c: reevaluations.record(c, lease, 0, {"status": "done"}))
        database.write_now(lambda c: reevaluations.record(c, lease, 1, {"status": "failed", "result": {"reason": "no"}}))
        assert database.write_now(lambda c: reevaluations.finish(c, lease, "cancelled"))
        assert database.write_now(lambda c: reevaluations.requeue(c, "k"))
        assert not database.write_now(lambda c: reevaluations.requeue(c, "k"))
        assert database.read_now(lambda c: reevaluations.counts(c, ["k"]))["k"]["counts"] == {"done": 1, "waiting": 2}
        database.write_now(lambda c: reevaluations.request_cancel(c, "k"))
        found = database.read_now(lambda c: reevaluations.find(c, "k"))
        assert found is not None
        assert (found["status"], found["epoch"]) == ("cancelled", 2)

    def test_one_that_ended_is_taken_up_for_its_failures_alone(self, database: Database) -> None:
        """Nothing failed: there is nothing to go on with."""
        lease = asked(database, "k", ["r1"])
        database.write_now(lambda c: reevaluations.record(c, lease, 0, {"status": "done"}))
        database.write_now(lambda c: reevaluations.finish(c, lease, "succeeded"))
        assert not database.write_now(lambda c: reevaluations.requeue(c, "k"))
        other = asked(database, "l", ["r1"])
        database.write_now(lambda c: reevaluations.record(c, other, 0, {"status": "failed"}))
        database.write_now(lambda c: reevaluations.finish(c, other, "succeeded"))
        assert database.write_now(lambda c: reevaluations.requeue(c, "l"))

    def test_the_same_key_is_stored_once(self, database: Database) -> None:
        """A second request under an idempotency key of the same principal stores nothing."""
        row = {"id": "k1", "created_by": "me", "spec": {}, "idempotency_key": "key", "idempotency_hash": "h"}
        assert database.write_now(lambda c: reevaluations.add(c, row, ["r"]))
        assert not database.write_now(lambda c: reevaluations.add(c, {**row, "id": "k2"}, ["r"]))
        found = database.read_now(lambda c: reevaluations.find_by_key(c, "me", "key"))
        assert found is not None
        assert found["id"] == "k1"

    def test_looks_outlive_the_runs(self, database: Database) -> None:
        """Succeeded runs on the same rows count, deleted ones too; failed ones showed nothing; the one that is about to end counts itself."""
        finished(database, "a", model="m1")
        finished(database, "b", model="m2", deleted_at=1.0)
        finished(database, "c", model="m3", status="running")
        finished(database, "d", model="m1", rows_key="rows-2")
        assert [row["id"] for row in database.read_now(lambda c: history.looks(c, "rows-1"))] == ["a", "b"]
        assert [row["id"] for row in database.read_now(lambda c: history.looks(c, "rows-1", also="c"))] == ["a", "b", "c"]
        found = database.read_now(lambda c: history.looks(c, "rows-1"))[0]
        assert (found["model_inputs"], found["model_spec"]) == ({"model": {"sha256": "m1"}}, {"threshold": 0.5})
        assert database.read_now(lambda c: history.rows_of(c, "rows-1")) == 150
        assert {row["rows_key"] for row in database.read_now(lambda c: history.row_sets(c, "iris"))} == {"rows-1", "rows-2"}
        before = database.read_now(lambda c: history.looks_tag(c, "a"))
        change_row(database, "c", status="succeeded")
        assert database.read_now(lambda c: history.looks_tag(c, "a")) != before

    def test_a_history_pages_from_the_newest_back(self, database: Database) -> None:
        """Runs that have the metric, undefined values among them, by model over its versions."""
        for number, model in enumerate(("forest@1", "forest@2", "tree@1", "forest@2")):
            finished(database, f"r{number}", model=model, metrics={"f1(class='a')": {"value": None, "n": 3}})
        finished(database, "r9", model="forest@1", metrics={})

        def page(before: str | None) -> list[str]:
            rows = database.read_now(
                lambda c: history.points(c, "f1(class='a')", name=None, model="forest", dataset=None, before=before, limit=2)
            )
            return [row["id"] for row in rows]

        assert page(None) == ["r3", "r1"]
        assert page("r1") == ["r0"]

    def test_a_leaderboard_s_tag_follows_its_runs(self, database: Database) -> None:
        """A new run, a changed one, and a look at the same rows under another name of the dataset each change it."""
        finished(database, "a")
        tags = [database.read_now(lambda c: history.board_tag(c, "iris@1"))]
        finished(database, "b", 0.5)
        tags.append(database.read_now(lambda c: history.board_tag(c, "iris@1")))
        database.write_now(lambda c: revisions.add(c, "a", FIRST, result(0.4)))
        tags.append(database.read_now(lambda c: history.board_tag(c, "iris@1")))
        finished(database, "c", dataset="copy.csv")
        tags.append(database.read_now(lambda c: history.board_tag(c, "iris@1")))
        assert len(set(tags)) == 4
        assert [row["id"] for row in database.read_now(lambda c: history.board(c, "iris@1", "accuracy"))] == ["b", "a"]

    def test_a_migration_down_and_up_again_keeps_the_runs(self, database: Database) -> None:
        """Down, a run shows the evaluation that came with it, the only one of which anything is told then; up, it can be evaluated again."""
        finished(database, "run-1")
        finished(database, "run-2", 0.7)
        before = row_of(database, "run-1")
        database.write_now(lambda c: revisions.add(c, "run-1", FIRST, result(0.4)))
        downgrade(database, "0001")
        assert database.read_now(schema.revision) == "0001"
        schema.upgrade(database)
        after = row_of(database, "run-1")
        assert {name: after[name] for name in revisions.RESULT} == {name: before[name] for name in revisions.RESULT}
        assert row_of(database, "run-2")["metrics"]["accuracy"]["value"] == 0.7
        assert after["revision"] == 1
        assert database.write_now(lambda c: revisions.add(c, "run-1", FIRST, result(0.4))) == 2

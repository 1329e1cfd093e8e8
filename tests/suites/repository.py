"""What every database must do with runs; the unit ring asks SQLite, the integration ring PostgreSQL."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Connection, select, update

from mtf_gateway.db import runs
from mtf_gateway.db.engine import Database, clock
from mtf_gateway.db.tables import RUNS
from mtf_gateway.ids import new_id

STAGES = ("acquisition", "processing", "inference", "evaluation")


def add(database: Database, **values: Any) -> str:
    """Store a queued run and return its id."""
    run_id = str(values.pop("id", None) or new_id())
    row = {
        "id": run_id,
        "name": "n",
        "created_by": "me",
        "spec": {},
        "plan": {},
        "dataset": "d",
        "model": "m",
        "max_runtime": 60.0,
        **values,
    }
    stages = [{"stage": stage, "position": position} for position, stage in enumerate(STAGES)]
    assert database.write_now(lambda c: runs.insert_run(c, row, stages))
    return run_id


def claim(database: Database, owner: str = "me", seconds: float = 30.0, only: str | None = None) -> runs.Lease | None:
    """Claim the next run."""
    row = database.write_now(lambda c: runs.claim(c, owner, seconds, only=only))
    return None if row is None else runs.Lease(row["id"], row["epoch"])


def row_of(database: Database, run_id: str) -> dict[str, Any]:
    """The run as it is stored."""
    row = database.read_now(lambda c: runs.find_run(c, run_id))
    assert row is not None
    return dict(row)


def change_row(database: Database, run_id: str, **values: Any) -> None:
    """Change a run behind everybody's back."""

    def work(connection: Connection) -> None:
        connection.execute(update(RUNS).where(RUNS.c.id == run_id).values(**values))

    database.write_now(work)


class RepositorySuite:
    """Tests that take a fresh `database`."""

    def test_of_many_that_claim_at_once_each_run_goes_to_one(self, database: Database) -> None:
        """Eight connections that claim twelve runs at the same time get each run exactly once."""
        made = {add(database) for _ in range(12)}
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda number: claim(database, f"owner-{number}"), range(24)))
        leases = [lease for lease in found if lease is not None]
        assert sorted(lease.run_id for lease in leases) == sorted(made)
        assert {lease.epoch for lease in leases} == {1}

    def test_the_oldest_run_is_claimed_first(self, database: Database) -> None:
        """Runs leave the queue in the order they came."""
        made = [add(database, id=f"{number:026d}") for number in range(3)]
        assert [lease.run_id for lease in (claim(database), claim(database), claim(database)) if lease] == made
        assert claim(database) is None

    def test_a_run_is_not_claimed_before_its_next_try(self, database: Database) -> None:
        """A pause between attempts is kept, by the database's clock."""
        run_id = add(database, next_try_at=time.time() + 3600)
        assert claim(database) is None
        change_row(database, run_id, next_try_at=time.time() - 1)
        assert claim(database) is not None

    def test_only_a_silent_owners_run_is_taken_over(self, database: Database) -> None:
        """A living lease is respected; an expired one is claimed with a higher epoch and counted as a takeover."""
        run_id = add(database)
        first = claim(database, seconds=30)
        assert first is not None
        assert claim(database, "other") is None
        change_row(database, run_id, lease_until=time.time() - 1)
        assert row_of(database, run_id)["expired"]
        second = claim(database, "other")
        assert second == runs.Lease(run_id, first.epoch + 1)
        assert row_of(database, run_id)["takeovers"] == 1
        assert row_of(database, run_id)["attempts"] == 1

    def test_a_fenced_owner_writes_nothing(self, database: Database) -> None:
        """After a takeover every write of the old owner does nothing at all, whatever it is."""
        run_id = add(database)
        old = claim(database)
        assert old is not None
        change_row(database, run_id, lease_until=time.time() - 1)
        assert claim(database, "other") is not None
        before = row_of(database, run_id)
        event = {"kind": "log", "stage": None, "data": {}}
        attempts: list[Any] = [
            lambda c: runs.change(c, old, {"verdict": "pass"}, [event]),
            lambda c: runs.change_stage(c, old, "acquisition", {"status": "succeeded"}, events=[event]),
            lambda c: runs.finish(c, old, {"status": "succeeded"}, [event]),
            lambda c: runs.put_back(c, old, "acquisition", 1.0, [event]),
            lambda c: runs.let_go(c, old, "queued"),
            lambda c: runs.renew(c, old, 30.0) is not None,
        ]
        assert not any(database.write_now(attempt) for attempt in attempts)
        after = row_of(database, run_id)
        assert {key: after[key] for key in after if key != "now"} == {key: before[key] for key in before if key != "now"}
        assert database.read_now(lambda c: runs.stages_of(c, [run_id]))[0]["status"] == "waiting"

    def test_a_heartbeat_tells_what_was_asked_meanwhile(self, database: Database) -> None:
        """Renewing the lease brings back a cancel request and a run that took too long."""
        run_id = add(database)
        lease = claim(database)
        assert lease is not None
        first = database.write_now(lambda c: runs.renew(c, lease, 30.0))
        assert first is not None
        assert not first["cancel_requested"]
        assert not first["overdue"]
        assert database.write_now(lambda c: runs.request_cancel(c, run_id)) == "running"
        change_row(database, run_id, deadline=time.time() - 1)
        second = database.write_now(lambda c: runs.renew(c, lease, 30.0))
        assert second is not None
        assert second["cancel_requested"]
        assert second["overdue"]

    def test_events_are_numbered_without_gaps(self, database: Database) -> None:
        """Writers at the same time never take the same number, and none is left out."""
        run_id = add(database)
        event = {"kind": "log", "stage": None, "data": {"message": "x"}}

        def append(_: int) -> bool:
            return database.write_now(lambda c: runs.append_events(c, run_id, [event, event]))

        with ThreadPoolExecutor(6) as pool:
            assert all(pool.map(append, range(30)))
        found = database.read_now(lambda c: runs.events_after(c, run_id, 0, 1000))
        assert [row["seq"] for row in found] == list(range(1, 62))
        assert [row["seq"] for row in database.read_now(lambda c: runs.events_after(c, run_id, 59, 1000))] == [60, 61]
        assert row_of(database, run_id)["last_seq"] == 61

    def test_a_key_belongs_to_one_run_of_a_principal(self, database: Database) -> None:
        """The same key of the same principal is refused, of another one it is not, and a deleted run sets it free."""
        row = {"name": "n", "spec": {}, "plan": {}, "dataset": "d", "model": "m", "max_runtime": 1.0, "idempotency_key": "k"}
        stages = [{"stage": "acquisition", "position": 0}]

        def insert(run_id: str, who: str) -> bool:
            return database.write_now(lambda c: runs.insert_run(c, {**row, "id": run_id, "created_by": who}, stages))

        assert insert("a", "me")
        assert not insert("b", "me")
        assert insert("c", "you")
        assert insert("d" * 26, "me") is False
        found = database.read_now(lambda c: runs.find_by_key(c, "me", "k"))
        assert found is not None
        assert found["id"] == "a"
        database.write_now(lambda c: runs.request_cancel(c, "a"))
        assert database.write_now(lambda c: runs.delete_run(c, "a"))
        assert insert("e", "me")

    def test_pages_hold_every_run_once_while_new_ones_arrive(self, database: Database) -> None:
        """A list that is read page by page is complete and has nothing twice, though runs are added meanwhile."""
        made = [add(database) for _ in range(7)]
        seen: list[str] = []
        before: str | None = None
        while True:
            page = database.read_now(lambda c, before=before: runs.list_runs(c, before=before, limit=3))
            if not page:
                break
            seen += [row["id"] for row in page]
            before = page[-1]["id"]
            add(database)
        assert seen == sorted(made, reverse=True)

    def test_lists_are_narrowed_by_name_status_and_tags(self, database: Database) -> None:
        """Each filter alone and together; a tag's value is compared as text, and a quote in it means nothing."""
        plain = add(database, name="one", tags={"team": "blue", "o'k": 'x"y'})
        add(database, name="two", tags={"team": "red"})

        def ids(**filters: Any) -> list[str]:
            return [row["id"] for row in database.read_now(lambda c: runs.list_runs(c, before=None, limit=9, **filters))]

        assert ids(name="one") == [plain]
        assert len(ids(statuses=["queued"])) == 2
        assert ids(statuses=["running"]) == []
        assert ids(tags=["team=blue"]) == [plain]
        assert len(ids(tags=["team"])) == 2
        assert ids(tags=["o'k=x\"y"]) == [plain]
        assert ids(tags=["team=blue", "missing"]) == []
        assert ids(name="one", statuses=["queued"], tags=["team=blue"]) == [plain]

    def test_a_waiting_run_is_cancelled_at_once_and_a_final_one_stays(self, database: Database) -> None:
        """Cancelling what nobody drives is final; what is over is not touched; what never was is None."""
        run_id = add(database)
        assert database.write_now(lambda c: runs.request_cancel(c, run_id)) == "cancelled"
        row = row_of(database, run_id)
        assert row["finished_at"] is not None
        assert row["problem"]["cause"] == "cancelled"
        assert claim(database) is None
        other = add(database)
        lease = claim(database)
        assert lease is not None
        assert database.write_now(lambda c: runs.finish(c, lease, {"status": "succeeded"}, []))
        assert database.write_now(lambda c: runs.request_cancel(c, other)) == "succeeded"
        assert database.write_now(lambda c: runs.request_cancel(c, "nobody")) is None

    def test_a_run_that_stopped_can_be_queued_again(self, database: Database) -> None:
        """Finished stages stay, the one that stopped begins anew under a new job id, and the counters start over."""
        run_id = add(database)
        lease = claim(database)
        assert lease is not None
        database.write_now(lambda c: runs.change_stage(c, lease, "acquisition", {"status": "succeeded"}))
        database.write_now(lambda c: runs.change_stage(c, lease, "processing", {"status": "running", "job_id": "j", "after_seq": 5}))
        assert not database.write_now(lambda c: runs.requeue(c, run_id))
        assert database.write_now(lambda c: runs.finish(c, lease, {"status": "failed", "problem": {"a": 1}}, []))
        assert database.write_now(lambda c: runs.requeue(c, run_id))
        row = row_of(database, run_id)
        assert (row["status"], row["problem"], row["strikes"], row["finished_at"]) == ("queued", None, 0, None)
        first, second = list(database.read_now(lambda c: runs.stages_of(c, [run_id])))[:2]
        assert first["status"] == "succeeded"
        assert (second["status"], second["job_id"], second["after_seq"], second["tries"]) == ("waiting", None, 0, 1)

    def test_another_attempt_waits_its_pause(self, database: Database) -> None:
        """A run that is put back counts the attempt, forgets the job of the stage, and is not claimed before the pause is over."""
        run_id = add(database)
        lease = claim(database)
        assert lease is not None
        database.write_now(
            lambda c: runs.change_stage(c, lease, "acquisition", {"status": "running", "instance": "i", "request": {"a": 1}})
        )
        assert database.write_now(lambda c: runs.put_back(c, lease, "acquisition", 3600.0, []))
        row = row_of(database, run_id)
        assert (row["status"], row["attempts"], row["strikes"], row["owner"]) == ("queued", 2, 1, None)
        stage = database.read_now(lambda c: runs.stages_of(c, [run_id]))[0]
        assert (stage["status"], stage["instance"], stage["request"]) == ("waiting", None, None)
        assert claim(database) is None

    def test_every_change_raises_the_version(self, database: Database) -> None:
        """What is cached under a version can never be stale."""
        run_id = add(database)
        versions = [row_of(database, run_id)["version"]]
        lease = claim(database)
        assert lease is not None
        changes: list[Any] = [
            lambda c: runs.change_stage(c, lease, "acquisition", {"progress": {"done": 1}}),
            lambda c: runs.append_events(c, run_id, [{"kind": "log", "stage": None, "data": {}}]),
            lambda c: runs.request_cancel(c, run_id),
            lambda c: runs.finish(c, lease, {"status": "cancelled"}, []),
        ]
        for work in changes:
            database.write_now(work)
            versions.append(row_of(database, run_id)["version"])
        assert versions == sorted(set(versions))

    def test_what_people_write_comes_back_as_it_was(self, database: Database) -> None:
        """Quotes, other scripts, long texts, big and small numbers and the order of keys survive the database."""
        spec = {
            "z": 'o\'hara "quoted" \\ %s :x {}',
            "a": "日本語 🦜",
            "long": "x" * 5000,
            "n": 1e-300,
            "i": 2**60,
            "b": [None, True, {"y": 1, "c": 2}],
        }
        found = row_of(database, add(database, spec=spec))["spec"]
        assert found == spec
        assert list(found) == list(spec)

    def test_deleting_hides_a_run_that_is_over(self, database: Database) -> None:
        """A running or queued run is not deleted; a final one is found no more."""
        run_id = add(database)
        assert not database.write_now(lambda c: runs.delete_run(c, run_id))
        database.write_now(lambda c: runs.request_cancel(c, run_id))
        assert database.write_now(lambda c: runs.delete_run(c, run_id))
        assert database.read_now(lambda c: runs.find_run(c, run_id)) is None
        assert database.read_now(lambda c: runs.list_runs(c, before=None, limit=9)) == []

    def test_the_queue_is_counted(self, database: Database) -> None:
        """Runs by status and the age of the oldest that waits."""
        assert database.read_now(runs.statuses) == ({}, 0.0)
        add(database, created_at=time.time() - 100)
        add(database)
        claim(database, only=add(database))
        counts, age = database.read_now(runs.statuses)
        assert counts == {"queued": 2, "running": 1}
        assert 95 < age < 110

    def test_the_databases_clock_moves_and_agrees_with_ours(self, database: Database) -> None:
        """Seconds since 1970, finer than a hundredth of a second."""
        first = database.read_now(lambda c: c.execute(select(clock())).scalar_one())
        time.sleep(0.02)
        second = database.read_now(lambda c: c.execute(select(clock())).scalar_one())
        assert 0.01 < second - first < 5
        assert abs(second - time.time()) < 5

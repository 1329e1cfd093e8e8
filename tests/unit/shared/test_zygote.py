"""The zygote and its children, with real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mtf.contracts.job import Limits
from mtf.errors import CancelledError, UnavailableError
from mtf.zygote import ChildProcess, Zygote
from tests.unit.shared.conftest import HERE, Run

MIB = 1 << 20


async def spawned(zygote: Zygote, name: str, payload: dict[str, Any] | None = None, limits: Limits | None = None) -> ChildProcess:
    """A child that runs `name` of the test stages."""
    return await zygote.spawn(f"stages:{name}", payload or {}, limits)


async def finished(zygote: Zygote, name: str, payload: dict[str, Any] | None = None, limits: Limits | None = None) -> list[dict[str, Any]]:
    """All events of such a child."""
    child = await spawned(zygote, name, payload, limits)
    return [event async for event in child.events()]


async def problem(zygote: Zygote, name: str, payload: dict[str, Any] | None = None, limits: Limits | None = None) -> dict[str, Any]:
    """The problem it ends with."""
    last = (await finished(zygote, name, payload, limits))[-1]
    assert last["type"] == "problem", last
    return dict(last["problem"])


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def listing(pids: list[int]) -> bytes:
    """What any user of the machine may see of processes."""
    return b"".join(Path(f"/proc/{pid}/{name}").read_bytes() for pid in pids for name in ("cmdline", "environ"))


async def gone(pid: int, seconds: float = 3.0) -> bool:
    """Whether a process is gone within some seconds."""
    until = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < until:  # noqa: ASYNC110 - nothing announces the end of a stranger's process
        await asyncio.sleep(0.02)
    return not alive(pid)


def test_a_child_answers_with_events_and_an_outcome(run: Run, zygote: Zygote) -> None:
    """Payload in, events and outcome out."""
    hello, outcome = run(finished(zygote, "echo", {"number": 7}))
    assert hello == {"type": "log", "level": "info", "message": "hello"}
    assert outcome["type"] == "outcome"
    assert outcome["payload"] == {"number": 7}


def test_a_child_sees_a_bare_environment(run: Run, zygote: Zygote, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the parent's environment reaches a child, and thread pools get the quota."""
    monkeypatch.setenv("MTF_TOKEN", "do not tell")
    environment = run(finished(zygote, "echo"))[-1]["environment"]
    assert set(environment) - {"LC_CTYPE"} == {
        *("PATH", "HOME", "TMPDIR", "LANG"),
        *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "ARROW_IO_THREADS"),
    }
    assert environment["OMP_NUM_THREADS"] == "1"


def test_a_child_holds_no_foreign_descriptor(run: Run, zygote: Zygote) -> None:
    """Standard streams and the event pipe are all that is open: no control socket, no leash, no payload that stays readable."""
    outcome = run(finished(zygote, "echo"))[-1]
    targets = [target for number, target in outcome["descriptors"].items() if int(number) > 2 and target]
    assert [target.split(":")[0] for target in targets] in (["pipe"], ["pipe", "/proc"])
    assert outcome["session"] is True


def test_the_payload_shows_in_no_process_listing(run: Run, zygote: Zygote) -> None:
    """Secrets travel in memory: neither arguments nor environments of the processes have them."""

    async def look() -> bytes:
        child = await spawned(zygote, "hangs", {"password": "s3cr3t-payload"})
        try:
            pids = [os.getpid(), zygote.pid or 0, child.keeper, child.pid]
            return await asyncio.to_thread(listing, pids)
        finally:
            await child.kill()

    assert b"s3cr3t-payload" not in run(look())


def test_an_error_of_ours_arrives_whole(run: Run, zygote: Zygote) -> None:
    """Field, found and fix survive the way out of the child."""
    found = run(problem(zygote, "wrong_data"))
    assert (found["code"], found["field"], found["found"]) == ("data-invalid", "dataset.target", "speces")
    assert found["fix"] == "did you mean `species`?"


def test_a_foreign_error_is_a_crash_with_its_traceback_in_the_log(run: Run, zygote: Zygote) -> None:
    """The problem stays short; the traceback is a log event."""
    events = run(finished(zygote, "raises"))
    assert events[-1]["problem"]["code"] == "stage-crashed"
    assert events[-1]["problem"]["detail"] == "ValueError: seven is not a colour"
    assert "Traceback" in events[0]["message"]
    assert "Traceback" not in events[-1]["problem"]["detail"]


@pytest.mark.parametrize(
    ("name", "code", "words", "retryable"),
    [
        ("segfault", "stage-crashed", "SIGSEGV", False),
        ("leaves", "stage-crashed", "exit code 3", False),
        ("kills_itself", "process-lost", "SIGKILL", True),
        ("fills_the_disk", "platform-failed", "the disk is full", False),
        ("no_memory", "limit-exceeded", "more memory", False),
    ],
)
def test_every_death_has_a_clear_reason(  # noqa: PLR0917 - a table of cases reads best as columns
    run: Run, zygote: Zygote, name: str, code: str, words: str, retryable: bool
) -> None:
    """Exit codes, signals, full disks and refused memory each say what happened, and whether trying again helps."""
    found = run(problem(zygote, name))
    assert found["code"] == code
    assert words in found["detail"]
    assert found["retryable"] is retryable


def test_an_exit_without_answer_is_no_success(run: Run, zygote: Zygote) -> None:
    """Exit code 0 alone proves nothing."""
    assert run(problem(zygote, "leaves", {"code": 0}))["code"] == "stage-crashed"


def test_the_deadline_kills(run: Run, zygote: Zygote) -> None:
    """A child that hangs ends at its deadline, and the problem names it."""
    began = time.monotonic()
    found = run(problem(zygote, "hangs", limits=Limits(timeout=0.4)))
    assert found["code"] == "limit-exceeded"
    assert "0.4 s" in found["detail"]
    assert time.monotonic() - began < 2.0


@pytest.mark.parametrize("forked", [False, True])
def test_memory_over_the_limit_kills_the_whole_tree(run: Run, zygote: Zygote, forked: bool) -> None:
    """Grandchildren count too; the problem says how much was used and what the limit is."""

    async def watch() -> tuple[ChildProcess, dict[str, Any]]:
        child = await spawned(zygote, "eats", {"forked": forked}, Limits(memory=200 * MIB, timeout=30))
        return child, await child.wait()

    child, last = run(watch())
    assert last["problem"]["code"] == "limit-exceeded"
    assert "the limit is 200 MiB" in last["problem"]["detail"]
    assert 200 * MIB < child.peak < 1500 * MIB


def test_cancelling_ends_a_child_within_two_seconds(run: Run, zygote: Zygote) -> None:
    """The reason given becomes the problem."""

    async def cancel() -> tuple[float, dict[str, Any], int]:
        child = await spawned(zygote, "hangs")
        began = time.monotonic()
        await child.kill(CancelledError("enough"))
        took = time.monotonic() - began
        return took, await child.wait(), child.pid

    took, last, pid = run(cancel())
    assert took < 2.0
    assert (last["problem"]["code"], last["problem"]["detail"]) == ("cancelled", "enough")
    assert not alive(pid)


def test_what_a_child_leaves_behind_is_ended(run: Run, zygote: Zygote) -> None:
    """A grandchild in a session of its own does not outlive the job, and does not delay its end."""

    async def detach() -> tuple[int, ChildProcess, dict[str, Any]]:
        child = await spawned(zygote, "detaches")
        events = [event async for event in child.events()]
        return int(events[0]["message"].split()[1]), child, events[-1]

    pid, child, last = run(detach())
    assert last["type"] == "outcome"
    assert child.stragglers == 1
    assert not alive(pid)


def test_noise_on_every_channel_hurts_nobody(run: Run, zygote: Zygote) -> None:
    """Garbage on the event pipe becomes a log line; megabytes of output are read, capped and reported."""
    events = run(finished(zygote, "shouts"))
    assert events[-1] == {"type": "outcome", "printed": True}
    assert sum(len(event["message"]) for event in events[:-1]) < 600_000
    assert any("not json" in event["message"] for event in events[:-1])
    assert any("was dropped" in event["message"] for event in events[:-1])


def test_a_killed_keeper_takes_its_child_along(run: Run, zygote: Zygote) -> None:
    """Whoever kills the process in between gets a retryable problem and no leftovers."""

    async def kill() -> tuple[dict[str, Any], int]:
        child = await spawned(zygote, "hangs")
        os.kill(child.keeper, signal.SIGKILL)
        last = await child.wait()
        assert await gone(child.pid)
        return last, child.pid

    last, _ = run(kill())
    assert last["problem"]["code"] == "process-lost"
    assert last["problem"]["retryable"] is True


def test_a_killed_zygote_is_replaced_and_its_children_go_on(run: Run) -> None:
    """Keepers hold their own line to the parent, so that a job survives the process that forked it; the next job gets a new zygote."""

    async def survive() -> None:
        zygote = Zygote(path=(HERE,))
        await zygote.ready()
        first = zygote.pid or 0
        child = await spawned(zygote, "hangs")
        os.kill(first, signal.SIGKILL)
        assert await gone(first)
        events = await finished(zygote, "echo")
        assert events[-1]["type"] == "outcome"
        assert zygote.pid != first
        assert alive(child.pid)
        await child.kill()
        assert not alive(child.pid)
        await zygote.close()

    run(survive())


def test_a_zygote_that_cannot_live_is_given_up(run: Run) -> None:
    """Deaths that follow each other end in a clear error instead of a loop."""
    zygote = Zygote(("stages_that_exit",), path=(HERE,))

    async def insist() -> None:
        for _ in range(10):
            await spawned(zygote, "echo")

    with pytest.raises(UnavailableError, match="dies again and again"):
        run(insist())
    run(zygote.close())


def test_a_module_that_cannot_be_imported_is_reported(run: Run) -> None:
    """The zygote goes on, says which module failed, and jobs that do not need it run."""

    async def look() -> tuple[dict[str, str], dict[str, Any]]:
        zygote = Zygote(("no_such_module_anywhere",), path=(HERE,))
        await zygote.ready()
        last = (await finished(zygote, "echo"))[-1]
        failed = dict(zygote.failed)
        await zygote.close()
        return failed, last

    failed, last = run(look())
    assert "No module named" in failed["no_such_module_anywhere"]
    assert last["type"] == "outcome"


def test_without_forking_each_child_is_a_process_of_its_own(run: Run) -> None:
    """The form for other systems keeps the same promises."""

    async def plain() -> None:
        zygote = Zygote(path=(HERE,), fork=False)
        await zygote.ready()
        assert (await finished(zygote, "echo", {"a": 1}))[-1]["payload"] == {"a": 1}
        assert (await problem(zygote, "segfault"))["code"] == "stage-crashed"
        assert (await problem(zygote, "hangs", limits=Limits(timeout=1.0)))["code"] == "limit-exceeded"
        await zygote.close()

    run(plain())


_PARENT = f"""
import asyncio, sys
from mtf.zygote import Zygote
async def main():
    zygote = Zygote(path=({HERE!r},))
    await zygote.ready()
    child = await zygote.spawn("stages:hangs", {{}})
    print(zygote.pid, child.keeper, child.pid, flush=True)
    await child.wait()
asyncio.run(main())
"""


def test_nothing_outlives_a_killed_service(run: Run) -> None:
    """SIGKILL of the parent ends zygote, keeper and child."""
    parent = subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert all(map(alive, pids))
        parent.kill()
        for pid in pids:
            assert run(gone(pid)), pid
    finally:
        parent.kill()
        parent.communicate()

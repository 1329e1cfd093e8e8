"""The job's side of the model process: forks it, asks it with deadlines, checks every byte, and says how it died."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from mtf.errors import DataError, LimitError, ModelError, MtfError, PlatformError, SpecError
from mtf.plugins import Loader, Prediction
from mtf_inference import guest, wire
from mtf_inference.sandbox import kernel, lockdown
from mtf_inference.scorer import Answer

if TYPE_CHECKING:
    import pyarrow as pa

SHARE = 0.9
"""Of the job's memory, what the model may take: it meets its own limit, which names it, before the worker ends the whole job."""
T = TypeVar("T", wire.Ready, wire.Loaded, wire.Predicted)


@dataclass
class Guest:
    """A locked-down process with one model. Use as a context manager; leaving it kills the process."""

    loader: Loader
    path: Path
    args: Any
    regression: bool
    memory: int
    cpus: float
    deadline: float
    """Monotonic seconds after which the model counts as hung."""
    layers: frozenset[str] = frozenset({"landlock", "seccomp"})
    level: Literal["strict", "partial", "process", "none"] = "none"
    lacking: list[str] = field(default_factory=list)
    attempts: list[str] = field(default_factory=list)
    _pid: int = 0
    _pair: int = -1
    _started: float = field(default_factory=time.monotonic)

    def __enter__(self) -> Self:
        """Fork. The caller has touched no data and started no thread, so the child begins as clean as the zygote left it."""
        with contextlib.suppress(OSError):
            kernel.hide_from_peers()
        ours, theirs = socket.socketpair()
        parent = os.getpid()
        cpu = max(1.0, self.deadline - self._started) * max(1.0, self.cpus)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns where threads run; the child starts none of theirs
            self._pid = os.fork()
        if self._pid == 0:
            plan = lockdown.Plan(self.path, int(self.memory * SHARE), cpu, (theirs.fileno(),), parent, self.layers)
            guest.main(theirs.fileno(), plan, guest.Order(self.loader, self.path, self.args, self.regression, max(1, int(self.cpus))))
        theirs.close()
        ours.setblocking(False)
        self._pair = ours.detach()
        try:
            reply, _ = self._answer(wire.Ready)
        except BaseException:  # also a cancel: whatever it is, no model process may stay behind
            self.__exit__()
            raise
        self.level, self.lacking = reply.level, reply.lacking
        return self

    def __exit__(self, *_: object) -> None:
        """Kill and reap."""
        if self._pair >= 0:
            os.close(self._pair)
            self._pair = -1
        if self._pid:
            with contextlib.suppress(OSError):
                os.kill(self._pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._pid, 0)
            self._pid = 0

    def load(self) -> wire.Loaded:
        """Open the model. Raises ModelError, SpecError or LimitError."""
        self._ask(b"{}")
        reply, _ = self._answer(wire.Loaded)
        if len(json.dumps(reply.about)) > wire.MAX_ABOUT:
            raise self._broken("it says more of itself than fits")
        return reply

    def predict(self, table: pa.Table, most_columns: int) -> Answer:
        """Score one batch. `most_columns` bounds the scores of one row. Raises ModelError, DataError or LimitError."""
        import numpy as np
        import pyarrow as pa

        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        self._ask(b"{}", memoryview(sink.getvalue()))
        reply, size = self._answer(wire.Predicted)
        if reply.rows != table.num_rows or reply.columns > most_columns or size != reply.size:
            raise self._broken(f"it announced {reply.rows:,} rows, {reply.columns:,} score columns and {size:,} bytes")
        body = self._read(size)
        labels, offset = None, 0
        if reply.kind != "none":
            kind = "<f8" if reply.kind == "float64" else "<i4"
            labels = np.frombuffer(body, dtype=kind, count=reply.rows)
            offset = labels.nbytes
            if reply.kind == "codes" and reply.rows and (labels.min() < -1 or labels.max() >= len(reply.values)):
                raise self._broken("it sent codes that stand for no label")
        scores = None
        if reply.columns:
            scores = np.frombuffer(body, dtype="<f8", offset=offset).reshape(reply.rows, reply.columns)
        return Answer(Prediction(labels=labels, scores=scores), reply.values, reply.seconds)

    def _ask(self, header: bytes, *body: memoryview) -> None:
        try:
            wire.send(self._pair, header, body, deadline=self.deadline)
        except wire.WireError as error:
            raise self._explained(error) from None

    def _answer(self, wanted: type[T]) -> tuple[T, int]:
        try:
            header, size = wire.receive(self._pair, deadline=self.deadline)
            reply = wire.parse(header)
        except wire.WireError as error:
            raise self._explained(error) from None
        if not isinstance(reply, wire.Ready):
            self.attempts = [wire.readable(text, 200) for text in reply.attempts]
        if isinstance(reply, wire.Failed):
            raise self._failed(reply)
        if not isinstance(reply, wanted) or (size and not isinstance(reply, wire.Predicted)):
            raise self._broken(f"it answered `{reply.type}` out of turn")
        return reply, size

    def _read(self, size: int) -> memoryview:
        try:
            return wire.read(self._pair, size, deadline=self.deadline)
        except wire.WireError as error:
            raise self._explained(error) from None

    def _explained(self, error: wire.WireError) -> MtfError:
        """What the broken conversation means for the user."""
        if isinstance(error, wire.DeadlineError):
            seconds = time.monotonic() - self._started
            return LimitError(
                f"the model did not answer within {seconds:.0f} s", field="timeout", fix="raise `timeout`, or make the model faster"
            )
        if isinstance(error, wire.ClosedError):
            return self._death()
        return self._broken(str(error))

    def _broken(self, what: str) -> ModelError:
        return ModelError(f"the model's process broke the protocol: {what}", field="model", fix="the model must not touch its descriptors")

    def _death(self) -> MtfError:
        """How the process ended, from what the kernel says."""
        status = self._reap()
        if status is None:
            return ModelError("the model closed its connection", field="model", fix="the model must not touch its descriptors")
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            if number == signal.SIGXCPU:
                return LimitError("the model used more processor time than the job may", field="timeout", fix="raise `timeout`")
            if number == signal.SIGKILL:
                return LimitError(
                    "the model's process was killed, most likely because it needed too much memory",
                    field="model",
                    fix="give the job more memory (MTF_JOB_MEMORY), or use a smaller model",
                )
            return ModelError(f"the model's process crashed with {signal.Signals(number).name}", field="model")
        code = os.waitstatus_to_exitcode(status)
        if self.level == "none":
            return PlatformError(f"the model's process could not be set up (exit code {code})")
        return ModelError(f"the model ended its own process with exit code {code}", field="model", fix="remove the call that exits")

    def _reap(self) -> int | None:
        """The wait status, asked for at most 2 s; None for a process that closed the pair and lives on."""
        for _ in range(200):
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._pid = 0
                return status
            time.sleep(0.01)
        return None

    def _failed(self, reply: wire.Failed) -> MtfError:
        if reply.cause == "memory":
            return LimitError(
                f"the model needs more memory than the job may use ({self.memory / 2**20:,.0f} MiB)",
                field="model",
                fix="give the job more memory (MTF_JOB_MEMORY), or use a smaller model",
            )
        kind = {"spec": SpecError, "data": DataError}.get(reply.cause, ModelError)
        found, fix = (None if text is None else wire.readable(text, 500) for text in (reply.found, reply.fix))
        return kind(wire.readable(reply.message), field=wire.readable(reply.field or "model", 200), found=found, fix=fix)

"""The model process: locks itself down, then opens the model and answers one frame for each frame.

It is forked by a job and never trusted again after it opened the model.
"""

from __future__ import annotations

import json
import os
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtf.errors import DataError, ModelError, MtfError, SpecError
from mtf.plugins import Loader, Model, Prediction
from mtf_inference import threads, wire
from mtf_inference.encoding import encode, plain
from mtf_inference.sandbox import lockdown
from mtf_inference.watch import Watch

REFUSED = "a model may only compute: remove that from it, or serve it elsewhere and test it as an `endpoint`"
RAISED = "call the model on a few of these rows yourself; `mtf recipe fit --test FILE` writes them"


@dataclass(frozen=True)
class Order:
    """What to load and how."""

    loader: Loader
    path: Path
    args: Any
    regression: bool
    threads: int


def main(descriptor: int, plan: lockdown.Plan, order: Order) -> None:
    """Serve until the parent closes the pair. Never returns to what the fork interrupted."""
    status = 1
    try:
        reached = lockdown.lock(plan)
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ[name] = str(order.threads)
        _reply(descriptor, wire.Ready(level=reached.level, lacking=[text[:200] for text in reached.lacking[:20]]))
        _serve(descriptor, order)
        status = 0
    except wire.WireError:
        status = 0  # the parent closed the pair: there is nobody left to answer
    finally:
        os._exit(status)


def _serve(descriptor: int, order: Order) -> None:
    """Load on the first frame, predict on each later one."""
    watch = Watch()
    watch.install()
    threads.locks_of_threads()
    wire.receive(descriptor)
    loaded = _guarded(descriptor, watch, lambda: _load(order, watch))
    if loaded is None:
        return
    model, hello = loaded
    _reply(descriptor, hello)
    while True:
        _, size = wire.receive(descriptor)
        body = wire.read(descriptor, size)
        said = _guarded(descriptor, watch, lambda body=body: _predict(model, body, order, watch))  # type: ignore[misc]
        if said is None:
            return
        header, buffers = said
        wire.send(descriptor, header, buffers)


def _guarded(descriptor: int, watch: Watch, work: Callable[[], Any]) -> Any:
    """Do what runs the user's code; whatever it raises becomes one frame, and None."""
    watch.active = True
    try:
        return work()
    except wire.ClosedError:
        raise
    except BaseException as error:  # noqa: BLE001 - a model may raise anything, SystemExit included, and the parent must hear of it
        _reply(descriptor, _failure(error, watch))
        return None
    finally:
        watch.active = False


def _load(order: Order, watch: Watch) -> tuple[Model, wire.Loaded]:
    start = time.perf_counter()
    model = order.loader.load(order.path, order.args)
    seconds = time.perf_counter() - start
    features, labels = model.features, model.labels
    width = getattr(model, "width", None)
    return model, wire.Loaded(
        features=None if features is None else [str(name) for name in features],
        width=None if width is None else int(width),
        labels=None if labels is None else [plain(label) for label in labels],
        about=json.loads(json.dumps(model.describe(), default=str)),
        seconds=seconds,
        attempts=watch.attempts,
    )


def _predict(model: Model, body: memoryview, order: Order, watch: Watch) -> tuple[bytes, list[memoryview]]:
    import numpy as np
    import pyarrow as pa

    table = pa.ipc.open_stream(pa.py_buffer(body), options=pa.ipc.IpcReadOptions(use_threads=False)).read_all()
    start = time.perf_counter()
    with threads.within(order.threads):
        said = model.predict(table)
    seconds = time.perf_counter() - start
    if not isinstance(said, Prediction):
        raise TypeError(f"the loader answered with {type(said).__name__}")
    kind, values, labels = encode(said.labels, table.num_rows, regression=order.regression)
    parts = [] if labels is None else [np.ascontiguousarray(labels).data.cast("B")]
    columns = 0
    if said.scores is not None:
        scores = np.ascontiguousarray(said.scores, dtype=np.float64)
        if scores.ndim not in {1, 2} or scores.shape[0] != table.num_rows:
            raise ModelError(
                f"the scores have the shape {scores.shape} for {table.num_rows:,} rows", fix="answer with one row of scores for each row"
            )
        columns = 1 if scores.ndim == 1 else scores.shape[1]
        parts.append(scores.reshape(-1).data.cast("B"))
    header = wire.Predicted(rows=table.num_rows, kind=kind, values=values, columns=columns, seconds=seconds, attempts=watch.attempts)
    return header.model_dump_json().encode(), parts


def _failure(error: BaseException, watch: Watch) -> wire.Failed:
    attempts = watch.attempts
    if isinstance(error, MemoryError):
        return wire.Failed(cause="memory", message="", attempts=attempts)
    if isinstance(error, MtfError):
        causes = {SpecError: "spec", DataError: "data"}
        cause: Any = next((name for kind, name in causes.items() if isinstance(error, kind)), "model")
        return wire.Failed(
            cause=cause, message=error.message[:4000], field=error.field, found=error.found, fix=error.fix, attempts=attempts
        )
    blamed = watch.blame(error)
    if blamed:
        return wire.Failed(cause="model", message=f"the model tried to {blamed}, which the sandbox refuses", fix=REFUSED, attempts=attempts)
    return wire.Failed(cause="model", message=_described(error)[:4000], fix=RAISED, attempts=attempts)


def _described(error: BaseException) -> str:
    """The exception in one line, with the place in the user's code where it rose."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" (at {Path(frames[-1].filename).name}:{frames[-1].lineno} in {frames[-1].name})" if frames else ""
    first = " ".join(str(error).split())
    return f"the model raised {type(error).__name__}: {first[:1500]}{place}"


def _reply(descriptor: int, frame: wire.Ready | wire.Loaded | wire.Failed) -> None:
    wire.send(descriptor, frame.model_dump_json().encode())

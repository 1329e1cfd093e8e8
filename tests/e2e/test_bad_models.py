"""Whatever a model file or an endpoint does: the run ends with what it did, the exit code of its cause, and nothing half-written."""

from __future__ import annotations

import json
import pickle
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression

from mtf.embedded import Embedded
from mtf_inference.sandbox import landlock
from tests.conftest import ROOT
from tests.e2e.attempts import LABELS, ROWS, Case, attempt, check, lay_out
from tests.e2e.servers import serve
from tests.faults import hostile

strict = pytest.mark.skipif(landlock.version() == 0, reason="pickles are opened in the strict sandbox only, which this kernel lacks")
FOREST = (ROOT / "examples/penguins/forest.skops").read_bytes()
BOOSTING = (ROOT / "examples/diamonds/boosting.onnx").read_bytes()


def file(name: str) -> dict[str, Any]:
    """The keys of a run that tests this model file on one feature."""
    return {"model.source": {"type": "file", "path": name}, "dataset.features": ["x"], "evaluation.slices": []}


def case(name: str, code: int, says: tuple[str, ...], path: str, content: bytes) -> Any:
    return pytest.param(Case(name, code, says, files={path: content}, keys=file(path)), id=name)


FILES = [
    case("text as a model", 2, ("model.source", "text"), "model.txt", b"this is no model\n" * 99),
    case("table as a model", 2, ("type: predictions",), "model.csv", b"a,b\n1,2\n"),
    case("empty model", 2, ("model.source.path", "empty"), "model.skops", b""),
    case("truncated skops", 4, ("skops",), "model.skops", FOREST[: len(FOREST) // 2]),
    case("truncated onnx", 4, ("ONNX",), "model.onnx", BOOSTING[: len(BOOSTING) // 2]),
    case("model of other labels, under another name", 2, ("model.labels", "Adelie", "yes"), "model.onnx", FOREST),
    case("pickle in disguise", 2, ("pickle",), "model.skops", pickle.dumps(LogisticRegression())),
    case("pickle while they are off", 2, ("pickle", "MTF_ALLOW_PICKLE"), "model.pkl", pickle.dumps(LogisticRegression())),
]

DEEDS = {
    "raises": ("raise ValueError('no luck')", ("the model raised ValueError: no luck", "fix:")),
    "hangs": ("import time; time.sleep(60)", ("did not answer within", "3")),
    "spins": ("while True: pass", ("did not answer within",)),
    "forks": ("os.fork()", ("start a process",)),
    "eats memory": ("hoard = [bytearray(1 << 26) for _ in range(100)]", ("memory", "MiB")),
    "writes files": ("open('/tmp/mtf-e2e-hostile', 'w')", ("write the file",)),
    "opens a socket": ("import socket; socket.socket()", ("open a socket",)),
    "ends its process": ("os._exit(0)", ("exit code 0",)),
    "crashes": ("import ctypes; ctypes.string_at(0)", ("SIGSEGV",)),
    "answers too little": ("return ['no']", ("1", "40")),
    "answers unknown labels": ("return ['maybe'] * len(rows)", ("maybe", "'no', 'yes'")),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """An open house as it comes: pickles are off."""
    with Embedded(tmp_path_factory.mktemp("house") / ".mtf") as opened:
        yield opened


@pytest.fixture(scope="module")
def trusting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """A house whose owner switched pickles on, with 700 MiB for a job."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MTF_ALLOW_PICKLE", "1")
        patch.setenv("MTF_JOB_MEMORY", str(700 << 20))
        with Embedded(tmp_path_factory.mktemp("trusting") / ".mtf") as opened:
            yield opened


@pytest.mark.parametrize("wrong", FILES)
def test_a_file_that_is_no_usable_model(wrong: Case, house: Embedded, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another format, half a file, a pickle in disguise: refused by header or by the loader, in words."""
    check(attempt(house, lay_out(tmp_path, wrong), capsys), wrong, house.home)


@strict
@pytest.mark.parametrize("deed", DEEDS)
def test_a_hostile_model(deed: str, trusting: Embedded, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the model did is the run's problem; the house goes on."""
    code, says = DEEDS[deed]
    hostile.model(tmp_path, load="Model.classes_ = ['no', 'yes']", predict=code)
    wrong = Case(deed, 4, says, keys={**file("model.pkl"), "timeout": 3})
    told = attempt(trusting, lay_out(tmp_path, wrong), capsys)
    check(told, wrong, trusting.home)
    assert told.view is not None
    assert told.view.problem is not None
    assert told.view.problem.stage == "inference"
    assert not Path("/tmp/mtf-e2e-hostile").exists()


def answered(content: object) -> Callable[[str, bytes], tuple[int, bytes]]:
    return lambda _path, _body: (200, json.dumps(content).encode())


ANSWERS = {
    "wrong shape": (answered({"foo": 1}), ("neither `predictions` nor `scores`",)),
    "list": (answered([1, 2]), ("predictions",)),
    "too few rows": (answered({"predictions": ["no"]}), ("1", "40")),
    "nested scores": (answered({"scores": [[[0.1]]] * ROWS}), ("scores",)),
    "text as scores": (answered({"scores": ["high"] * ROWS}), ("scores",)),
    "unknown label": (answered({"predictions": ["maybe"] * ROWS}), ("maybe",)),
    "no JSON": (lambda _p, _b: (200, b"<html>sorry</html>"), ("JSON",)),
    "error 500": (lambda _p, _b: (500, b"boom"), ("500",)),
    "not found": (lambda _p, _b: (404, b"{}"), ("404",)),
}


def endpoint(url: str, **more: Any) -> dict[str, Any]:
    source = {"type": "endpoint", "url": url, "protocol": "json", "retries": 0, **more}
    return {"model.source": source, "dataset.features": ["x"], "evaluation.slices": []}


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_endpoint_of_the_wrong_shape(kind: str, house: Embedded, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An answer that is no answer is told with what came instead."""
    answer, says = ANSWERS[kind]
    with serve(answer) as server:
        wrong = Case(kind, 4, (*says, "model"), keys=endpoint(f"{server.url}/score"))
        check(attempt(house, lay_out(tmp_path, wrong), capsys), wrong, house.home)


def test_an_endpoint_that_is_slow(house: Embedded, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An endpoint that does not answer in its time is named with that time."""
    with serve(answered({}), hang=True) as server:
        wrong = Case("slow", 4, ("0.5 s", server.url.removeprefix("http://")), keys=endpoint(f"{server.url}/score", timeout=0.5))
        check(attempt(house, lay_out(tmp_path, wrong), capsys), wrong, house.home)


def test_an_endpoint_that_is_down(house: Embedded, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An address where nobody listens is named."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    wrong = Case("down", 4, (f"127.0.0.1:{port}", "fix:"), keys=endpoint(f"http://127.0.0.1:{port}/score"))
    check(attempt(house, lay_out(tmp_path, wrong), capsys), wrong, house.home)


def test_an_endpoint_that_answers_right(house: Embedded, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same run against an endpoint that works succeeds."""
    with serve(answered({"predictions": LABELS})) as server:
        told = attempt(house, lay_out(tmp_path, Case("good", 0, (), keys=endpoint(f"{server.url}/score"))), capsys)
    assert told.code == 0, told.text

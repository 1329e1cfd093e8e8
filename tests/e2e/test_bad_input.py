"""Whatever a run file, a table or a predictions file has wrong: a few lines that name it, the exit code of its cause, nothing half-written."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtf.embedded import Embedded, run
from mtf.errors import MtfError
from tests.e2e.attempts import LABELS, PREDICTIONS, ROWS, TRUTH, Case, attempt, check, lay_out
from tests.e2e.command import Command

PARQUET = io.BytesIO()
pq.write_table(pa.table({"id": [1, 2], "truth": ["yes", "no"]}), PARQUET)
BINARY = bytes(range(256)) * 64
HEADER = "id,prediction,score\n"


def scored(score: str, row: int = 5) -> str:
    """The good predictions with another score in one row."""
    lines = PREDICTIONS.splitlines()
    lines[row + 1] = f"{row},{LABELS[row]},{score}"
    return "\n".join(lines) + "\n"


def truth(replace: dict[int, str]) -> str:
    """The good table with other lines."""
    lines = TRUTH.splitlines()
    for number, line in replace.items():
        lines[number] = line
    return "\n".join(lines) + "\n"


RUN_FILES = [
    Case("yaml with an open bracket", 2, ("run.yaml, line 3, column", "fix:"), text="name: trial\ndataset: {source: [\nmodel: }\n"),
    Case("yaml with a tab", 2, ("line 2, column 1", "spaces"), text="dataset:\n\ttarget: x\n"),
    Case("key that stands twice", 2, ("line 2, column 1", "`name` stands twice"), text="name: a\nname: b\n"),
    Case("run file that is empty", 2, ("run.yaml is empty", "mtf init"), text=""),
    Case("run file that is a list", 2, ("must hold keys", "mtf init"), text="- a\n- b\n"),
    Case("run file that is binary", 2, ("not text in UTF-8", "fix:"), text=b"\xff\xfe\x00\x01"),
    Case("unknown key", 2, ("evaluation.metircs", "metrics"), keys={"evaluation.metircs": ["accuracy"]}),
    Case("unknown top-level key", 2, ("evalution", "evaluation"), keys={"evalution": {}}),
    Case("unknown key of a source", 2, ("dataset.source.delimeter", "delimiter"), keys={"dataset.source.delimeter": ";"}),
    Case("unknown source", 2, ("dataset.source.type", "file"), keys={"dataset.source.type": "fiel"}),
    Case("unknown step", 2, ("processing[0]", "impute"), keys={"processing": [{"imputte": {}}]}),
    Case("unknown argument of a step", 2, ("processing[0].clip", "upper"), keys={"processing": [{"clip": {"uper": 1}}]}),
    Case("fitted step without training rows", 2, ("split", "processing"), keys={"processing": [{"scale": {}}]}),
    Case("no target", 2, ("target", "name the column"), keys={"dataset.target": None}),
    Case("no model", 2, ("model",), keys={"model": None}),
    Case("unknown metric", 2, ("evaluation.metrics", "acuracy", "accuracy"), keys={"evaluation.metrics": ["acuracy"]}),
    Case("metric of another task", 2, ("rmse", "binary"), keys={"evaluation.metrics": ["rmse"], "evaluation.task": "binary"}),
    Case("gate with unknown metric", 2, ("evaluation.gates[0]", "acuracy", "accuracy"), keys={"evaluation.gates": ["acuracy >= 0.9"]}),
    Case("gate without grammar", 2, ("evaluation.gates[0]", "fix:"), keys={"evaluation.gates": ["accuracy should be good"]}),
    Case("gate with a percent sign", 2, ("evaluation.gates[0]",), keys={"evaluation.gates": ["accuracy >= 90%"]}),
    Case("gate on a baseline that is not named", 2, ("baseline",), keys={"evaluation.gates": ["accuracy not worse than baseline"]}),
    Case("name of 5,000 characters", 2, ("name", "100", "5,000 characters"), keys={"name": "n" * 5000}),
    Case("name with a path", 2, ("name", "fix:"), keys={"name": "../../etc/passwd"}),
    Case("registered version with a path", 2, ("dataset", "../x"), keys={"dataset": "../x@1"}),
    Case("model that is not registered", 2, ("forest", "model"), keys={"model": "forest@champion"}),
    Case("baseline that never ran", 2, ("evaluation.baseline", "nobody"), keys={"evaluation.baseline": "nobody"}),
    Case("recipe that is not there", 2, ("recipe",), keys={"processing": {"recipe": "clean@1"}}),
    Case("timeout of nothing", 2, ("timeout", "0"), keys={"timeout": 0}),
    Case("confidence level of 95", 2, ("evaluation.level", "95"), keys={"evaluation.level": 95}),
    Case("number that is not finite", 2, ("finite",), text="name: a\nseed: .nan\n"),
    Case("model file that is not there", 2, ("model.source.path", "no file"), keys={"model.source": {"type": "file", "path": "no.skops"}}),
    Case("model that is a folder", 2, ("model.source.path", "folder"), keys={"model.source": {"type": "file", "path": "."}}),
]

TABLES = [
    Case("file that is not there", 2, ("dataset.source.path", "nowhere.csv"), keys={"dataset.source.path": "nowhere.csv"}),
    Case("path that leaves the folder", 2, ("dataset.source.path", "found:"), keys={"dataset.source.path": "../../../../no/such.csv"}),
    Case("path of 5,000 characters", 2, ("dataset.source.path",), keys={"dataset.source.path": "p" * 5000}),
    Case("file that is a folder", 2, ("folder",), keys={"dataset.source.path": "."}),
    Case("empty file", 2, ("truth.csv", "empty"), files={"truth.csv": ""}),
    Case("header and nothing else", 2, ("header and no row",), files={"truth.csv": "id,x,region,truth\n"}),
    Case("binary garbage as CSV", 2, ("truth.csv",), files={"truth.csv": BINARY}),
    Case("NUL bytes", 2, ("NUL",), files={"truth.csv": truth({7: "6,0.8\0,south,yes"})}),
    Case("ragged row", 2, ("line 8", "fix:"), files={"truth.csv": truth({7: "6,0.857,south"})}),
    Case("open quote", 2, ("line 8", "quote"), files={"truth.csv": truth({7: '6,0.857,"south,yes'})}),
    Case("unknown encoding", 2, ("encoding", "utf-9"), keys={"dataset.source.encoding": "utf-9"}),
    Case("other encoding than named", 2, ("encoding",), files={"truth.csv": truth({7: "6,0.857,süd,yes"}).encode("latin-1")}),
    Case("duplicate columns", 2, ("`x`", "same name"), files={"truth.csv": truth({0: "id,x,x,truth"})}),
    Case("truncated gzip", 2, ("truth.csv.gz",), files={"truth.csv.gz": gzip.compress(TRUTH.encode())[:-20]}, keys={"dataset.source.path": "truth.csv.gz"}),
    Case("truncated Parquet", 2, ("truth.parquet",), files={"truth.parquet": PARQUET.getvalue()[:-9]}, keys={"dataset.source.path": "truth.parquet"}),
    Case("broken JSON line", 2, ("line 2",), files={"truth.jsonl": '{"id": 1, "truth": "yes"}\n{"id": 2, \n'}, keys={"dataset.source.path": "truth.jsonl"}),
    Case("declared type that does not fit", 2, ("region", "int64"), keys={"dataset.types": {"region": "int64"}}),
    Case("expected rows", 2, ("expect", "1,000", "40"), keys={"expect": {"min_rows": 1000}}),
    Case("target absent", 2, ("dataset.target", "tagret", "truth"), keys={"dataset.target": "tagret"}),
    Case("target all missing", 2, ("truth", "missing"), files={"truth.csv": "id,x,truth\n" + "".join(f"{i},1,\n" for i in range(20))}, keys={"evaluation.slices": []}),
    Case("target of one class", 2, ("truth", "one"), files={"truth.csv": TRUTH.replace(",no\n", ",yes\n")}),
    Case("positive label that is not there", 2, ("positive", "maybe", "yes"), keys={"dataset.positive": "maybe"}),
    Case("slice of a column that is not there", 2, ("evaluation.slices", "regoin", "region"), keys={"evaluation.slices": ["regoin"]}),
    Case("gate on a slice value that is not there", 2, ("evaluation.gates", "west", "north"), keys={"evaluation.gates": ["accuracy >= 0.5 in region=west"]}),
    Case("id that repeats", 2, ("id",), files={"truth.csv": truth({7: "5,0.857,south,yes"})}),
    Case("step on a column that is not there", 2, ("agee", "processing[0]"), keys={"processing": [{"drop_columns": {"columns": ["agee"]}}]}),
    Case("steps that leave no row", 2, ("row",), files={"truth.csv": "id,x,region,truth\n" + "".join(f"{i},,a,{LABELS[i]}\n" for i in range(ROWS))}, keys={"processing": [{"drop_missing": {"columns": ["x"]}}]}),
]  # fmt: skip

ANSWERS = [
    Case("predictions that are not there", 2, ("model.source.path", "no.csv"), keys={"model.source.path": "no.csv"}),
    Case("empty predictions", 2, ("predictions.csv", "empty"), files={"predictions.csv": ""}),
    Case("predictions of another shape", 2, ("prediction",), files={"predictions.csv": "id,guess\n" + "".join(f"{i},yes\n" for i in range(ROWS))}),
    Case("too few predictions", 2, ("rows",), files={"predictions.csv": PREDICTIONS[: len(PREDICTIONS) // 2].rsplit("\n", 1)[0] + "\n"}),
    Case("a prediction that is missing", 4, ("NaN", "missing: exclude"), files={"predictions.csv": PREDICTIONS.replace("5,no,0.2", "5,,")}),
    Case("a score that is NaN", 4, ("NaN",), files={"predictions.csv": scored("nan")}),
    Case("a score that is infinite", 4, ("inf",), files={"predictions.csv": scored("inf")}),
    Case("a score above 1", 4, ("1.7",), files={"predictions.csv": scored("1.7")}),
    Case("scores that do not sum to 1", 4, ("sum", "1"), files={"predictions.csv": "id,prediction,score:no,score:yes\n" + "".join(f"{i},yes,0.9,0.9\n" for i in range(ROWS))}),
    Case("a label that the data does not have", 4, ("maybe",), files={"predictions.csv": PREDICTIONS.replace("5,no,0.2", "5,maybe,0.2")}),
    Case("an id that repeats", 2, ("id",), files={"predictions.csv": PREDICTIONS.replace("6,yes", "5,yes")}),
    Case("binary garbage as predictions", 2, ("predictions file", "fix:"), files={"predictions.csv": BINARY}),
]  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """One open house for every case: what a failed run leaves behind must not disturb the next."""
    with Embedded(tmp_path_factory.mktemp("house") / ".mtf") as opened:
        yield opened


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in RUN_FILES])
def test_a_wrong_run_file(case: Case, house: Embedded, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What can be known without the data is told before a run exists."""
    told = attempt(house, lay_out(tmp_path, case), capsys)
    check(told, case, house.home)
    assert told.view is None


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in TABLES + ANSWERS])
def test_wrong_data(case: Case, house: Embedded, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A table or a predictions file that cannot be measured ends its run with what was found and where."""
    check(attempt(house, lay_out(tmp_path, case), capsys), case, house.home)


def test_the_good_run_still_runs(house: Embedded, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After all of them the house still runs what is right."""
    told = attempt(house, lay_out(tmp_path, Case("good", 0, ())), capsys)
    assert told.code == 0, told.text


REAL = [
    case
    for case in RUN_FILES + TABLES + ANSWERS
    if case.name in {"yaml with a tab", "unknown key", "ragged row", "a score that is NaN", "target absent"}
]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in REAL])
def test_the_real_command_says_the_same(case: Case, tmp_path: Path) -> None:
    """As a process of its own: the exit code, a few lines on standard error and nothing on standard output."""
    lay_out(tmp_path, case)
    done = Command(tmp_path)("run", "run.yaml", "--json", code=case.code)
    assert done.stdout == ""
    assert all(words in done.stderr for words in case.says), done.stderr
    assert len(done.stderr.splitlines()) <= 8, done.stderr
    assert not list((tmp_path / ".mtf").rglob("report.html"))


def test_the_library_call_raises_the_same(tmp_path: Path) -> None:
    """`mtf.run` raises an error with field, found and fix, whose message is the command's."""
    case = next(case for case in TABLES if case.name == "target absent")
    with pytest.raises(MtfError) as caught:
        run(lay_out(tmp_path, case), home=tmp_path / ".mtf")
    assert (caught.value.field, caught.value.found, caught.value.exit_code) == ("dataset.target", "tagret", 2)
    assert "truth" in (caught.value.fix or "")

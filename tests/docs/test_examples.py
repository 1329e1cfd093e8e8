"""What a reader copies works: README's conversation and Python, the tutorials, and the example plug-in, in real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from sklearn.metrics import roc_auc_score

from mtf.cli.starter import write_starter
from mtf.plugins import Sample
from mtf.testing import check_metric
from tests.conftest import ROOT
from tests.docs.pages import Block, blocks
from tests.docs.stack import serving

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="the conversation is for a POSIX shell")]
README = blocks(ROOT / "README.md")
GATEWAY = "http://127.0.0.1:8000"
SEPARATOR = "-- next block --"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A stack of real processes."""
    with serving(tmp_path_factory.mktemp("stack") / ".mtf") as url:
        yield url


def run(command: Sequence[str], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """A command in a folder, with our own `mtf` first on the path and nothing of the tester's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MTF_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"
    environment = {**kept, "PATH": path, **more}
    done = subprocess.run(list(command), cwd=folder, capture_output=True, text=True, check=False, env=environment, timeout=240)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
    return done


def shell(texts: Sequence[str], folder: Path) -> list[str]:
    """Blocks of shell as one session; what each printed."""
    script = f"\necho '{SEPARATOR}'\n".join(texts)
    return [part.strip("\n") for part in run(["bash", "-euc", script], folder).stdout.split(f"{SEPARATOR}\n")]


def python(page: Sequence[Block], needle: str) -> tuple[str, str]:
    """The Python block that holds `needle`, and the text block that follows it."""
    place = next(i for i, block in enumerate(page) if block.kind == "python" and needle in block.text)
    return page[place].text, page[place + 1].text.strip()


def test_the_conversation_with_the_gateway(gateway: str, tmp_path: Path) -> None:
    """Upload, run, events, report and a wrong request answer what README shows, but for ids and times."""
    spoken = [block.text.replace(GATEWAY, gateway) for block in README if block.kind == "bash"]
    assert len(spoken) == 5
    stored, queued, events, report, problem = shell(spoken, tmp_path)
    shown = [block.text.strip() for block in README if block.kind in {"json", "text"}]
    assert stored in shown
    assert '"name":"iris-guess","status":"queued"' in queued
    last = json.loads(events.splitlines()[-1].removeprefix("data: "))
    assert last["data"] == {"status": "succeeded", "verdict": "inconclusive"}
    assert report in [text.strip("\n") for text in (block.text for block in README)]
    answer = json.loads(problem)
    printed = next(json.loads(text) for text in shown if text.startswith('{"schema_version"') and "detail" in text)
    assert {**answer, "instance": ""} == {**printed, "instance": ""}


def test_python_on_predictions(tmp_path: Path) -> None:
    """`mtf.evaluate` and `mtf.compare` print what README shows."""
    code, shown = python(README, "mtf.evaluate(")
    assert run([sys.executable, "-c", code], tmp_path).stdout.strip() == shown


def test_python_on_a_run_file(tmp_path: Path) -> None:
    """`mtf.run` works on what `mtf init` wrote, and prints what README shows."""
    write_starter(tmp_path)
    code, shown = python(README, "mtf.run(")
    assert run([sys.executable, "-c", code], tmp_path).stdout.strip() == shown


def test_python_against_a_gateway(gateway: str, tmp_path: Path) -> None:
    """`mtf.Client` uploads local files, waits, and prints what README shows."""
    write_starter(tmp_path)
    code, shown = python(README, "mtf.Client(")
    assert run([sys.executable, "-c", code.replace(GATEWAY, gateway)], tmp_path).stdout.strip() == shown


def test_command_against_a_gateway(gateway: str, tmp_path: Path) -> None:
    """`mtf run run.yaml --gateway URL` uploads what the run file names and prints the report's address."""
    write_starter(tmp_path)
    told = run([sys.executable, "-m", "mtf", "run", "run.yaml", "--quiet", "--gateway", gateway], tmp_path).stdout
    assert "verdict: pass" in told
    assert f"report: {gateway}/v1/runs/" in told


@pytest.mark.parametrize("name", ["first-run", "gate-in-ci"])
def test_tutorial(tmp_path: Path, name: str) -> None:
    """Every command and every Python block of a tutorial works, in order, in an empty folder; short outputs are as shown."""
    page = blocks(ROOT / f"docs/tutorials/{name}.md")
    for place, block in enumerate(page):
        if block.kind not in {"bash", "python"}:
            continue
        command = ["bash", "-euc", block.text] if block.kind == "bash" else [sys.executable, "-c", block.text]
        printed = run(command, tmp_path).stdout.strip()
        follows = page[place + 1] if place + 1 < len(page) else Block("", "")
        if follows.kind == "text" and len(follows.text.splitlines()) == 1:
            assert printed == follows.text.strip()


def test_example_metrics() -> None:
    """The guide's metric with an argument and its rank metric keep what metrics promise, and the area is scikit-learn's."""
    code = next(block.text for block in blocks(ROOT / "docs/guide/plugins.md") if "class Within" in block.text)
    room: dict[str, Any] = {"__name__": "guide"}
    exec(code, room)  # noqa: S102 - our own page
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 2, 80).astype(np.int32)
    score = np.round(np.clip(0.3 * truth + rng.normal(0.35, 0.2, 80), 0, 1), 1)
    rows = Sample("binary", truth, (score >= 0.5).astype(np.int32), np.stack([1 - score, score], axis=1), (0, 1))
    assert check_metric(room["Area"](), rows) == pytest.approx(roc_auc_score(truth, score), rel=1e-12)
    numbers = Sample("regression", np.arange(1.0, 81.0), np.arange(1.0, 81.0) * rng.uniform(0.7, 1.3, 80))
    near = check_metric(room["Within"](room["Within"].Args(share=0.2)), numbers)
    assert near == np.mean(np.abs(numbers.prediction / numbers.target - 1) <= 0.2)
    assert check_metric(room["Within"](), numbers) < near


def test_example_plugins(tmp_path: Path) -> None:
    """The guide's package, installed beside ours, passes its own test, is listed, and works in a run through real child processes."""
    page = blocks(ROOT / "docs/guide/plugins.md")
    project, module, test, spec = (
        next(block.text for block in page if needle in block.text)
        for needle in ("[project.entry-points", "class NoisyLine", "check_source(NoisyLine", "type: noisy_line")
    )
    program = installed(tmp_path / "venv", project, module)
    run([program, "-c", test], tmp_path)
    listed = run([program, "-m", "mtf", "plugins"], tmp_path).stdout
    assert all(name in listed for name in ("noisy_line", "log1p", "typical_factor"))
    (tmp_path / "run.yaml").write_text(spec)
    make = "from mtf_example import NoisyLine as N\nfor b in N().read(N.Args(rows=200, seed=1), None):\n for x in b['x']: print(3 * x.as_py() + 1000)"
    predicted = run([program, "-c", make], tmp_path).stdout
    (tmp_path / "predictions.csv").write_text(f"prediction\n{predicted}")
    report = json.loads(run([program, "-m", "mtf", "run", "run.yaml", "--json"], tmp_path).stdout)
    assert report["verdict"] == "pass"
    factor = report["metrics"]["typical_factor"]
    assert 1 <= factor["lower"] < factor["value"] < factor["upper"]
    schema = json.loads(run([program, "-m", "mtf", "schema", "run"], tmp_path).stdout)
    assert "log1p" in schema["$defs"]["Step"]["properties"]
    assert yaml.safe_load(spec)["dataset"]["source"]["type"] in json.dumps(schema["$defs"]["DataSource"])


def installed(folder: Path, project: str, module: str) -> str:
    """A virtual environment that sees our packages, with the example package installed as a wheel's files would lie; its Python."""
    import sysconfig
    import tomllib

    venv.create(folder, with_pip=False, symlinks=True)
    site = next((folder / "lib").glob("python*")) / "site-packages"
    ours = sysconfig.get_paths()["purelib"]
    (site / "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    described = tomllib.loads(project)["project"]
    (site / "mtf_example.py").write_text(module)
    information = site / f"{described['name'].replace('-', '_')}-{described['version']}.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {described['name']}\nVersion: {described['version']}\n")
    groups = [
        f"[{group}]\n" + "\n".join(f"{name} = {target}" for name, target in entries.items())
        for group, entries in described["entry-points"].items()
    ]
    (information / "entry_points.txt").write_text("\n\n".join(groups) + "\n")
    return str(folder / "bin" / "python")

"""The examples through the stack: the same report as embedded, the panels filled, the numbers measured."""

import json
import math
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from monitoring.grafana.build import DASHBOARDS, concrete

from tests.compose.stack import OURS, ROOT, Stack

pytestmark = pytest.mark.compose
CODES = {"penguins": 3, "diamonds": 0, "adult": 1}


def mtf(*arguments: str, home: Path, gateway: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MTF_HOME": str(home), **({"MTF_GATEWAY": gateway} if gateway else {})}
    return subprocess.run(
        [sys.executable, "-m", "mtf", *arguments], capture_output=True, text=True, check=False, env=environment, timeout=600
    )


def nameless(report: dict[str, Any]) -> dict[str, Any]:
    """A report without what must differ: ids and times, the level that two kernels' confinement reached, two Pythons' library versions."""
    return {**report, "run": {**report["run"], "id": "", "created_at": "", "looks": None}, "notes": placeless(report["notes"])}


def placeless(notes: Any) -> Any:
    """Notes without what they say about the place where the stage computed."""
    if not isinstance(notes, dict):
        return notes
    return {key: placeless(value) for key, value in notes.items() if key not in {"sandbox", "seconds", "versions"}}


@pytest.mark.parametrize("example", sorted(CODES))
def test_example_gives_the_same_report_embedded_and_in_compose(stack: Stack, tmp_path: Path, example: str) -> None:
    """One run file, two forms, one report; the exit code tells the verdict in both."""
    file = str(ROOT / "examples" / example / "run.yaml")
    embedded = mtf("run", file, "--json", home=tmp_path / ".mtf")
    served = mtf("run", file, "--json", home=tmp_path / ".mtf", gateway=stack.url)
    assert embedded.returncode == CODES[example], embedded.stderr
    assert served.returncode == CODES[example], served.stderr + stack.logs(*OURS)[-6000:]
    assert nameless(json.loads(served.stdout)) == nameless(json.loads(embedded.stdout))


def test_model_is_confined_strictly(stack: Stack, tmp_path: Path) -> None:
    """In the stack a model runs under Landlock and seccomp, and the run says so."""
    done = mtf("run", str(ROOT / "examples/penguins/run.yaml"), "--json", home=tmp_path, gateway=stack.url)
    assert json.loads(done.stdout)["notes"]["sandbox"] == "strict"


def test_second_run_is_cached(stack: Stack, tmp_path: Path) -> None:
    """A run that was run before computes nothing again."""
    file = str(ROOT / "examples/penguins/run.yaml")
    mtf("run", file, "--json", home=tmp_path, gateway=stack.url)
    done = mtf("run", file, "--json", home=tmp_path, gateway=stack.url)
    run_id = json.loads(done.stdout)["run"]["id"]
    with urllib.request.urlopen(f"{stack.url}/v1/runs/{run_id}") as answer:
        stages = json.load(answer)["stages"]
    assert [stage["cached"] for stage in stages] == [True] * 4


def query(stack: Stack, expression: str) -> list[Any]:
    url = "http://127.0.0.1:9090/api/v1/query?" + urllib.parse.urlencode({"query": expression})
    script = (
        f"import urllib.request,sys; sys.stdout.write(urllib.request.urlopen('{url.replace('127.0.0.1', 'prometheus')}').read().decode())"
    )
    answer = json.loads(stack.run_in("acquisition", "python", "-c", script))
    assert answer["status"] == "success", expression
    result: list[Any] = answer["data"]["result"]
    return result


def test_prometheus_scrapes_every_service(stack: Stack) -> None:
    """Every service of ours is a target, and up."""
    up = {sample["metric"]["service"]: sample["value"][1] for sample in query(stack, "up")}
    assert {name: up.get(name) for name in OURS} == dict.fromkeys(OURS, "1")


def test_every_panel_has_data_after_the_examples(stack: Stack, tmp_path: Path) -> None:
    """No query of a dashboard is in error, and each gives at least one number; panels about trouble show 0, not emptiness."""
    fresh = tmp_path / "penguins"
    shutil.copytree(ROOT / "examples/penguins", fresh)
    run = fresh / "run.yaml"
    run.write_text(run.read_text().replace("seed: 7", "seed: 77"))  # computed, where the examples are answered from the cache
    for file in (run, *(ROOT / "examples" / example / "run.yaml" for example in sorted(CODES))):
        mtf("run", str(file), "--json", home=tmp_path, gateway=stack.url)
    time.sleep(12)  # two scrapes
    panels = [(panel, q) for dashboard in DASHBOARDS for panel in dashboard.panels for q, _ in panel.queries]
    empty = [f"{panel.title}: {q}" for panel, q in panels if not any(numbers(query(stack, concrete(q))))]
    assert empty == []


def numbers(samples: list[Any]) -> list[bool]:
    """Which samples are a number: a ratio of nothing to nothing, and a quantile of no request, is not."""
    return [math.isfinite(float(sample["value"][1])) for sample in samples]


def test_rules_are_healthy(stack: Stack) -> None:
    """Prometheus loaded our alert rules and none is in error."""
    script = "import urllib.request,sys; sys.stdout.write(urllib.request.urlopen('http://prometheus:9090/api/v1/rules').read().decode())"
    groups = json.loads(stack.run_in("acquisition", "python", "-c", script))["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert rules
    assert {rule["health"] for rule in rules} == {"ok"}


def test_alerts_fire_when_they_should_and_not_before(stack: Stack) -> None:
    """The rules' own tests pass in the Prometheus that the stack runs."""
    assert "SUCCESS" in stack.run_in("prometheus", "promtool", "test", "rules", "/etc/prometheus/tests/mtf.yml")


def test_redis_may_go_away(stack: Stack, tmp_path: Path) -> None:
    """Without Redis no request fails; the gateway stays ready."""
    stack.compose("stop", "redis")
    try:
        done = mtf("run", str(ROOT / "examples/penguins/run.yaml"), "--json", home=tmp_path, gateway=stack.url)
        assert done.returncode == CODES["penguins"], done.stderr
        with urllib.request.urlopen(f"{stack.url}/readyz") as answer:
            assert answer.status == 200
    finally:
        stack.compose("start", "redis")


def test_figures_of_the_stack(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    """Image sizes and start-up time are measured and printed; the gateway's image holds no science."""
    sizes = {}
    for name in sorted({"inference" if service == "inference-remote" else service for service in OURS}):
        done = subprocess.run(
            ["docker", "image", "inspect", "--format", "{{.Size}}", f"mtf/{name}:local"], capture_output=True, text=True, check=True
        )
        sizes[name] = int(done.stdout) / 1e6
    with capsys.disabled():
        print(
            "\nimages (MB):",
            {name: round(size) for name, size in sizes.items()},
            "up:",
            f"{stack.seconds['up']:.1f} s",
            "build:",
            f"{stack.seconds['build']:.0f} s",
        )
    packages = stack.run_in(
        "gateway", "python", "-c", "import importlib.metadata as m; print(sorted(d.name.lower() for d in m.distributions()))"
    )
    assert not any(name in packages for name in ("'numpy'", "'pandas'", "'scikit-learn'", "'pyarrow'"))


def test_swagger_needs_no_network(stack: Stack) -> None:
    """The documentation page names no address but its own."""
    with urllib.request.urlopen(f"{stack.url}/docs") as answer:
        page = answer.read().decode()
    assert "swagger-ui" in page
    assert "https://" not in page

"""What survives: secrets, runs and results, when the whole stack goes down and comes up again."""

import json
import urllib.request
from pathlib import Path

import pytest

from tests.compose.stack import ROOT, Stack
from tests.compose.test_examples import mtf

pytestmark = pytest.mark.compose


def test_down_and_up_keeps_secrets_runs_and_reports(stack: Stack, tmp_path: Path) -> None:
    """The containers are thrown away; the volumes hold everything that matters, and nothing has to be computed again."""
    file = str(ROOT / "examples/penguins/run.yaml")
    before = json.loads(mtf("run", file, "--json", home=tmp_path, gateway=stack.url).stdout)
    token = stack.run_in("gateway", "cat", "/secrets/service/token")
    stack.compose("down")
    started = stack.start()
    assert started.returncode == 0, started.stderr + stack.logs()[-6000:]
    assert stack.run_in("evaluation", "cat", "/secrets/service/token") == token
    with urllib.request.urlopen(f"{stack.url}/v1/runs/{before['run']['id']}/report") as answer:
        assert json.load(answer) == before
    again = json.loads(mtf("run", file, "--json", home=tmp_path, gateway=stack.url).stdout)
    with urllib.request.urlopen(f"{stack.url}/v1/runs/{again['run']['id']}") as answer:
        assert all(stage["cached"] for stage in json.load(answer)["stages"])

"""Every part is killed with -9 in every stage; the run still ends as if nothing had been."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from mtf.client import Client
from mtf.errors import MtfError
from tests.chaos.cluster import STAGES, Cluster
from tests.conftest import ROOT

DIAMONDS = ROOT / "examples" / "diamonds"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("kill")
    with Cluster(folder, f"sqlite:///{folder}/mtf.db", {"MTF_LEASE_SECONDS": "2"}) as running:
        yield running


def patiently_get(cluster: Cluster, run_id: str, seconds: float = 90) -> object:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with Client(cluster.url("gateway-b"), timeout=5) as client:
                view = client.get(run_id)
        except MtfError:
            time.sleep(0.1)
            continue
        if view.status in {"succeeded", "failed", "cancelled"}:
            return view
        time.sleep(0.1)
    raise AssertionError(f"run {run_id} did not end")


def copy_of_the_data(folder: Path, seed: int) -> Path:
    """The example with one row less, so that no stage is answered from an earlier result."""
    import gzip

    lines = gzip.decompress((DIAMONDS / "diamonds.csv.gz").read_bytes()).splitlines(keepends=True)
    path = folder / "diamonds.csv"
    path.write_bytes(b"".join(lines[: len(lines) - 1 - seed]))
    (folder / "boosting.onnx").write_bytes((DIAMONDS / "boosting.onnx").read_bytes())
    return path


@pytest.mark.timeout(180)
@pytest.mark.parametrize("part", ["worker", "gateway"])
@pytest.mark.parametrize("stage", STAGES)
def test_run_survives_the_death_of_a_part_in_a_stage(cluster: Cluster, tmp_path: Path, stage: str, part: str) -> None:
    """The part that holds the stage dies while the stage runs: the run succeeds, the key has one start and one more for each holder that died."""
    seed = 2 * STAGES.index(stage) + (part == "gateway")
    copy_of_the_data(tmp_path, seed)
    spec = yaml.safe_load((DIAMONDS / "run.yaml").read_text())
    spec["dataset"]["source"]["path"] = "diamonds.csv"
    with Client(cluster.url("gateway-b")) as client:
        run_id = client.submit(spec, base=tmp_path).id
        for event in client.events(run_id):
            if event.kind == "stage" and event.stage == stage and event.data.get("status") == "running":
                break
    for victim in [stage] if part == "worker" else ["gateway-a", "gateway-b"]:
        cluster.kill(victim)
    view = patiently_get(cluster, run_id)
    assert view.status == "succeeded", view.problem  # type: ignore[attr-defined]
    for done in view.stages:  # type: ignore[attr-defined]
        starts = [json.loads(line) for line in (cluster.folder / "logs" / "starts" / done.fingerprint).read_text().splitlines()]
        assert len({start["pid"] for start in starts}) == len(starts) <= 1 + (part == "worker" and done.stage == stage)
        assert len(list(cluster.folder.glob(f"*/*/{done.fingerprint}/manifest.json"))) == 1

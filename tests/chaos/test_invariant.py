"""The invariant of a run under any crash: a final state, one manifest for each fingerprint, one start for each holder."""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mtf.client import Client
from mtf.contracts.registry import FINAL
from mtf.errors import MtfError
from tests.chaos.cluster import GATEWAYS, STAGES, Cluster

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1500)]
RUNS = int(os.environ.get("MTF_CHAOS_RUNS", "200"))
SEED = int(os.environ.get("MTF_CHAOS_SEED", "20261121"))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A small real model."""
    import skops.io
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    iris = load_iris()
    path = tmp_path / "iris.skops"
    skops.io.dump(LogisticRegression(max_iter=500).fit(iris.data, iris.target_names[iris.target]), path)
    return path


def spec(seed: int, model: Path) -> dict[str, Any]:
    return {
        "name": f"chaos-{seed}",
        "seed": seed,
        "dataset": {"source": {"type": "builtin", "name": "iris"}, "target": "target"},
        "processing": [{"split": {"test": 0.5, "seed": seed}}],
        "model": {"source": {"type": "file", "path": model.name}},
        "evaluation": {"metrics": ["accuracy", "f1_macro"], "gates": ["accuracy >= 0.8"]},
    }


def patiently(call: Any, seconds: float = 120) -> Any:
    """The gateway that is asked may be the one that was just killed."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return call()
        except MtfError as error:
            if time.monotonic() > deadline or error.problem().status < 500:
                raise
            time.sleep(0.5)


def hurt(cluster: Cluster, dice: random.Random, restart_database: Any) -> str:
    """Do one thing that production does to everyone."""
    roll, victim = dice.random(), dice.choice((*STAGES, *GATEWAYS))
    if roll < 0.55:
        cluster.kill(victim)
        return f"kill -9 {victim}"
    if roll < 0.9:
        cluster.freeze(victim, 7)
        return f"stop {victim} for 7 s"
    restart_database()
    return "restart the database"


def test_every_run_ends_and_nothing_is_computed_twice(
    postgres_server: Any, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Runs of different seeds through two gateways, with processes killed and stopped and the database restarted: the invariant holds."""
    dice = random.Random(SEED)
    done: list[str] = []
    with Cluster(tmp_path / "cluster", postgres_server.url) as cluster:
        ids = []
        for seed in range(RUNS):
            with Client(cluster.url(GATEWAYS[seed % 2])) as client:
                ids.append(patiently(lambda c=client, s=seed: c.submit(spec(s, model), base=model.parent, idempotency_key=f"chaos-{s}")).id)
        started = time.monotonic()
        deadline, next_blow = started + 1200, started + 1
        open_ids = set(ids)
        while open_ids and time.monotonic() < deadline:
            if time.monotonic() > next_blow and len(done) < 40:
                done.append(hurt(cluster, dice, postgres_server.restart))
                next_blow = time.monotonic() + dice.uniform(1, 4)
            for name in GATEWAYS:
                try:
                    with Client(cluster.url(name), timeout=5) as client:
                        views = [client.get(run_id) for run_id in sorted(open_ids)[:10]]
                except MtfError:
                    continue
                open_ids -= {view.id for view in views if view.status in FINAL}
            time.sleep(0.3)
        took = time.monotonic() - started
        assert not open_ids, f"{len(open_ids)} runs never ended; blows: {done}"
        with Client(cluster.url("gateway-a")) as client:
            views = [patiently(lambda c=client, i=run_id: c.get(i)) for run_id in ids]
        states = Counter(view.status for view in views)
        reasons = Counter(view.problem.detail for view in views if view.problem)
        assert states == {"succeeded": RUNS}, f"{states} {reasons} blows: {done}"
        starts = count_starts(cluster, views)
    with capsys.disabled():
        print(
            f"\nchaos: {RUNS} runs, {len(done)} blows ({dict(Counter(blow.split()[0] for blow in done))}), {sum(cluster.deaths.values())} kills, {took:.0f} s, starts {starts}"
        )


def count_starts(cluster: Cluster, views: list[Any]) -> dict[int, int]:
    """Keys by their number of starts. Raises where a key was started twice by one living holder, or has not exactly one manifest."""
    keys = {(stage.stage, stage.fingerprint) for view in views for stage in view.stages}
    histogram: Counter[int] = Counter()
    for stage, fingerprint in keys:
        records = [json.loads(line) for line in (cluster.folder / "logs" / "starts" / fingerprint).read_text().splitlines()]
        holders = Counter(record["pid"] for record in records)
        assert max(holders.values()) == 1, f"{stage} {fingerprint}: one worker process started it more than once: {records}"
        assert len(records) <= 1 + cluster.deaths[stage], f"{stage} {fingerprint}: {len(records)} starts, {cluster.deaths[stage]} deaths"
        manifests = list(cluster.folder.glob(f"*/*/{fingerprint}/manifest.json"))
        assert len(manifests) == 1, f"{stage} {fingerprint}: {manifests}"
        histogram[len(records)] += 1
    return dict(histogram)

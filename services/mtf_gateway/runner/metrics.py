"""The observer that Prometheus scrapes. Label values come from closed lists, and every series exists from the start, so that a first failure is an increase."""

from __future__ import annotations

import time
from collections.abc import Iterable

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mtf.contracts.reference import STAGES

PIPELINE = "run"
FINAL = ("succeeded", "failed", "cancelled")
STATUSES = ("queued", "running", "interrupted", *FINAL)
VERDICTS = ("pass", "fail", "inconclusive")
SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 7200.0)
GATES = 30
"""Metrics that get a gate series of their own; the rest counts as `_other`."""


class Metrics:
    """`mtf_pipeline_*`, `mtf_stage_*` and `mtf_gate_results_total`. Hits and misses of stages are counted by the workers, which look."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._runs = Counter("mtf_pipeline_runs_total", "Runs that ended.", ["pipeline", "status"], registry=registry)
        self._run = Histogram(
            "mtf_pipeline_run_duration_seconds", "From creation to the end.", ["pipeline", "status"], buckets=SECONDS, registry=registry
        )
        self._success = Gauge("mtf_pipeline_last_success_timestamp_seconds", "When a run last succeeded.", ["pipeline"], registry=registry)
        self._wait = Histogram("mtf_pipeline_queue_wait_seconds", "From creation to the first claim.", buckets=SECONDS, registry=registry)
        self._stage = Histogram(
            "mtf_stage_duration_seconds", "From a stage's request to its end.", ["stage", "status"], buckets=SECONDS, registry=registry
        )
        self._retries = Counter("mtf_stage_retries_total", "Stages that were tried again.", ["stage"], registry=registry)
        self._gates = Counter("mtf_gate_results_total", "Gates that were judged.", ["gate", "result"], registry=registry)
        self._now = _Now()
        registry.register(self._now)
        self._oldest = Gauge("mtf_pipeline_oldest_queued_seconds", "Age of the oldest queued run; 0 without one.", registry=registry)
        self._known_gates: set[str] = set()
        self._zero()

    def _zero(self) -> None:
        for status in FINAL:
            self._runs.labels(PIPELINE, status)
            self._run.labels(PIPELINE, status)
        self._success.labels(PIPELINE)
        for stage in STAGES:
            self._retries.labels(stage)
            for status in ("succeeded", "cached", "failed", "cancelled"):
                self._stage.labels(stage, status)
        for verdict in VERDICTS:
            self._gates.labels("_other", verdict)
        self.now({}, 0.0)

    def claimed(self, waited: float) -> None:
        """A run left the queue for the first time."""
        self._wait.observe(max(waited, 0.0))

    def stage(self, stage: str, status: str, seconds: float) -> None:
        """A stage ended."""
        self._stage.labels(stage, status).observe(max(seconds, 0.0))

    def retried(self, stage: str) -> None:
        """A stage is tried again."""
        self._retries.labels(stage).inc()

    def finished(self, status: str, seconds: float) -> None:
        """A run reached a final state."""
        self._runs.labels(PIPELINE, status).inc()
        self._run.labels(PIPELINE, status).observe(max(seconds, 0.0))
        if status == "succeeded":
            self._success.labels(PIPELINE).set(time.time())

    def gated(self, metric: str, verdict: str) -> None:
        """A gate on a metric was judged."""
        if metric not in self._known_gates and len(self._known_gates) < GATES:
            self._known_gates.add(metric)
            for one in VERDICTS:
                self._gates.labels(metric, one)
        self._gates.labels(metric if metric in self._known_gates else "_other", verdict).inc()

    def now(self, by_status: dict[str, int], oldest: float) -> None:
        """What the database counts; set by whoever asks it now and then."""
        self._now.counts = {status: by_status.get(status, 0) for status in STATUSES}
        self._oldest.set(oldest)


class _Now(Collector):
    """The gauge `mtf_pipeline_runs`. The client library takes it for a twin of the counter `mtf_pipeline_runs_total`, unless it describes nothing."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(STATUSES, 0)

    def describe(self) -> Iterable[Metric]:
        """Nothing: see the class."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """One series per status."""
        family = GaugeMetricFamily("mtf_pipeline_runs", "Runs by status now.", labels=["status"])
        for status, count in self.counts.items():
            family.add_metric([status], count)
        yield family

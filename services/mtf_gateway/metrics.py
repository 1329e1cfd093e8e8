"""What the gateway's web side counts. What its runner counts stands with the runner."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

from mtf.jobs.remote import OUTCOMES

STAGES = ("run", "report", "leaderboard", "history", "count", "wake")
"""What is cached, and the two other things that Redis is asked for, of which only errors are counted."""
RESULTS = ("hit", "miss", "error")
UPSTREAMS = ("acquisition", "processing", "inference", "inference-remote", "evaluation")
"""The workers that a gateway calls."""


class WebMetrics:
    """Counters of one registry, every series there from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._cache = Counter("mtf_cache_requests_total", "Whether a stored answer was found.", ["stage", "result"], registry=registry)
        self._refused = Counter("mtf_auth_failures_total", "Requests without a valid token.", ["reason"], registry=registry)
        self._limited = Counter("mtf_rate_limited_total", "Requests above a caller's rate.", ["scope"], registry=registry)
        self._upstream = Counter(
            "mtf_gateway_upstream_requests_total", "Calls to workers by how they went.", ["upstream", "outcome"], registry=registry
        )
        self._schema = Gauge(
            "mtf_schema_head_match", "1 while the database's schema is the one that this code was written for.", registry=registry
        )
        for upstream in UPSTREAMS:
            for outcome in OUTCOMES:
                self._upstream.labels(upstream, outcome)
        for stage in STAGES:
            for result in RESULTS:
                self._cache.labels(stage, result)
        for reason in ("missing", "wrong"):
            self._refused.labels(reason)
        self._limited.labels("caller")

    def looked_up(self, stage: str, result: str) -> None:
        """The cache was asked."""
        self._cache.labels(stage, result).inc()

    def refused(self, reason: str) -> None:
        """A caller was turned away: `missing` or `wrong`."""
        self._refused.labels(reason).inc()

    def limited(self) -> None:
        """A caller was above its rate."""
        self._limited.labels("caller").inc()

    def called(self, upstream: str, outcome: str) -> None:
        """A worker was called."""
        self._upstream.labels(upstream, outcome).inc()

    def schema(self, *, fits: bool) -> None:
        """The database was asked for its schema."""
        self._schema.set(fits)

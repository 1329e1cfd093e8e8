"""Builds the Grafana dashboards from the panel lists below: `build.py` writes them, `build.py --check` fails when they differ or a query does not parse.

Panels are data, so that a test can run every query against a live Prometheus.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser

FOLDER = Path(__file__).parent / "dashboards"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH = 24


@dataclass(frozen=True)
class Panel:
    """One panel: what it shows, why one looks at it, and the queries behind it."""

    title: str
    description: str
    queries: tuple[tuple[str, str], ...]
    """Pairs of PromQL and legend."""
    kind: str = "timeseries"
    unit: str = "short"
    width: int = 8
    height: int = 8


@dataclass(frozen=True)
class Dashboard:
    """One dashboard."""

    uid: str
    title: str
    description: str
    panels: tuple[Panel, ...]
    service_variable: bool = False


RATE = "[$__rate_interval]"

SERVICES = Dashboard(
    uid="mtf-services",
    title="MTF services",
    description="Is every service up, fast and healthy?",
    service_variable=True,
    panels=(
        Panel(
            "Up",
            "Targets that Prometheus can scrape; a replica that is down counts 0.",
            (('sum by (service) (up{service!="prometheus"})', "{{service}}"),),
            "stat",
            width=16,
            height=5,
        ),
        Panel(
            "Versions",
            "More than one version at a time means that a roll-out is under way, or stuck.",
            (("count by (version) (mtf_build_info)", "{{version}}"),),
            "stat",
            width=8,
            height=5,
        ),
        Panel(
            "Requests",
            "Requests a second by status class.",
            (
                (
                    f'sum by (class) (label_replace(rate(http_requests_total{{service=~"$service"}}{RATE}), "class", "${{1}}xx", "code", "(.).."))',
                    "{{class}}",
                ),
            ),
            unit="reqps",
        ),
        Panel(
            "Error ratio",
            "Share of requests that ended in 5xx.",
            (
                (
                    f'sum by (service) (rate(http_requests_total{{service=~"$service",code=~"5.."}}{RATE})) / sum by (service) (rate(http_requests_total{{service=~"$service"}}{RATE}))',
                    "{{service}}",
                ),
            ),
            unit="percentunit",
        ),
        Panel(
            "Latency",
            "Median, 95th and 99th percentile of request durations; event streams, which are long by nature, are left out.",
            tuple(
                (
                    f'histogram_quantile({q}, sum by (le) (rate(http_request_duration_seconds_bucket{{service=~"$service",class!="stream"}}{RATE})))',
                    f"p{round(q * 100)}",
                )
                for q in (0.5, 0.95, 0.99)
            ),
            unit="s",
        ),
        Panel(
            "Slowest routes",
            "95th percentile by route over the whole range, event streams left out.",
            (
                (
                    'topk(10, histogram_quantile(0.95, sum by (le, route) (rate(http_request_duration_seconds_bucket{service=~"$service",class!="stream"}[$__range]))) >= 0)',
                    "{{route}}",
                ),
            ),
            "bargauge",
            unit="s",
        ),
        Panel(
            "In flight",
            "Requests that are being answered now.",
            (('sum by (service) (http_requests_in_progress{service=~"$service"})', "{{service}}"),),
        ),
        Panel(
            "Event loop lag",
            "How late the event loop wakes up (99th percentile); above 0.1 s health checks suffer.",
            (
                (
                    f'histogram_quantile(0.99, sum by (le, service) (rate(mtf_event_loop_lag_seconds_bucket{{service=~"$service"}}{RATE})))',
                    "{{service}}",
                ),
            ),
            unit="s",
        ),
        Panel(
            "Processor",
            "Cores in use by the service's own process; jobs compute in children.",
            ((f'sum by (service) (rate(process_cpu_seconds_total{{service=~"$service"}}{RATE}))', "{{service}}"),),
        ),
        Panel(
            "Memory",
            "Resident memory of the service's own process.",
            (('max by (service) (process_resident_memory_bytes{service=~"$service"})', "{{service}}"),),
            unit="bytes",
        ),
        Panel(
            "Restarts",
            "Starts of a process in the last hour.",
            (('sum by (service) (changes(process_start_time_seconds{service=~"$service"}[1h]))', "{{service}}"),),
        ),
        Panel("Slots of the workers", "Busy and idle job slots.", (("sum by (service, state) (mtf_workers)", "{{service}} {{state}}"),)),
        Panel(
            "Upstream errors",
            "Calls of the gateway to workers that did not succeed, by outcome.",
            (
                (
                    f'sum by (upstream, outcome) (rate(mtf_gateway_upstream_requests_total{{outcome!="ok"}}{RATE}))',
                    "{{upstream}} {{outcome}}",
                ),
            ),
            unit="reqps",
        ),
        Panel(
            "Turned away",
            "Callers without a valid token, and above their rate.",
            (
                (f"sum by (reason) (rate(mtf_auth_failures_total{RATE}))", "{{reason}} token"),
                (f"sum(rate(mtf_rate_limited_total{RATE}))", "above the rate"),
            ),
            unit="reqps",
        ),
        Panel(
            "Schema",
            "1 while the database's schema is the one that the gateway expects.",
            (("min(mtf_schema_head_match)", "at head"),),
            "stat",
        ),
    ),
)

RUNS = Dashboard(
    uid="mtf-runs",
    title="MTF runs",
    description="Do runs start soon, finish, and answer from the cache where they can?",
    panels=(
        Panel(
            "Queued and running",
            "Runs by state now, as the database has them.",
            (('max by (status) (mtf_pipeline_runs{status=~"queued|running"})', "{{status}}"),),
            "stat",
            width=8,
            height=5,
        ),
        Panel(
            "Oldest queued run",
            "Age of the run that has waited longest; it should start within minutes.",
            (("max(mtf_pipeline_oldest_queued_seconds)", "age"),),
            "stat",
            unit="s",
            width=8,
            height=5,
        ),
        Panel(
            "Last success",
            "Time since a run succeeded.",
            (("time() - max(mtf_pipeline_last_success_timestamp_seconds > 0)", "age"),),
            "stat",
            unit="s",
            width=8,
            height=5,
        ),
        Panel(
            "Finished runs",
            "Runs that ended, by final state.",
            (("sum by (status) (increase(mtf_pipeline_runs_total[$__rate_interval]))", "{{status}}"),),
            "bars",
        ),
        Panel("Gates", "Gate verdicts.", (("sum by (result) (increase(mtf_gate_results_total[$__rate_interval]))", "{{result}}"),), "bars"),
        Panel(
            "Run duration",
            "Median and 95th percentile from creation to end.",
            tuple(
                (f"histogram_quantile({q}, sum by (le) (rate(mtf_pipeline_run_duration_seconds_bucket{RATE})))", f"p{round(q * 100)}")
                for q in (0.5, 0.95)
            ),
            unit="s",
        ),
        Panel(
            "Stage duration",
            "95th percentile of each stage as the gateway saw it, cached ones left out.",
            (
                (
                    f'histogram_quantile(0.95, sum by (le, stage) (rate(mtf_stage_duration_seconds_bucket{{service="gateway",status!="cached"}}{RATE})))',
                    "{{stage}}",
                ),
            ),
            unit="s",
        ),
        Panel(
            "Where the time goes",
            "Seconds that runs spent in each stage over the whole range.",
            (('sum by (stage) (increase(mtf_stage_duration_seconds_sum{service="gateway"}[$__range]))', "{{stage}}"),),
            "bargauge",
            unit="s",
        ),
        Panel(
            "Queue wait",
            "95th percentile of the time between creation and claim.",
            ((f"histogram_quantile(0.95, sum by (le) (rate(mtf_pipeline_queue_wait_seconds_bucket{RATE})))", "p95"),),
            unit="s",
        ),
        Panel(
            "Stage cache hit ratio",
            "Share of stages that were answered from what was published before.",
            (
                (
                    f'sum by (stage) (rate(mtf_cache_requests_total{{stage=~"acquisition|processing|inference|evaluation",result="hit"}}{RATE})) / sum by (stage) (rate(mtf_cache_requests_total{{stage=~"acquisition|processing|inference|evaluation",result=~"hit|miss"}}{RATE}))',
                    "{{stage}}",
                ),
            ),
            unit="percentunit",
        ),
        Panel(
            "Redis cache hit ratio",
            "Share of reads of runs, reports and leaderboards that the cache answered.",
            (
                (
                    f'sum by (stage) (rate(mtf_cache_requests_total{{stage=~"run|report|leaderboard",result="hit"}}{RATE})) / sum by (stage) (rate(mtf_cache_requests_total{{stage=~"run|report|leaderboard",result=~"hit|miss"}}{RATE}))',
                    "{{stage}}",
                ),
            ),
            unit="percentunit",
        ),
        Panel(
            "Retries",
            "Attempts beyond the first, by stage.",
            (('sum by (stage) (increase(mtf_stage_retries_total{service="gateway"}[$__rate_interval]))', "{{stage}}"),),
        ),
    ),
)

DASHBOARDS = (SERVICES, RUNS)


def build(dashboard: Dashboard) -> dict[str, Any]:
    """The dashboard as Grafana wants it."""
    panels, x, y, row = [], 0, 0, 0
    for index, panel in enumerate(dashboard.panels, 1):
        if x + panel.width > WIDTH:
            x, y, row = 0, y + row, 0
        panels.append(_panel(index, panel, x, y))
        x, row = x + panel.width, max(row, panel.height)
    variables: list[dict[str, Any]] = [{"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"}]
    if dashboard.service_variable:
        variables.append({
            "name": "service", "type": "query", "label": "Service", "datasource": SOURCE, "multi": True, "includeAll": True, "refresh": 2,
            "query": {"query": "label_values(mtf_build_info, service)", "refId": "service"}, "current": {"text": ["All"], "value": ["$__all"]},
        })  # fmt: skip
    return {
        "uid": dashboard.uid, "title": dashboard.title, "description": dashboard.description, "tags": ["mtf"], "schemaVersion": 41, "version": 1,
        "editable": False, "refresh": "30s", "time": {"from": "now-1h", "to": "now"}, "timezone": "", "templating": {"list": variables},
        "annotations": {"list": []}, "links": [{"type": "dashboards", "tags": ["mtf"], "title": "MTF", "asDropdown": False}], "panels": panels,
    }  # fmt: skip


def _panel(index: int, panel: Panel, x: int, y: int) -> dict[str, Any]:
    bars = panel.kind == "bars"
    custom = {"drawStyle": "bars", "fillOpacity": 60, "stacking": {"mode": "normal"}} if bars else {"fillOpacity": 8, "showPoints": "never"}
    defaults = {"unit": panel.unit, "min": 0, "custom": custom} if bars or panel.kind == "timeseries" else {"unit": panel.unit, "min": 0}
    return {
        "id": index, "type": "timeseries" if bars else panel.kind, "title": panel.title, "description": panel.description, "datasource": SOURCE,
        "gridPos": {"x": x, "y": y, "w": panel.width, "h": panel.height}, "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {"reduceOptions": {"calcs": ["lastNotNull"]}} if panel.kind in {"stat", "bargauge"} else {"legend": {"placement": "bottom"}},
        "targets": [
            {"refId": chr(65 + i), "expr": query, "legendFormat": legend, "datasource": SOURCE, "instant": panel.kind in {"stat", "bargauge"}}
            for i, (query, legend) in enumerate(panel.queries)
        ],
    }  # fmt: skip


def concrete(query: str, window: str = "5m", service: str = ".+") -> str:
    """A query with Grafana's variables filled in, as Prometheus takes it."""
    return query.replace("$__rate_interval", window).replace("$__range", window).replace("$service", service)


def main(arguments: list[str]) -> int:
    """Write the dashboards, or check the written ones."""
    stale = []
    for dashboard in DASHBOARDS:
        for panel in dashboard.panels:
            for query, _ in panel.queries:
                promql_parser.parse(concrete(query))
        text = json.dumps(build(dashboard), indent=1) + "\n"
        path = FOLDER / f"{dashboard.uid.removeprefix('mtf-')}.json"
        if "--check" not in arguments:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            stale.append(path.name)
    if stale:
        sys.stderr.write(f"not up to date: {', '.join(stale)}; run monitoring/grafana/build.py\n")
    return bool(stale)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

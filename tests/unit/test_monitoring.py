"""Monitoring is held to the code: every name and label that a panel or a rule uses is one that our services, or their libraries, export."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from monitoring.grafana.build import DASHBOARDS, FOLDER, build, concrete
from prometheus_client import CollectorRegistry

from mtf.plugins import load, names
from mtf.telemetry import CODES, Telemetry, WorkerTelemetry
from mtf_gateway.metrics import WebMetrics
from mtf_gateway.runner.metrics import Metrics

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "monitoring"
TARGET_LABELS = {"job", "instance", "service", "stack"}
"""Labels that Prometheus' own configuration gives to whatever it scrapes."""


def exported() -> dict[str, dict[str, set[str]]]:
    """Sample names to labels to the values that exist from the start."""
    telemetry, worker = Telemetry(), CollectorRegistry()
    for code in CODES:
        telemetry._requests.labels("GET", "/", code)
    telemetry._seconds.labels("/", "interactive")
    WebMetrics(telemetry.registry)
    Metrics(telemetry.registry)
    for stage in ("acquisition", "processing", "inference", "evaluation"):
        WorkerTelemetry(worker := CollectorRegistry(), stage)
    found: dict[str, dict[str, set[str]]] = {"up": {}}
    for registry in (telemetry.registry, worker):
        for family in registry.collect():
            for sample in family.samples:
                labels = found.setdefault(sample.name, {})
                for key, value in sample.labels.items():
                    labels.setdefault(key, set()).add(value)
    return found


def rules() -> list[dict[str, Any]]:
    """Every alert rule."""
    found = []
    for path in sorted((MONITORING / "prometheus/rules").glob("*.yml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            found += group["rules"]
    return found


def queries() -> list[tuple[str, str]]:
    """Where each query stands, and the query as Prometheus takes it."""
    panels = [
        (f"{board.title}: {panel.title}", concrete(query)) for board in DASHBOARDS for panel in board.panels for query, _ in panel.queries
    ]
    return panels + [(f"rule {rule['alert']}", rule["expr"]) for rule in rules()]


def nodes(tree: Any) -> Iterator[Any]:
    """A query's syntax tree, node by node."""
    yield tree
    for name in ("expr", "lhs", "rhs", "vector_selector", "param"):
        child = getattr(tree, name, None)
        if child is not None and type(child).__module__ == type(tree).__module__:
            yield from nodes(child)
    for argument in getattr(tree, "args", None) or ():
        yield from nodes(argument)


def selectors(query: str) -> list[Any]:
    """The vector selectors of a query."""
    return [node for node in nodes(promql_parser.parse(query)) if isinstance(node, promql_parser.VectorSelector)]


@pytest.mark.parametrize(("where", "query"), queries(), ids=[where for where, _ in queries()])
def test_queries_use_names_and_labels_that_exist(where: str, query: str) -> None:
    """A renamed metric or label leaves a panel empty for ever, and nobody is told; so it fails here."""
    known = exported()
    found = selectors(query)
    assert found, where
    for selector in found:
        assert selector.name in known, f"{where}: nothing exports {selector.name}"
        labels = {matcher.name for matcher in selector.matchers.matchers}
        assert labels <= {*known[selector.name], *TARGET_LABELS}, f"{where}: {selector.name} has no label {labels}"


@pytest.mark.parametrize(("where", "query"), queries(), ids=[where for where, _ in queries()])
def test_queries_group_by_labels_that_exist(where: str, query: str) -> None:
    """What a query sums by is a label of a metric in it, of its target, or one that `label_replace` makes."""
    known = exported()
    tree = promql_parser.parse(query)
    there = {label for selector in selectors(query) for label in known[selector.name]} | TARGET_LABELS
    there |= {node.args[1].val for node in nodes(tree) if isinstance(node, promql_parser.Call) and node.func.name == "label_replace"}
    asked = {
        label for node in nodes(tree) if isinstance(node, promql_parser.AggregateExpr) and node.modifier for label in node.modifier.labels
    }
    assert asked <= there, where


def test_equal_matchers_name_values_that_exist() -> None:
    """`status="failed"` in a query is a value that the service writes, not one that somebody remembers."""
    known = exported()
    for where, query in queries():
        for selector in selectors(query):
            for matcher in selector.matchers.matchers:
                if matcher.op == promql_parser.MatchOp.Equal and matcher.name not in TARGET_LABELS:
                    assert matcher.value in known[selector.name][matcher.name], f"{where}: {matcher.name}={matcher.value}"


def test_written_dashboards_are_the_built_ones_with_ids_of_their_own() -> None:
    """What Grafana reads is what the panel lists say; no two dashboards, and no two panels of one, share an id."""
    written = [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))]
    assert sorted(written, key=lambda one: one["uid"]) == sorted((build(board) for board in DASHBOARDS), key=lambda one: one["uid"])
    assert len({one["uid"] for one in written}) == len(written)
    for one in written:
        assert len({panel["id"] for panel in one["panels"]}) == len(one["panels"])
        assert all(panel["description"] and panel["targets"] for panel in one["panels"])
        assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in one["panels"])


def test_provisioning_points_to_what_compose_mounts() -> None:
    """Folders that Grafana's provisioning names are mounted into Grafana from folders that exist, and the data source is the service."""
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    mounts = {
        target: ROOT / source
        for source, target, *_ in (one.split(":") for one in compose["services"]["grafana"]["volumes"])
        if source.startswith("./")
    }
    provider = yaml.safe_load((MONITORING / "grafana/provisioning/dashboards/mtf.yaml").read_text())["providers"][0]
    assert list(mounts[provider["options"]["path"]].glob("*.json"))
    assert mounts["/etc/grafana/provisioning"].is_dir()
    home = compose["services"]["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (mounts[str(Path(home).parent)] / Path(home).name).is_file()
    source = yaml.safe_load((MONITORING / "grafana/provisioning/datasources/prometheus.yaml").read_text())["datasources"][0]
    assert source["url"] == "http://prometheus:9090"
    assert set(compose["services"]["grafana"]["networks"]) & set(compose["services"]["prometheus"]["networks"])


def test_prometheus_scrapes_every_service_at_its_port() -> None:
    """Every container of ours is a target under its own name, at the port that its room listens on, on a network they share."""
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    config = yaml.safe_load((MONITORING / "prometheus/prometheus.yml").read_text())
    ports = {name: load("service", name).port for name in names("service")}
    ports["inference-remote"] = ports["inference"]
    targets = {
        one["relabel_configs"][0]["replacement"]: one["dns_sd_configs"][0] for one in config["scrape_configs"] if "dns_sd_configs" in one
    }
    assert {name: (found["names"], found["port"]) for name, found in targets.items()} == {
        name: ([name], port) for name, port in ports.items()
    }
    assert all(set(compose[name]["networks"]) & set(compose["prometheus"]["networks"]) for name in ports)


def test_alerts_say_what_is_wrong_and_how_bad() -> None:
    """Every alert has a summary, a severity and a time to settle; a page has a runbook; names are unique."""
    found = rules()
    assert len({rule["alert"] for rule in found}) == len(found)
    for rule in found:
        assert rule["annotations"]["summary"], rule
        assert rule["for"], rule
        assert rule["labels"]["severity"] in {"page", "warning"}, rule
        assert rule["labels"]["severity"] != "page" or rule["annotations"]["runbook"], rule

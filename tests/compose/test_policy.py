"""What the Compose file promises, checked on what Compose makes of it."""

from typing import Any

import pytest

from tests.compose.stack import ENDPOINT, OURS, Stack

pytestmark = pytest.mark.compose
ONE_SHOT = {"secrets", "migrate"}


@pytest.fixture(scope="module")
def services(stack: Stack) -> dict[str, Any]:
    config: Any = stack.configuration()
    found: dict[str, Any] = config["services"]
    return {name: service for name, service in found.items() if name != ENDPOINT}


def test_only_gateway_and_grafana_are_published_and_on_loopback(services: dict[str, Any]) -> None:
    """Nothing but the gateway and Grafana is published, and both on 127.0.0.1."""
    published = {name: {port["host_ip"] for port in service["ports"]} for name, service in services.items() if service.get("ports")}
    assert published == {"gateway": {"127.0.0.1"}, "grafana": {"127.0.0.1"}}


def test_every_container_is_confined(services: dict[str, Any]) -> None:
    """Every container has a user that is not root, a read-only root, no capability, no new privileges and limits."""
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service["user"].split(":")[0] not in {"0", "root"}, name
        assert set(service["deploy"]["resources"]["limits"]) == {"memory", "cpus", "pids"}, name
        assert "docker.sock" not in str(service.get("volumes")), name
        assert service["logging"]["options"]["max-size"], name


def test_long_runners_restart_and_are_checked_without_curl(services: dict[str, Any]) -> None:
    """Every long-running service restarts and has a health check that needs no curl."""
    for name, service in services.items():
        if name in ONE_SHOT:
            assert service["restart"] == "no", name
        else:
            assert service["restart"] == "unless-stopped", name
            assert "curl" not in str(service["healthcheck"]["test"]), name


def test_no_secret_stands_in_an_environment(services: dict[str, Any]) -> None:
    """Secrets reach containers as files, never as values of variables."""
    for name, service in services.items():
        for key, value in (service.get("environment") or {}).items():
            secret = any(word in key for word in ("PASSWORD", "SECRET", "TOKEN", "DATABASE_URL", "REDIS_URL"))
            assert not secret or key.endswith("_FILE") or not value, f"{name}: {key}"


def test_inference_has_no_way_out(stack: Stack, services: dict[str, Any]) -> None:
    """The room that opens model files is on internal networks alone, and so is every other worker but two."""
    config: Any = stack.configuration()
    internal = {name for name, network in config["networks"].items() if network.get("internal")}
    for name in ("inference", "processing", "evaluation", "postgres", "redis", "prometheus"):
        assert set(services[name]["networks"]) <= internal, name
    assert all(services[name]["build"]["args"]["SERVICE"] for name in OURS)

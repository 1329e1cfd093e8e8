"""Starts and stops the Compose stack for the ring: same compose.yaml, its own project name, free ports, throw-away volumes."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OURS = ("gateway", "acquisition", "processing", "inference", "inference-remote", "evaluation")
FOREIGN = ("postgres", "redis", "prometheus")
ENDPOINT = "endpoint"
"""The ring's own model server, on the network of those who may call out."""


def engine_answers() -> bool:
    return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Stack:
    """One running stack."""

    folder: Path
    project: str = "mtf-ring"
    port: int = field(default_factory=free_port)
    environment: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def compose(self, *arguments: str, check: bool = True, timeout: float = 1800) -> subprocess.CompletedProcess[str]:
        command = [
            "docker",
            "compose",
            "-p",
            self.project,
            "-f",
            str(ROOT / "compose.yaml"),
            "-f",
            str(self.folder / "override.yaml"),
            *arguments,
        ]
        done = subprocess.run(
            command, env={**os.environ, **self.environment}, cwd=ROOT, capture_output=True, text=True, check=False, timeout=timeout
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(arguments)} ended with {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}")
        return done

    def configuration(self) -> dict[str, object]:
        config: dict[str, object] = json.loads(self.compose("config", "--format", "json").stdout)
        return config

    def up(self) -> None:
        """Build, start and wait until every service is healthy."""
        self._provide_images()
        self._override()
        self._match_user_ids()
        self.compose("down", "--volumes", "--remove-orphans", check=False)
        start = time.monotonic()
        self.compose("build", timeout=3000)
        self.seconds["build"] = time.monotonic() - start
        start = time.monotonic()
        started = self.start()
        self.seconds["up"] = time.monotonic() - start
        if started.returncode:
            raise AssertionError(f"the stack did not come up\n{started.stderr[-3000:]}\n{self.logs()[-12000:]}")

    def start(self) -> subprocess.CompletedProcess[str]:
        """`docker compose up` without Grafana, whose image the ring does without."""
        return self.compose("up", "--detach", "--wait", "--wait-timeout", "300", *OURS, *FOREIGN, ENDPOINT, check=False)

    def logs(self, *services: str) -> str:
        return self.compose("logs", "--no-color", "--tail", "200", *services, check=False).stdout

    def down(self) -> None:
        self.compose("down", "--volumes", "--remove-orphans", check=False)

    def get(self, path: str) -> Any:
        """What the gateway answers, from JSON."""
        with urllib.request.urlopen(f"{self.url}{path}", timeout=10) as answer:
            return json.load(answer)

    def runs(self, name: str) -> list[dict[str, Any]]:
        """The runs of a name; none while the gateway is away."""
        try:
            found: list[dict[str, Any]] = self.get(f"/v1/runs?name={name}")["items"]
        except (OSError, http.client.HTTPException):
            return []
        return found

    def wait_for(self, settled: Callable[[], bool], seconds: float = 60) -> None:
        """Return when `settled()` is true; fail with the gateway's log when it does not become so in time."""
        deadline = time.monotonic() + seconds
        while not settled():
            assert time.monotonic() < deadline, self.logs("gateway")[-6000:]
            time.sleep(0.2)

    def run_in(self, service: str, *command: str) -> str:
        return self.compose("exec", "-T", service, *command).stdout

    def _provide_images(self) -> None:
        """Base images come from a script where one is named (it leaves out what it cannot make), else from their registry by themselves."""
        script = os.environ.get("MTF_TEST_IMAGES")
        text = (ROOT / "compose.yaml").read_text()
        images = [*re.findall(r"\$\{[A-Z]+_IMAGE:-([^}]+)\}", text)]
        wanted = sorted({image for image in images if not image.startswith("grafana/")})
        self.left_out = sorted({image for image in images if image.startswith("grafana/")})
        if script:
            start = time.monotonic()
            subprocess.run([script, "images", *wanted], check=True, capture_output=True, timeout=1800)
            self.seconds["images"] = time.monotonic() - start

    def _override(self) -> None:
        """What the ring adds to compose.yaml: a model server beside the stack. JSON is YAML, so that no line is put together by hand."""
        services: dict[str, dict[str, object]] = {
            ENDPOINT: {
                "image": os.environ.get("PYTHON_IMAGE", "python:3.13-slim"),
                "command": ["python3", "/endpoint.py"],
                "user": "10001:10001",
                "init": True,
                "networks": ["egress"],
                "volumes": [f"{Path(__file__).with_name('endpoint.py')}:/endpoint.py:ro"],
            }
        }
        if os.environ.get("MTF_TEST_IMAGES"):  # a machine that needs a script for images may need its own network to build
            services |= {name: {"build": {"network": "host"}} for name in ("secrets", "migrate", *OURS)}
        (self.folder / "override.yaml").write_text(json.dumps({"services": services}))
        self.environment |= {"MTF_PORT": str(self.port), "MTF_HTTP_ALLOW": ENDPOINT}

    def _match_user_ids(self) -> None:
        for image, user, name in (("postgres:17", "postgres", "POSTGRES"), ("redis:8", "redis", "REDIS")):
            for flag, kind in (("-u", "UID"), ("-g", "GID")):
                found = subprocess.run(
                    ["docker", "run", "--rm", "--entrypoint", "id", image, flag, user], capture_output=True, text=True, check=True
                )
                self.environment[f"MTF_{name}_{kind}"] = found.stdout.strip()

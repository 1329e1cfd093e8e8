"""What `mtf doctor` looks at."""

from __future__ import annotations

import platform
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from mtf.cli.session import find_home, gateway_url
from mtf.errors import MtfError


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    state: Literal["ok", "note", "bad"]
    what: str
    text: str


def examine() -> list[Finding]:
    """Look at everything that a run needs."""
    return [_python(), *_libraries(), *_services(), _storage(), _sandbox(), _gateway()]


def _python() -> Finding:
    supported = platform.python_version_tuple()[:2] >= ("3", "11")
    return Finding(
        "ok" if supported else "bad",
        "python",
        f"{platform.python_version()} on {platform.system()} {platform.release()} {platform.machine()}",
    )


def _libraries() -> list[Finding]:
    found = []
    for name in ("model-testing-framework", "pyarrow", "numpy", "scikit-learn", "onnxruntime", "skops", "sqlalchemy"):
        try:
            found.append(Finding("ok", name, version(name)))
        except PackageNotFoundError:
            found.append(Finding("note", name, "not installed; the services that need it will say so"))
    return found


def _services() -> list[Finding]:
    from mtf.plugins import load, names, resolve

    found = []
    for name in names("service"):
        service = load("service", name)
        try:
            resolve(service.stage or service.app)
            found.append(Finding("ok", f"service {name}", service.summary))
        except ImportError as error:
            found.append(Finding("note", f"service {name}", f"its libraries are missing here: {error.name}"))
    return found


def _storage() -> Finding:
    home = find_home()
    folder = home if home.exists() else home.parent
    free = shutil.disk_usage(folder).free
    return Finding("ok" if free > 1 << 30 else "bad", "storage", f"{home}: {free / (1 << 30):.1f} GiB free")


def _sandbox() -> Finding:
    from mtf.plugins import resolve

    try:
        level = resolve("mtf_inference.sandbox.probe:probe")()
    except ImportError as error:
        return Finding("note", "sandbox", f"the inference service is not installed here: {error.name}")
    text = {
        "strict": "strict: Landlock and seccomp confine models",
        "partial": "partial: this kernel has one of Landlock and seccomp; pickle models are refused",
        "process": "process: only resource limits confine models here; pickle models are refused",
    }[level]
    return Finding("ok" if level == "strict" else "note", "sandbox", text)


def _gateway() -> Finding:
    url = gateway_url()
    if url is None:
        return Finding("ok", "gateway", "none named: commands run embedded")
    from mtf.client import Client

    try:
        with Client(url) as client:
            client.ready()
    except MtfError as error:
        return Finding("bad", "gateway", f"{url}: {error.message}")
    return Finding("ok", "gateway", f"{url} is ready")

"""The service around the stage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mtf.plugins import load, resolve
from mtf_inference.app import create_app
from mtf_inference.settings import InferenceSettings


def test_the_app_hands_its_policy_to_stage_and_children(tmp_path: Path) -> None:
    """Settings given to the app are what its stage refuses by and what its jobs' children are told."""
    urls: dict[str, Any] = {f"{area}_url": (tmp_path / area).as_uri() for area in ("data", "artifacts", "models", "logs")}
    app = create_app(InferenceSettings(insecure=True, sandbox="require", inference_loaders="endpoint", **urls))
    room = app.state.worker.engine.room
    assert room.options == {"sandbox": "require", "allow_pickle": False, "loaders": ["endpoint"]}
    assert room.stage.options() == room.options


def test_the_descriptor_names_what_exists() -> None:
    """App, stage, settings and preloaded modules can all be imported."""
    import importlib

    service = load("service", "inference")
    assert resolve(service.app) is create_app
    assert resolve(service.settings) is InferenceSettings
    assert resolve(service.stage).name == "inference"
    for module in service.preload:
        assert importlib.import_module(module)

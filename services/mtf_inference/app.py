"""The composition root of the inference service."""

from __future__ import annotations

from fastapi import FastAPI

from mtf.service import create_worker_app
from mtf.settings import Settings
from mtf_inference.service import SERVICE
from mtf_inference.settings import InferenceSettings
from mtf_inference.stage import InferenceStage


def create_app(settings: Settings | None = None) -> FastAPI:
    """The app; without settings they come from the environment. Nothing is opened before its lifespan begins."""
    given = settings.model_dump(exclude_unset=True) if settings else {}
    own = settings if isinstance(settings, InferenceSettings) else InferenceSettings(**given)
    return create_worker_app(SERVICE, own, stage=InferenceStage(own.policy), options=own.options())

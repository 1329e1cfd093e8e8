"""The composition root of the processing service."""

from __future__ import annotations

from fastapi import FastAPI

from mtf.service import create_worker_app
from mtf_processing.service import SERVICE
from mtf_processing.settings import ProcessingSettings
from mtf_processing.stage import STAGE


def create_app(settings: ProcessingSettings | None = None) -> FastAPI:
    """The app, from its settings or else from the environment. Nothing is opened before its lifespan begins."""
    return create_worker_app(SERVICE, settings or ProcessingSettings(), stage=STAGE)

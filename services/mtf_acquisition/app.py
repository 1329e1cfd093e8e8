"""The service of stage 1: the stage protocol around this room's stage."""

from __future__ import annotations

from fastapi import FastAPI

from mtf.service import create_worker_app
from mtf.settings import Settings
from mtf_acquisition.service import SERVICE
from mtf_acquisition.settings import AcquisitionSettings
from mtf_acquisition.stage import STAGE


def create_app(settings: Settings | None = None) -> FastAPI:
    """The app; without settings they come from the environment. Nothing is opened before its lifespan begins."""
    own = (
        settings
        if isinstance(settings, AcquisitionSettings)
        else AcquisitionSettings(**(settings.model_dump(exclude_unset=True) if settings else {}))
    )
    return create_worker_app(SERVICE, own, stage=STAGE)

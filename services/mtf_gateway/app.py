"""The composition root: settings in, application out. Nothing is opened before the application starts."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI

from mtf_gateway import openapi
from mtf_gateway.routes import datasets, models, reading, results, runs, uploads

ROUTERS: tuple[APIRouter, ...] = (
    uploads.router,
    datasets.router,
    models.router,
    runs.checking,
    runs.router,
    results.router,
    reading.router,
    reading.about,
)
"""In the order of the documentation page."""


def include(app: FastAPI) -> None:
    """Add the public routes to an application whose `state.parts` will be there when it has started."""
    for router in ROUTERS:
        app.include_router(router)
    openapi.mount(app)

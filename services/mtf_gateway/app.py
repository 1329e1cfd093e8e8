"""The composition root: settings in, application out. Nothing is opened before the application starts."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from importlib.metadata import version

from fastapi import APIRouter, FastAPI

from mtf import http
from mtf.telemetry import DISTRIBUTION, Telemetry
from mtf_gateway import openapi
from mtf_gateway.assembly import assemble
from mtf_gateway.routes import datasets, models, reading, reevaluations, results, runs, state, uploads
from mtf_gateway.routes.parts import Parts
from mtf_gateway.settings import GatewaySettings

ROUTERS: tuple[APIRouter, ...] = (
    runs.looking,
    runs.router,
    results.router,
    runs.checking,
    uploads.router,
    datasets.router,
    models.router,
    reading.router,
    reevaluations.router,
    reading.about,
    state.router,
)
"""Routes are tried in this order, so that what is asked most stands first; the documentation page has an order of its own."""

BULK = {
    "/v1/uploads": "bulk",
    "/v1/uploads/{digest}": "bulk",
    "/v1/datasets": "bulk",
    "/v1/runs/{run_id}/predictions": "bulk",
    "/v1/runs/{run_id}/artifacts/{name:path}": "bulk",
}
"""Routes whose duration tells how much was sent, not how fast we are."""


def create_app(settings: GatewaySettings | None = None, *, parts: Parts | None = None) -> FastAPI:
    """The gateway's application. `parts` replaces what the settings would open; the caller then closes them."""
    chosen = settings or GatewaySettings()
    telemetry = Telemetry(classes=BULK)
    app = FastAPI(
        title="Model Testing Framework",
        version=version(DISTRIBUTION),
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(chosen, telemetry, parts),
    )
    for router in ROUTERS:
        app.include_router(router)
    openapi.mount(app)
    telemetry.instrument(app)
    http.install(app)
    return app


def _lifespan(
    settings: GatewaySettings, telemetry: Telemetry, given: Parts | None
) -> Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        telemetry.zero(app)
        opened = contextlib.nullcontext(given) if given is not None else assemble(settings, telemetry.registry)
        async with telemetry.watch(), opened as parts:
            app.state.parts = parts
            app.state.on_stop = [parts.closing.set]
            yield

    return lifespan

"""Serve one service, and the app that all four workers share."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

import uvicorn
from fastapi import APIRouter, Depends, FastAPI

from mtf import http
from mtf.credentials import FolderCredentials
from mtf.jobs.engine import JobEngine
from mtf.jobs.routes import job_routes, state_routes
from mtf.logging import configure
from mtf.plugins import Service, SourceContext, Stage, resolve
from mtf.settings import Settings, WorkerSettings
from mtf.storage.store import LocalStore
from mtf.telemetry import Telemetry, WorkerTelemetry
from mtf.zygote.parent import Zygote

GRACE = 10
"""Seconds that open answers get when the service is asked to stop."""
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Worker:
    """What a worker's app is made of; `app.state.worker` for routes that a room adds."""

    service: Service
    settings: WorkerSettings
    engine: JobEngine
    zygote: Zygote
    store: LocalStore
    telemetry: Telemetry


def create_worker_app(
    service: Service,
    settings: WorkerSettings,
    *,
    stage: Stage,
    options: Mapping[str, Any] | None = None,
    extra_routes: Sequence[APIRouter] = (),
    zygote: Zygote | None = None,
) -> FastAPI:
    """The app of one worker. Nothing is opened or started before its lifespan begins.

    Args:
        service: The room's descriptor.
        settings: Its settings.
        stage: Its stage object.
        options: What the settings say to children, as `JobContext.options`.
        extra_routes: Routers of the room itself; they ask for the token like the others.
        zygote: An own zygote instead of one that preloads what the descriptor names.
    """
    store = LocalStore.from_urls(settings.areas)
    telemetry = Telemetry()
    zygote = zygote or Zygote(preload=service.preload, cpus=settings.job_cpus)
    engine = JobEngine(
        stage=stage,
        store=store,
        settings=settings,
        zygote=zygote,
        source=source_context(settings, store),
        options=options,
        instance=instance_url(settings, service),
        observer=WorkerTelemetry(telemetry.registry, stage.name),
    )
    worker = Worker(service, settings, engine, zygote, store, telemetry)
    app = FastAPI(title=f"MTF {service.name}", description=service.summary, docs_url=None, redoc_url=None, lifespan=_lifespan(worker))
    app.state.worker = worker
    app.state.on_stop = [engine.detach]
    guard = Depends(http.require_token(settings.token, insecure=settings.insecure))
    app.include_router(job_routes(engine), dependencies=[guard])
    for router in extra_routes:
        app.include_router(router, dependencies=[guard])
    app.include_router(state_routes(engine))
    telemetry.instrument(app)
    http.install(app)
    return app


def source_context(settings: WorkerSettings, store: LocalStore) -> SourceContext:
    """What this worker's sources may use, from its settings."""
    return SourceContext(
        credentials=FolderCredentials(settings.credentials_dir),
        base=settings.import_dir,
        http_allow=tuple(pattern.strip() for pattern in settings.http_allow.split(",") if pattern.strip()),
        uploads=store.path("data:uploads"),
    )


def instance_url(settings: WorkerSettings, service: Service) -> str:
    """Where peers reach this very replica: its host name, which Docker and Kubernetes resolve, unless it listens on this machine alone."""
    if settings.instance_url:
        return settings.instance_url.rstrip("/")
    loopback = settings.host in {"127.0.0.1", "localhost", "::1"}
    return f"http://{'127.0.0.1' if loopback else socket.gethostname()}:{settings.port or service.port}"


def _lifespan(worker: Worker) -> Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        worker.telemetry.zero(app)
        async with worker.telemetry.watch():
            await worker.engine.start()
            try:
                yield
            finally:
                await worker.engine.close()
                await worker.zygote.close()

    return lifespan


class _Server(uvicorn.Server):
    """Tells the app at the first signal that it is about to stop, so that endless answers end and do not hold up the exit."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM or SIGINT."""
        super().handle_exit(sig, frame)
        # `loaded_app` would be uvicorn's wrapper around the app, which has no state.
        for stop in getattr(getattr(self.config.app, "state", None), "on_stop", ()):
            stop()


def serve(service: Service, settings: Settings | None = None) -> None:
    """Run one service until SIGTERM or SIGINT: one process, our log, no access log.

    `settings` reach the room's `create_app`; by default the room reads its own from the environment.
    """
    base = settings or Settings()
    secrets = [] if base.token is None else [base.token.get_secret_value()]
    configure(service.name, level=base.log_level, style=base.log_format, secrets=secrets)
    create_app = resolve(service.app)
    app = create_app() if settings is None else create_app(settings)
    config = uvicorn.Config(
        app,
        host=base.host,
        port=base.port or service.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE,
    )
    server = _Server(config)
    _LOGGER.info("serving", extra={"host": config.host, "port": config.port})
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(server.serve())
    if not server.started:
        sys.exit(4)

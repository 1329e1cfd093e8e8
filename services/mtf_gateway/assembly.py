"""Opens what the settings name and puts the parts together; closes everything in the end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path

from prometheus_client import CollectorRegistry

from mtf.cache import Cache
from mtf.errors import MtfError, UnavailableError
from mtf.jobs.remote import RemoteWorker
from mtf.storage.store import LocalStore
from mtf_gateway.core import Gateway
from mtf_gateway.db import results, schema
from mtf_gateway.db.engine import Database, connect
from mtf_gateway.health import Health
from mtf_gateway.metrics import WebMetrics
from mtf_gateway.principals import Callers, parse_tokens
from mtf_gateway.registry.assembled import registries
from mtf_gateway.routes.parts import Parts
from mtf_gateway.runner.metrics import Metrics
from mtf_gateway.settings import GatewaySettings

LOG = logging.getLogger("mtf.gateway")
COUNTING = 5.0
"""Seconds between two counts of the queue for its gauges."""


@contextlib.asynccontextmanager
async def assemble(settings: GatewaySettings, registry: CollectorRegistry) -> AsyncIterator[Parts]:
    """The parts of a gateway that runs. Raises SchemaError for a database that was not migrated; one that is away may come later."""
    web, metrics = WebMetrics(registry), Metrics(registry)
    tokens = parse_tokens(settings.api_tokens.get_secret_value()) if settings.api_tokens else {}
    async with contextlib.AsyncExitStack() as stack:
        database = connect(settings.database_url.get_secret_value())
        stack.callback(database.close)
        await _prepare(database)
        redis = None if settings.redis_url is None else settings.redis_url.get_secret_value()
        cache = Cache(redis, observe=web.looked_up)
        await cache.start()
        stack.push_async_callback(cache.close)
        workers = _workers(settings, web)
        for worker in workers.values():
            stack.push_async_callback(worker.close)
        store = LocalStore.from_urls(settings.areas)
        gateway = Gateway(database=database, store=store, workers=workers, settings=settings, cache=cache, observer=metrics)
        await gateway.start()
        stack.push_async_callback(gateway.close)
        counting = asyncio.create_task(_count(gateway, database, metrics, web), name="gauges")
        stack.callback(counting.cancel)
        kept = registries(gateway)
        await kept.uploads.sweep()
        yield Parts(
            runs=gateway,
            tag=lambda run_id: database.read(lambda connection: results.tag_of(connection, run_id)),
            board=kept.board,
            past=kept.past,
            looks=kept.looks,
            reevaluations=gateway.reevaluations,
            datasets=kept.datasets,
            models=kept.models,
            model_files=kept.model_files,
            uploads=kept.uploads,
            store=store,
            cache=cache,
            callers=Callers(tokens, cache, rate_limit=settings.rate_limit, told=web),
            health=Health(database, workers, cache).examine,
            closing=asyncio.Event(),
            spec_limit=settings.spec_limit,
        )


async def _prepare(database: Database) -> None:
    """A SQLite file is brought to the schema; a server must have been migrated, and may still be starting."""
    if database.dialect == "sqlite":
        await asyncio.to_thread(schema.open_or_create, database, Path(database.engine.url.database or ""))
        return
    try:
        await database.read(lambda _: None, patience=5.0)
    except UnavailableError as error:
        LOG.warning("starting without the database: %s", error.message)
        return
    await asyncio.to_thread(schema.check, database)


def _workers(settings: GatewaySettings, web: WebMetrics) -> dict[str, RemoteWorker]:
    token = None if settings.token is None else settings.token.get_secret_value()
    urls = {
        "acquisition": settings.acquisition_url,
        "processing": settings.processing_url,
        "inference": settings.inference_url,
        "inference-remote": settings.inference_remote_url,
        "evaluation": settings.evaluation_url,
    }
    return {name: RemoteWorker(url, token, name=name, observe=web.called) for name, url in urls.items() if url is not None}


async def _count(gateway: Gateway, database: Database, metrics: Metrics, web: WebMetrics) -> None:
    """Keep the gauges of the queue and of the schema. A database that is away leaves them as they were; readiness tells."""
    while True:
        with contextlib.suppress(MtfError):
            metrics.now(*await gateway.statuses())
            web.schema(fits=await database.read(schema.revision) == schema.HEAD)
        await asyncio.sleep(COUNTING)

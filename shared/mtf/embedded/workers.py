"""The workers of one process: an engine for each stage, one zygote for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtf.contracts.reference import StageName
from mtf.credentials import FolderCredentials
from mtf.jobs.digests import Digests
from mtf.jobs.engine import JobEngine
from mtf.jobs.inprocess import InProcessWorker
from mtf.plugins import Service, SourceContext, load, resolve
from mtf.settings import WorkerSettings
from mtf.storage.store import LocalStore
from mtf.zygote.launch import Launched
from mtf.zygote.parent import Zygote

ROOT = Path("/")
AREAS = ("data", "artifacts", "models", "logs")


@dataclass(frozen=True)
class Crew:
    """What computes in this process."""

    zygote: Zygote
    engines: tuple[JobEngine, ...]
    workers: Mapping[StageName, InProcessWorker]

    async def close(self) -> None:
        """End every job and the zygote."""
        for engine in self.engines:
            await engine.close()
        await self.zygote.close()


def hire(home: Path, stages: Sequence[StageName], *, early: Launched | None = None) -> Crew:
    """Engines for these stages over the areas under `home`. Nothing starts before the first job."""
    services: list[Service] = [load("service", stage) for stage in stages]
    store = LocalStore({area: home / area for area in AREAS})
    zygote = Zygote(preload=[module for service in services for module in service.preload], early=early)
    digests = Digests()
    engines = {}
    for service in services:
        settings = _settings(service, home)
        engines[service.name] = JobEngine(
            stage=resolve(service.stage or ""),
            store=store,
            settings=settings,
            zygote=zygote,
            source=_sources(store, settings),
            options=_options(settings),
            instance="embedded",
            digests=digests,
        )
    workers: dict[Any, InProcessWorker] = {name: InProcessWorker(engine) for name, engine in engines.items()}
    return Crew(zygote, tuple(engines.values()), workers)


def _settings(service: Service, home: Path) -> WorkerSettings:
    urls = {f"{area}_url": (home / area).as_uri() for area in AREAS}
    settings: WorkerSettings = resolve(service.settings)(**urls)
    return settings


def _options(settings: WorkerSettings) -> dict[str, Any]:
    options: dict[str, Any] = getattr(settings, "options", dict)()
    return options


def _sources(store: LocalStore, settings: WorkerSettings) -> SourceContext:
    """The user's own process reads the user's own files and reaches the user's own machine."""
    return SourceContext(
        credentials=FolderCredentials(settings.credentials_dir),
        base=ROOT,
        confined=False,
        http_allow=("loopback", "private", "public", *(name.strip() for name in settings.http_allow.split(",") if name.strip())),
        uploads=store.path("data:uploads"),
    )

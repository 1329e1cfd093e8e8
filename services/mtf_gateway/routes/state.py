"""`/healthz` and `/readyz`: asked by machines, open to everybody."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from mtf_gateway.routes.parts import PartsDep
from mtf_gateway.routes.problems import problems

router = APIRouter(tags=["about"])


@router.get("/healthz", summary="Does the process answer?")
async def healthz() -> dict[str, str]:
    """The process answers. It says nothing about the parts behind it."""
    return {"status": "ok"}


@router.get("/readyz", summary="Can it work?", responses=problems(503))
async def readyz(parts: PartsDep) -> dict[str, Any]:
    """Every part by name; 503 names those that are down. Without Redis the gateway is slower and loses nothing: `degraded`."""
    return {"status": "ready", "parts": await parts.health()}

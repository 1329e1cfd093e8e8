"""The composition root of the evaluation worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtf.service import create_worker_app
from mtf_evaluation.service import SERVICE
from mtf_evaluation.settings import EvaluationSettings
from mtf_evaluation.stage import STAGE

if TYPE_CHECKING:
    from fastapi import FastAPI


def create_app(settings: EvaluationSettings | None = None) -> FastAPI:
    """The worker's app. Nothing is opened or started before its lifespan begins."""
    return create_worker_app(SERVICE, settings or EvaluationSettings(), stage=STAGE)

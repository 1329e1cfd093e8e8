"""How the rest of the house finds this room, without importing it."""

from mtf.plugins import Service

SERVICE = Service(
    name="processing",
    port=8002,
    summary="Recipes: fit on training rows, apply anywhere.",
    app="mtf_processing.app:create_app",
    stage="mtf_processing.stage:STAGE",
    settings="mtf_processing.settings:ProcessingSettings",
    kinds=("step",),
    preload=("mtf_processing.execute",),
)

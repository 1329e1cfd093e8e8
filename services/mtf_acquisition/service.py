"""How the rest of the house finds this room, without importing it."""

from mtf.plugins import Service

SERVICE = Service(
    name="acquisition",
    port=8001,
    summary="Sources become immutable versions.",
    app="mtf_acquisition.app:create_app",
    stage="mtf_acquisition.stage:STAGE",
    settings="mtf_acquisition.settings:AcquisitionSettings",
    kinds=("source",),
    preload=("mtf_acquisition.execute",),
)

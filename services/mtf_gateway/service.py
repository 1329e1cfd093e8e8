"""How the rest of the house finds this room, without importing it."""

from mtf.plugins import Service

SERVICE = Service(
    name="gateway",
    port=8000,
    summary="The public API; drives runs.",
    app="mtf_gateway.app:create_app",
    stage=None,
    settings="mtf_gateway.settings:GatewaySettings",
    kinds=(),
    preload=(),
)

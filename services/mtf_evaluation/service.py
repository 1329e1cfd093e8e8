"""How the rest of the house finds this room, without importing it."""

from mtf.plugins import Service

SERVICE = Service(
    name="evaluation",
    port=8004,
    summary="Metrics with uncertainty, comparisons, gates and the report.",
    app="mtf_evaluation.app:create_app",
    stage="mtf_evaluation.stage:STAGE",
    settings="mtf_evaluation.settings:EvaluationSettings",
    kinds=("metric", "check"),
    preload=("mtf_evaluation.execute",),
)

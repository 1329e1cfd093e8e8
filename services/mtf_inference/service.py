"""How the rest of the house finds this room, without importing it."""

from mtf.plugins import Service

SERVICE = Service(
    name="inference",
    port=8003,
    summary="Scores the user's model where it can do no harm.",
    app="mtf_inference.app:create_app",
    stage="mtf_inference.stage:STAGE",
    settings="mtf_inference.settings:InferenceSettings",
    kinds=("loader",),
    preload=(
        "mtf_inference.execute",
        "mtf_inference.loaders.predictions",
        "pyarrow.parquet",
        "pyarrow.compute",
        "mtf_inference.loaders.onnx",
        "onnxruntime",
        "mtf_inference.loaders.skops",
        "skops.io",
        "sklearn.ensemble",
        "sklearn.pipeline",
    ),
)

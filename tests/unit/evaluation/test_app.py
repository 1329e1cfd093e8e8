"""The worker's app is built from arguments alone."""

from pathlib import Path

from mtf_evaluation.app import create_app
from mtf_evaluation.settings import EvaluationSettings


def test_the_app_has_the_stage_protocol(tmp_path: Path) -> None:
    """Building it opens nothing; it answers jobs, validation and fingerprints."""
    areas = {f"{area}_url": f"file://{tmp_path}/{area}" for area in ("data", "artifacts", "models", "logs")}
    app = create_app(EvaluationSettings.model_validate(areas | {"insecure": True}))
    assert {"/v1/jobs", "/v1/validate", "/v1/fingerprint"} <= set(app.openapi()["paths"])
    assert list(tmp_path.iterdir()) == []

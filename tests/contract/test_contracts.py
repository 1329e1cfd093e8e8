"""The contracts as others see them: pinned by golden files, changed by addition only."""

import json
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from mtf.contracts.job import EVENT, FingerprintReply, FingerprintRequest, JobRequest, JobResult, Validated, ValidateRequest
from mtf.contracts.problem import Problem
from mtf.contracts.reference import Manifest, Reference
from mtf.contracts.registry import ComparisonView, DatasetVersionView, ModelVersionView, RunEvent, RunView
from mtf.contracts.report import MetricValue, Report
from mtf.contracts.run import RunSpec
from tests.conftest import Golden

DIGEST = "ab" * 32
REFERENCE = {"ref": "data:raw/x/data.parquet", "sha256": DIGEST, "size": 3}
DOCUMENTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "run": (
        RunSpec,
        {
            "name": "penguins-forest",
            "dataset": {"source": {"type": "file", "path": "penguins.csv"}, "target": "species"},
            "processing": [{"split": {"test": 0.3}}],
            "model": "forest@champion",
            "evaluation": {"gates": ["accuracy >= 0.9"]},
        },
    ),
    "job-request": (JobRequest, {"job_id": "run-inference", "epoch": 2, "stage": "inference", "fingerprint": DIGEST, "spec": {"a": 1}}),
    "job-result": (JobResult, {"outputs": {"data": REFERENCE}, "manifest": REFERENCE, "cached": False, "seconds": 1.5}),
    "reference": (Reference, REFERENCE),
    "manifest": (Manifest, {"stage": "acquisition", "fingerprint": DIGEST, "spec": {}, "outputs": {"data": REFERENCE}}),
    "metric-value": (MetricValue, {"value": 0.9, "lower": 0.8, "upper": 0.95, "level": 0.95, "method": "wilson", "n": 60}),
    "report": (
        Report,
        {
            "run": {"id": "01", "name": "n", "dataset": "d", "model": "m"},
            "task": "binary",
            "rows": {"total": 3, "scored": 3},
            "metrics": {"accuracy": {"value": None, "n": 0, "undefined": "no rows"}},
        },
    ),
    "problem": (Problem, {"title": "t", "status": 422, "detail": "d", "code": "spec-invalid", "cause": "spec", "field": "dataset.target"}),
    "event-progress": (EVENT, {"type": "progress", "seq": 3, "at": 1.5, "done": 1, "total": None, "unit": "rows"}),
    "event-started": (EVENT, {"type": "started", "seq": 1, "at": 1.5, "instance": "http://w:8003", "job_id": "j"}),
    "event-heartbeat": (EVENT, {"type": "heartbeat", "seq": 1, "at": 1.5}),
    "event-log": (EVENT, {"type": "log", "seq": 2, "at": 1.5, "message": "m"}),
}
SCHEMAS: tuple[Any, ...] = (
    RunSpec, JobRequest, JobResult, EVENT, Reference, Manifest, MetricValue, Report, Problem, ValidateRequest, Validated,
    FingerprintRequest, FingerprintReply, RunView, RunEvent, DatasetVersionView, ModelVersionView, ComparisonView,
)  # fmt: skip


def adapter(contract: Any) -> TypeAdapter[Any]:
    return contract if isinstance(contract, TypeAdapter) else TypeAdapter(contract)


def title(contract: Any) -> str:
    return "Event" if contract is EVENT else str(contract.__name__)


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_document_reads_and_writes_as_pinned(name: str, golden: Golden) -> None:
    """A document means what it meant, with every default written out, and survives a round trip."""
    contract, document = DOCUMENTS[name]
    parsed = adapter(contract).validate_python(document)
    written = adapter(contract).dump_python(parsed, mode="json")
    golden.check(f"{name}.json", json.dumps(written, indent=1) + "\n")
    assert adapter(contract).validate_python(written) == parsed


@pytest.mark.parametrize("contract", SCHEMAS, ids=title)
def test_schema_is_pinned(contract: Any, golden: Golden) -> None:
    """The JSON Schema of every contract is committed, so that a change of it is seen."""
    golden.check(f"{title(contract)}.schema.json", json.dumps(adapter(contract).json_schema(), indent=1) + "\n")


@pytest.mark.parametrize("contract", [c for c in SCHEMAS if isinstance(c, type) and "schema_version" in c.model_fields], ids=title)
def test_wire_contract_ignores_what_a_newer_peer_adds(contract: type[BaseModel]) -> None:
    """A key that this version does not know is ignored on the wire, and an error in a run file."""
    assert contract.model_config["extra"] == ("forbid" if contract is RunSpec else "ignore")


@pytest.mark.parametrize("contract", [RunSpec, JobRequest, Manifest, Problem, Report, RunView, ComparisonView], ids=title)
def test_document_carries_its_version(contract: type[BaseModel]) -> None:
    """Every document that is stored or sent says which version of the format it has."""
    assert contract.model_fields["schema_version"].default == "1.0"

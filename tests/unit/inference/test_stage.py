"""What the room says without the data."""

from __future__ import annotations

import base64
import subprocess
import sys
from typing import Any

import pytest

from mtf.errors import SpecError
from mtf.plugins import SourceContext, load, names
from mtf_inference.policy import Policy
from mtf_inference.settings import InferenceSettings
from mtf_inference.stage import InferenceStage

STAGE = InferenceStage(Policy())
CONTEXT = SourceContext(credentials={})


def validate(source: dict[str, Any], **section: Any) -> dict[str, Any]:
    return STAGE.validate({"source": source, **section}).spec


def test_defaults_are_written_out() -> None:
    """The spec says everything that decides the result."""
    assert validate({"type": "file", "path": "model.onnx"}) == {
        "loader": {"name": "onnx", "args": {}}, "model_labels": None, "threshold": 0.5, "missing": "error",
    }  # fmt: skip


def test_the_header_decides_where_the_gateway_holds_the_file() -> None:
    """An upload is told by its first bytes, whatever it is called."""
    head = base64.b64encode(b"PK\x03\x04" + bytes(100)).decode()
    assert validate({"type": "upload", "digest": "0" * 64}, head=head, name="model")["loader"]["name"] == "skops"


def test_predictions_and_endpoints_take_their_own_arguments() -> None:
    """The source's other keys are the loader's arguments; where a file lies is not one."""
    spec = validate({"type": "predictions", "path": "p.csv", "delimiter": ";"}, missing="exclude", labels=["no", "yes"])
    assert spec["loader"] == {"name": "predictions", "args": {"format": None, "delimiter": ";"}}
    assert (spec["missing"], spec["model_labels"]) == ("exclude", ["no", "yes"])
    args = validate({"type": "endpoint", "url": "https://h/v2/models/m", "credential": "key"})["loader"]["args"]
    assert (args["credential"], args["retries"], args["timeout"]) == ("key", 3, 30.0)


@pytest.mark.parametrize(
    ("source", "section", "field", "message"),
    [
        ({}, {}, "model.source.type", "no `type`"),
        ({"type": "fil"}, {}, "model.source.type", "no model source `fil`"),
        ({"type": "file", "path": "x"}, {}, "model.source.format", "cannot be told"),
        ({"type": "file", "path": "x", "format": 3}, {}, "model.source.format", "no text"),
        ({"type": "file", "path": "x.onnx", "colour": "red"}, {}, "model.source.colour", "no argument `colour`"),
        ({"type": "file", "path": "x.pkl"}, {}, "model.source", "switched off"),
        ({"type": "upload"}, {"head": "*"}, "head", "not base64"),
        ({"type": "endpoint", "url": "file:///etc/passwd"}, {}, "model.source.url", "begins with http"),
        ({"type": "endpoint", "url": "http://user:pw@host/"}, {}, "model.source.url", "must not hold a password"),
        ({"type": "endpoint"}, {}, "model.source.url", "required"),
        ({"type": "endpoint", "url": "http://h/", "batch": 0}, {}, "model.source.batch", "greater than or equal to 1"),
        ({"type": "file", "path": "x.onnx"}, {"labels": "no"}, "model.labels", "must be a list"),
        ({"type": "file", "path": "x.onnx"}, {"labels": ["a", "a"]}, "model.labels", "twice"),
        ({"type": "file", "path": "x.onnx"}, {"threshold": 2}, "model.threshold", "from 0 to 1"),
        ({"type": "file", "path": "x.onnx"}, {"missing": "maybe"}, "model.missing", "`error` or `exclude`"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(source: dict[str, Any], section: dict[str, Any], field: str, message: str) -> None:
    """Each error carries the field, and says what to do or what there is."""
    with pytest.raises(SpecError, match=message) as caught:
        validate(source, **section)
    assert caught.value.field == field


def test_remote_answers_have_no_freshness() -> None:
    """An endpoint may change its mind, so its results are never reused; files are keyed by their digests."""
    assert STAGE.freshness({"loader": {"name": "endpoint"}}, CONTEXT) is None
    assert STAGE.freshness({"loader": {"name": "skops"}}, CONTEXT) == "inputs"


def test_versions_name_the_libraries_that_decide() -> None:
    """Loader and libraries are part of the key."""
    assert {"inference", "loader.skops", "scikit-learn", "skops", "numpy", "trusted"} <= set(STAGE.versions({"loader": {"name": "skops"}}))
    assert "onnxruntime" in STAGE.versions({"loader": {"name": "onnx"}})


def test_settings_reach_the_children() -> None:
    """What the environment says is what a job's child is told."""
    settings = InferenceSettings(sandbox="require", allow_pickle=True, inference_loaders="skops, onnx")
    assert Policy.of(settings.options()) == Policy("require", allow_pickle=True, loaders=("skops", "onnx"))


def test_the_service_process_imports_nothing_heavy() -> None:
    """Validation runs in the gateway's embedded process too: no numpy, no pyarrow, no scikit-learn, no HTTP client."""
    code = (
        "import sys; from mtf_inference.stage import STAGE; STAGE.validate({'source': {'type': 'file', 'path': 'm.skops'}});"
        "STAGE.versions({'loader': {'name': 'onnx'}});"
        "print(sorted({'numpy', 'pyarrow', 'sklearn', 'pandas', 'onnxruntime', 'skops', 'httpx2'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_every_loader_keeps_the_protocol() -> None:
    """Built-ins have what a stranger's loader must have."""
    for name in names("loader"):
        loader = load("loader", name)
        assert loader.name == name
        assert isinstance(loader.version, int)
        assert loader.Args.model_config["extra"] == "forbid"
        assert loader.Args.model_config["frozen"]
        assert isinstance(loader.sniff(b""), bool)
        assert not (loader.remote and loader.unsafe)

"""The requests and answers that the guide shows are those that are sent and understood."""

import json
from typing import Any, cast

import pyarrow as pa

from mtf_inference.remote.call import Caller
from mtf_inference.remote.forms import JsonForm
from mtf_inference.remote.oip import OipForm
from tests.conftest import ROOT
from tests.docs.pages import blocks

SHOWN = [json.loads(block.text) for block in blocks(ROOT / "docs/guide/models.md") if block.kind == "json"]
OIP_REQUEST, OIP_ANSWER, JSON_REQUEST, JSON_ANSWER = SHOWN


class Recorder:
    """Takes the place of the network: remembers what was posted, and answers what the guide shows."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.posted = answer, []  # type: ignore[var-annotated]  # requests of any shape

    def get(self, url: str) -> Any:
        """No metadata."""
        return None

    def post(self, url: str, body: Any) -> Any:
        """Remember the request."""
        self.posted.append((url, body))
        return self.answer


def test_open_inference_protocol() -> None:
    """Numbers go out as one tensor of all features; an output of two columns is scores."""
    recorder = Recorder(OIP_ANSWER)
    rows = pa.table({"a": [5.1, 4.9], "b": [3.5, 3.0], "c": [1.4, 1.3]})
    said = OipForm(cast("Caller", recorder), "http://models/v2/models/forest").ask(rows, regression=False)
    assert recorder.posted == [("http://models/v2/models/forest/infer", OIP_REQUEST)]
    assert said.scores is not None
    assert said.scores.tolist() == [[0.9, 0.1], [0.2, 0.8]]


def test_plain_json() -> None:
    """Rows go out as lists with null for what is missing; labels and scores come back."""
    recorder = Recorder(JSON_ANSWER)
    rows = pa.table({"age": [39, None], "sex": ["male", "female"]})
    said = JsonForm(cast("Caller", recorder), "http://models/score").ask(rows, regression=False)
    assert recorder.posted == [("http://models/score", JSON_REQUEST)]
    assert said.labels is not None
    assert said.scores is not None
    assert (said.labels.tolist(), said.scores.tolist()) == (["stays", "leaves"], [[0.9, 0.1], [0.2, 0.8]])

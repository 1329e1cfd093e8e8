"""Models behind an address, answered by a transport that opens no socket."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx2
import numpy as np
import pyarrow as pa
import pytest

from mtf.errors import DataError, EndpointError, LimitError, ModelError, SpecError
from mtf.outbound import GuardedTransport, permitted
from mtf.plugins import SourceContext
from mtf_inference.loaders.endpoint import EndpointArgs, EndpointLoader, EndpointModel
from mtf_inference.remote.call import Caller
from mtf_inference.remote.forms import JsonForm
from mtf_inference.remote.oip import OipForm

TABLE = pa.table({"x": [1.0, 2.0, 3.0], "n": [1, 2, 3]})
OIP = "http://model/v2/models/m"
Handler = Callable[[httpx2.Request], httpx2.Response]


def ask(handler: Handler, url: str = "http://model/predict", table: pa.Table = TABLE, *, regression: bool = False, secret: str | None = None,
        deadline: float = 60, sleeps: list[float] | None = None, **args: Any) -> Any:  # fmt: skip
    options = EndpointArgs(url=url, **args)
    waits = sleeps if sleeps is not None else []
    caller = Caller(options, httpx2.MockTransport(handler), secret, time.monotonic() + deadline, sleep=waits.append)
    form = OipForm(caller, url) if options.form == "oip" else JsonForm(caller, url)
    return EndpointModel(caller, form, options, regression=regression).predict(table)


def reply(body: Any, status: int = 200, **headers: str) -> Handler:
    return lambda _: httpx2.Response(status, json=body, headers=headers)


def test_the_plain_form_sends_columns_and_rows() -> None:
    """In batches, with nulls as null, and the credential as a bearer token."""
    seen: list[Any] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        assert request.headers["authorization"] == "Bearer s3cret"
        body = json.loads(request.content)
        seen.append(body)
        return httpx2.Response(200, json={"predictions": ["a" for _ in body["rows"]], "scores": [[0.75, 0.25] for _ in body["rows"]]})

    table = pa.table({"x": [1.5, None, float("nan")], "t": ["u", None, "w"]})
    said = ask(answer, table=table, batch=2, secret="s3cret")
    assert seen == [{"columns": ["x", "t"], "rows": [[1.5, "u"], [None, None]]}, {"columns": ["x", "t"], "rows": [[None, "w"]]}]
    assert list(said.labels) == ["a", "a", "a"]
    assert said.scores.tolist() == [[0.75, 0.25]] * 3


def oip(metadata: dict[str, Any] | None, outputs: Callable[[list[Any]], list[Any]], seen: list[Any]) -> Handler:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            assert request.url.path == "/v2/models/m"
            return httpx2.Response(404) if metadata is None else httpx2.Response(200, json=metadata)
        assert request.url.path == "/v2/models/m/infer"
        inputs = json.loads(request.content)["inputs"]
        seen.append(inputs)
        return httpx2.Response(200, json={"model_name": "m", "outputs": outputs(inputs)})

    return answer


def labels_and_scores(_: list[Any]) -> list[Any]:
    return [
        {"name": "label", "shape": [3], "datatype": "INT64", "data": [1, 0, 1]},
        {"name": "probabilities", "shape": [3, 2], "datatype": "FP32", "data": [0.25, 0.75, 1, 0, 0.5, 0.5]},
    ]


def test_oip_with_one_tensor() -> None:
    """Metadata with one matrix input: one flat row-major tensor of its type and name."""
    seen: list[Any] = []
    said = ask(oip({"inputs": [{"name": "X", "shape": [-1, 2], "datatype": "FP32"}]}, labels_and_scores, seen), OIP)
    assert seen == [[{"name": "X", "shape": [3, 2], "datatype": "FP32", "data": [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]}]]
    assert said.labels.tolist() == [1, 0, 1]
    assert said.scores.tolist() == [[0.25, 0.75], [1, 0], [0.5, 0.5]]


def test_oip_with_an_input_a_column() -> None:
    """Inputs of their own types; text goes as BYTES."""
    seen: list[Any] = []
    metadata = {"inputs": [{"name": "t", "shape": [-1, 1], "datatype": "BYTES"}, {"name": "n", "shape": [-1], "datatype": "INT64"}]}
    ask(oip(metadata, labels_and_scores, seen), OIP, pa.table({"t": ["u", "v", "w"], "n": [1, 2, 3]}))
    assert seen == [
        [
            {"name": "t", "shape": [3, 1], "datatype": "BYTES", "data": ["u", "v", "w"]},
            {"name": "n", "shape": [3], "datatype": "INT64", "data": [1, 2, 3]},
        ]
    ]


def test_oip_without_metadata_and_with_nested_data() -> None:
    """A server without metadata gets one FP64 tensor; nested lists are as good as flat ones."""
    seen: list[Any] = []
    said = ask(
        oip(None, lambda _: [{"name": "y", "shape": [3, 1], "datatype": "FP64", "data": [[1.5], [2.5], [3.5]]}], seen), OIP, regression=True
    )
    assert seen[0][0]["datatype"] == "FP64"
    assert said.labels.tolist() == [1.5, 2.5, 3.5]


@pytest.mark.parametrize(
    ("handler", "kind", "message"),
    [
        (reply([1, 2, 3]), ModelError, "neither `predictions` nor `scores`"),
        (reply({"predictions": ["a"]}), ModelError, "must be a list of 3 values"),
        (reply({"predictions": "abc"}), ModelError, "must be a list of 3 values"),
        (reply({"predictions": [[1], [2], [3]]}), ModelError, "lists where one value"),
        (reply({"scores": [[1], [1, 2], [3]]}), ModelError, "no table of numbers"),
        (reply({"scores": [["x"], ["y"], ["z"]]}), ModelError, "no table of numbers"),
        (lambda _: httpx2.Response(200, text="<html>"), EndpointError, "no JSON"),
        (lambda _: httpx2.Response(200, text="[" * 100_000), EndpointError, "no JSON"),
        (reply({"error": "no such model"}, 404), EndpointError, "answered 404"),
        (reply({"error": "bad"}, 400), EndpointError, "answered 400"),
        (reply({}, 401), EndpointError, "refused access with 401"),
        (reply({}, 302, location="http://169.254.169.254/"), EndpointError, "redirects with 302"),
        (lambda _: httpx2.Response(200, content=bytes(2000)), LimitError, "more than 1,000 bytes"),
    ],
)  # fmt: skip
def test_a_wrong_answer_is_told(handler: Handler, kind: type[Exception], message: str) -> None:
    """Each has its own sentence; none is retried."""
    sleeps: list[float] = []
    with pytest.raises(kind, match=message):
        ask(handler, max_bytes=1000 if kind is LimitError else 1 << 20, sleeps=sleeps)
    assert sleeps == []


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ({"name": "y", "shape": [2], "datatype": "INT64", "data": [1, 2]}, "has the shape"),
        ({"name": "y", "shape": [3], "datatype": "INT64", "data": [1, 2]}, "list of 3 values"),
        ({"name": "y", "shape": [3], "datatype": "FP32", "data": ["a", "b", "c"]}, "no table of numbers"),
        ({"name": "y", "shape": [3, 1 << 40], "datatype": "FP32", "data": [1]}, "list of"),
        ({"name": "y", "shape": "3", "datatype": "FP32", "data": [1]}, "has the shape"),
    ],
)
def test_a_wrong_tensor_is_told(output: dict[str, Any], message: str) -> None:
    """Shapes are checked before anything of their size is made."""
    with pytest.raises(ModelError, match=message):
        ask(oip(None, lambda _: [output], []), OIP)


def test_what_may_pass_is_tried_four_times() -> None:
    """Three more tries with growing waits, the server's wish included; then an error that counts them."""
    tries: list[int] = []
    sleeps: list[float] = []

    def answer(_: httpx2.Request) -> httpx2.Response:
        tries.append(1)
        if len(tries) == 1:
            raise httpx2.ConnectError("refused")
        return (
            httpx2.Response(503, headers={"retry-after": "3"}) if len(tries) < 4 else httpx2.Response(200, json={"predictions": [1, 2, 3]})
        )

    assert ask(answer, sleeps=sleeps).labels.tolist() == [1, 2, 3]
    assert len(sleeps) == 3
    assert sleeps[1] >= 3
    with pytest.raises(EndpointError, match=r"answered 503 \(4 tries\)"):
        ask(reply({}, 503))
    with pytest.raises(EndpointError, match=r"did not answer within 0.5 s \(4 tries\)"):
        ask(slow, timeout=0.5)
    with pytest.raises(EndpointError, match=r"(?m)answered 503$"):
        ask(reply({}, 503), deadline=0.1)


def slow(_: httpx2.Request) -> httpx2.Response:
    raise httpx2.ReadTimeout("slow")


def test_no_message_repeats_a_secret() -> None:
    """Neither the query of the address nor the credential stands in an error or in the facts."""
    with pytest.raises(EndpointError) as caught:
        ask(reply({}, 500), "http://model/p?key=hunter2", secret="s3cret")
    assert "hunter2" not in str(caught.value.problem())
    assert "s3cret" not in str(caught.value.problem())


def test_tensors_carry_no_missing_values() -> None:
    """JSON has no NaN: the feature is named, before anything is sent."""
    with pytest.raises(DataError, match="the feature `x` has missing values"):
        ask(oip(None, labels_and_scores, []), OIP, pa.table({"x": [1.0, None, 2.0]}))


@pytest.mark.parametrize(
    ("address", "allow", "message"),
    [
        ("169.254.169.254", ("loopback", "private", "*"), "metadata"),
        ("::ffff:169.254.169.254", ("*",), "metadata"),
        ("169.254.1.1", ("*",), "link-local"),
        ("fe80::1", ("*",), "link-local"),
        ("127.0.0.1", ("private",), "a loopback address"),
        ("10.0.0.1", ("loopback",), "a private address"),
        ("100.64.0.1", (), "a private address"),
        ("0.0.0.0", ("*",), "no machine"),  # noqa: S104 - an address that must be refused
    ],
)
def test_addresses_that_are_not_called(address: str, allow: tuple[str, ...], message: str) -> None:
    """Metadata and link-local never; loopback and private by permission alone; one bad address of several is enough."""
    with pytest.raises(SpecError, match=message):
        permitted("host", 80, ("public", *allow), field="model.source.url", resolver=lambda *_: ["93.184.216.34", address])


def test_addresses_that_are_called() -> None:
    """Public, private and loopback ones where they are allowed, by range or by name."""
    for address, allow in (
        ("93.184.216.34", ("public",)),
        ("127.0.0.1", ("loopback",)),
        ("10.1.2.3", ("private",)),
        ("10.1.2.3", ("*.corp",)),
    ):
        assert permitted("model.corp", 80, allow, field="f", resolver=lambda *_, one=address: [one]) == [address]


def test_the_guard_stands_before_every_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loader itself calls through the guard, and a credential that is not there is an error before that."""
    monkeypatch.setattr("mtf.outbound.look_up", lambda host, port: [host])
    loader = EndpointLoader()
    with pytest.raises(SpecError, match="metadata address"):
        loader.connect(
            EndpointArgs(url="http://169.254.169.254/v2/models/m"), SourceContext(credentials={}), time.monotonic() + 9, regression=False
        )
    with pytest.raises(SpecError, match="no credential `key`"):
        loader.connect(
            EndpointArgs(url="http://h/", credential="key"), SourceContext(credentials={}), time.monotonic() + 9, regression=False
        )
    with (
        pytest.raises(EndpointError, match="no address"),
        httpx2.Client(transport=GuardedTransport((), field="f", resolver=nowhere)) as client,
    ):
        client.get("http://nowhere/")


def nowhere(host: str, port: int) -> list[str]:
    raise OSError("unknown")


def test_numbers_of_a_regression_stay_numbers() -> None:
    """Integers in JSON are values, not labels, and null is NaN."""
    said = ask(reply({"predictions": [1, 2.5, None]}), regression=True)
    assert np.array_equal(said.labels, [1, 2.5, np.nan], equal_nan=True)

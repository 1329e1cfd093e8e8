"""The public API as a document: pinned by a golden file, complete, and with examples that fit their own schemas."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from mtf_gateway.app import create_app
from mtf_gateway.settings import GatewaySettings
from tests.conftest import Golden

METHODS = {"get", "put", "post", "delete", "head", "patch"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document, made without opening anything. The version is the package's and changes with every release."""
    made: dict[str, Any] = json.loads(json.dumps(create_app(GatewaySettings(insecure=True)).openapi()))
    made["info"]["version"] = "0"
    return made


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield f"{method.upper()} {path}", operation


def test_the_document_is_the_golden_one(document: dict[str, Any], golden: Golden) -> None:
    """A change of the public API is seen in review; it is written anew with `pytest tests/contract/test_openapi.py --update`."""
    golden.check("openapi.json", json.dumps(document, indent=1, sort_keys=True) + "\n")


def test_every_operation_says_what_it_does(document: dict[str, Any]) -> None:
    """A summary of a few words without a full stop, a description in sentences, and a tag that the page explains."""
    tags = {tag["name"] for tag in document["tags"]}
    for name, operation in _operations(document):
        assert 0 < len(operation["summary"]) < 60, name
        assert not operation["summary"].endswith("."), name
        assert operation["description"].rstrip().endswith((".", "`")), name
        assert set(operation["tags"]) <= tags, name


def test_every_error_is_a_problem_document(document: dict[str, Any]) -> None:
    """One shape for every answer above 399, and every guarded route says that a token may be missing."""
    for name, operation in _operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                content = response["content"]
                assert list(content) == ["application/problem+json"], (name, status)
                assert content["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}, (name, status)
        if " /v1/" in name:
            assert "401" in operation["responses"], name
            assert operation["security"], name


def test_every_answer_is_described(document: dict[str, Any]) -> None:
    """An answer with a body has a schema; nothing is described as any JSON value but the schema of run files."""
    for name, operation in _operations(document):
        for status, response in operation["responses"].items():
            for kind, content in response.get("content", {}).items():
                assert content.get("schema"), (name, status, kind)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    """No `$ref` points at a schema that is not there."""

    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            for item in value.values():
                yield from references(item)
        elif isinstance(value, list):
            for item in value:
                yield from references(item)

    for reference in references(document):
        assert reference.startswith("#/components/"), reference
        target: Any = document
        for part in reference.removeprefix("#/").split("/"):
            assert part in target, reference
            target = target[part]


def test_the_examples_fit_their_schemas(document: dict[str, Any]) -> None:
    """Every JSON example of a request body is valid by the schema beside it."""
    checked = 0
    for name, operation in _operations(document):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        for example in content.get("examples", {}).values():
            schema = {**copy.deepcopy(content["schema"]), "components": document["components"]}
            # `dataset: {version: ...}` and its short form are both accepted; the document describes the long one.
            jsonschema.Draft202012Validator(schema).validate(example["value"])
            checked += 1
            assert example["summary"], name
    assert checked >= 8

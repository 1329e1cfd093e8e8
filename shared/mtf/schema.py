"""The JSON Schema of a run file with every installed plug-in's arguments, so that an editor completes and checks it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from mtf.contracts.report import Report
from mtf.contracts.run import RunSpec
from mtf.plugins import load, names

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def report_schema() -> dict[str, Any]:
    """The schema of `report.json`."""
    return {"$schema": DIALECT, **Report.model_json_schema()}


Catalogue = Mapping[str, Mapping[str, dict[str, Any]]]
"""Kind of plug-in to name to the JSON Schema of its arguments."""


def installed() -> Catalogue:
    """The plug-ins that are installed here. A gateway, which has none of their libraries, asks its workers instead."""
    described = {kind: {name: _described(kind, name) for name in names(kind)} for kind in ("source", "step", "loader")}
    return {**described, "metric": {name: {} for name in names("metric")}}


def run_schema(catalogue: Catalogue | None = None) -> dict[str, Any]:
    """The schema of a run file. Sources, steps, loaders and metrics are those of the catalogue, by default what is installed."""
    known = installed() if catalogue is None else catalogue
    schema = RunSpec.model_json_schema()
    definitions = schema.setdefault("$defs", {})
    definitions["DataSource"] = _sources(known, definitions)
    definitions["ModelSource"] = _model_sources(known, definitions)
    definitions["Step"] = _steps(known, definitions)
    dataset, model, evaluation = definitions["DatasetSpec"], definitions["ModelSpec"], definitions["EvaluationSpec"]
    dataset["properties"]["source"] = {"$ref": "#/$defs/DataSource"}
    definitions["TrainSpec"]["properties"]["source"] = {"$ref": "#/$defs/DataSource"}
    model["properties"]["source"] = {"$ref": "#/$defs/ModelSource"}
    evaluation["properties"]["metrics"] = {
        "type": "array",
        "items": {"enum": sorted(known.get("metric", {}))},
        "description": "A default set per task when absent.",
    }
    properties = schema["properties"]
    properties["dataset"] = {"anyOf": [{"$ref": "#/$defs/DatasetSpec"}, _short("A registered version, for example `penguins@3`.")]}
    properties["model"] = {
        "anyOf": [{"$ref": "#/$defs/ModelSpec"}, _short("A registered version or alias, for example `forest@champion`.")]
    }
    properties["processing"] = {
        "anyOf": [{"type": "array", "items": {"$ref": "#/$defs/Step"}}, {"$ref": "#/$defs/RecipeSpec"}],
        "description": "Steps in order, or a fitted recipe.",
    }
    return {"$schema": DIALECT, "title": "Run file of the Model Testing Framework", **{k: v for k, v in schema.items() if k != "title"}}


def _short(description: str) -> dict[str, Any]:
    return {"type": "string", "pattern": "^[^@]+@.+$", "description": description}


def _described(kind: str, name: str) -> dict[str, Any]:
    plugin = load(kind, name)
    schema: dict[str, Any] = plugin.Args.model_json_schema()
    schema.setdefault("description", (type(plugin).__doc__ or name).strip().split("\n")[0])
    return schema


def _arguments(known: Catalogue, kind: str, name: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of a plug-in's arguments; its own definitions are lifted into ours."""
    schema = copy.deepcopy(known[kind][name])
    for key, value in schema.pop("$defs", {}).items():
        definitions.setdefault(key, value)
    schema.pop("title", None)
    return schema


def _tagged(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    schema["properties"] = {"type": {"const": name, "description": schema.get("description", name)}, **schema.get("properties", {})}
    schema["required"] = ["type", *[key for key in schema.get("required", []) if key != "type"]]
    return schema


def _sources(known: Catalogue, definitions: dict[str, Any]) -> dict[str, Any]:
    return {"oneOf": [_tagged(name, _arguments(known, "source", name, definitions)) for name in sorted(known.get("source", {}))]}


def _model_sources(known: Catalogue, definitions: dict[str, Any]) -> dict[str, Any]:
    loaders = sorted(known.get("loader", {}))
    formats = {"type": "string", "enum": loaders, "description": "The format, where the header does not tell."}
    file = {
        "type": "object",
        "description": "A model file, relative to the run file.",
        "properties": {"path": {"type": "string"}, "format": formats},
        "required": ["path"],
        "additionalProperties": False,
    }
    upload = {
        "type": "object",
        "description": "A model file that the gateway holds by digest.",
        "properties": {"digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"}, "name": {"type": "string"}, "format": formats},
        "required": ["digest"],
        "additionalProperties": False,
    }
    called = [_tagged(name, _arguments(known, "loader", name, definitions)) for name in loaders if name in {"endpoint", "predictions"}]
    return {"oneOf": [_tagged("file", file), _tagged("upload", upload), *called]}


def _steps(known: Catalogue, definitions: dict[str, Any]) -> dict[str, Any]:
    properties = {name: _arguments(known, "step", name, definitions) for name in sorted(known.get("step", {}))}
    return {"type": "object", "properties": properties, "minProperties": 1, "maxProperties": 1, "additionalProperties": False}

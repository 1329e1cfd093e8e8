"""What the room offers to the stage protocol in the service's own process: checks without data, and versions without imports."""

from __future__ import annotations

import base64
import binascii
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar

from pydantic import BaseModel, ValidationError

from mtf import plugins
from mtf.contracts.job import Validated
from mtf.contracts.problem import FieldProblem
from mtf.errors import SpecError
from mtf.plugins import SourceContext
from mtf_inference.policy import Policy
from mtf_inference.settings import InferenceSettings
from mtf_inference.sniff import choose

CODE = "1"
"""Raise it when the stage's results change for the same model, for example when labels are matched in another way."""
FILES = ("file", "upload")
PLACE = ("path", "digest", "name", "format")
"""Keys of a file's source that say where it lies and what it is; the others are the loader's arguments."""


class InferenceStage:
    """Stage 3."""

    name: ClassVar[str] = "inference"
    entry: ClassVar[str] = "mtf_inference.execute:execute"

    def __init__(self, policy: Policy | None = None) -> None:
        self._policy = policy

    @property
    def policy(self) -> Policy:
        """As it was given, else as the environment says now."""
        return self._policy or InferenceSettings().policy

    def options(self) -> dict[str, Any]:
        """What a job's child is told (`JobContext.options`)."""
        return self.policy.options()

    def validate(self, section: dict[str, Any]) -> Validated:
        """The loader with its arguments, the declared labels, the threshold and the rule for missing predictions. Raises SpecError."""
        source = dict(section.get("source") or {})
        kind = source.pop("type", None)
        if not isinstance(kind, str):
            raise SpecError("the model's source has no `type`", field="model.source.type", fix=f"one of {', '.join(_types())}")
        name = _loader_name(kind, source, section)
        loader = plugins.load("loader", name)
        self.policy.admit(loader)
        place = () if loader.remote else PLACE if kind in FILES else PLACE[:3]
        args = _arguments(loader, {key: value for key, value in source.items() if key not in place})
        return Validated(
            spec={
                "loader": {"name": name, "args": args},
                "model_labels": _labels(section.get("labels")),
                "threshold": _threshold(section.get("threshold")),
                "missing": _missing(section.get("missing")),
            },
            versions={f"loader.{name}": str(loader.version)},
        )

    def freshness(self, spec: dict[str, Any], context: SourceContext) -> str | None:  # noqa: ARG002 - the protocol's shape
        """None for a loader that calls out, whose answers may change at any time; else the digests of the inputs say it all."""
        return None if plugins.load("loader", spec["loader"]["name"]).remote else "inputs"

    def versions(self, spec: dict[str, Any]) -> dict[str, str]:
        """The stage, the loader, and the libraries that compute its answers."""
        loader = plugins.load("loader", spec["loader"]["name"])
        found = {"inference": CODE, f"loader.{loader.name}": str(loader.version), **getattr(loader, "data_versions", dict)()}
        for package in getattr(loader, "packages", ("numpy",)):
            try:
                found[package] = version(package)
            except PackageNotFoundError:
                continue
        return found


def _types() -> list[str]:
    """Values of `model.source.type`."""
    called = [name for name in plugins.names("loader") if _called_by_name(plugins.load("loader", name))]
    return [*FILES, *called]


def _called_by_name(loader: Any) -> bool:
    return bool(loader.remote or getattr(loader, "aligned", False))


def _loader_name(kind: str, source: dict[str, Any], section: dict[str, Any]) -> str:
    if kind in FILES:
        declared = source.get("format")
        if declared is not None and not isinstance(declared, str):
            raise SpecError("`format` is no text", field="model.source.format", found=declared)
        return choose(_head(section), section.get("name") or source.get("name") or source.get("path"), declared)
    types = _types()
    if kind not in types:
        raise plugins.unknown("model source", kind, types, where="model.source.type")
    return kind


def _head(section: dict[str, Any]) -> bytes | None:
    text = section.get("head")
    if text is None:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise SpecError("`head` is not base64", field="head") from None


def _arguments(loader: Any, given: dict[str, Any]) -> dict[str, Any]:
    """The loader's arguments with every default written out. Raises SpecError that lists each wrong one."""
    try:
        model: BaseModel = loader.Args.model_validate(given)
    except ValidationError as error:
        known = list(loader.Args.model_fields)
        errors = [_wrong(item, known) for item in error.errors(include_url=False)]
        first = errors[0]
        raise SpecError(
            f"{first.field}: {first.message}",
            field=first.field,
            found=first.found,
            fix=first.fix,
            errors=errors if len(errors) > 1 else None,
        ) from None
    return model.model_dump(mode="json")


def _wrong(item: Any, known: list[str]) -> FieldProblem:
    key = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        error = plugins.unknown("argument", key, known)
        return FieldProblem(field=f"model.source.{key}", found=key[:100], message=error.message, fix=error.fix)
    message = str(item["msg"]).removeprefix("Value error, ")
    return FieldProblem(field=f"model.source.{key}".rstrip("."), found=repr(item.get("input"))[:100], message=message)


def _labels(labels: Any) -> list[Any] | None:
    if labels is None:
        return None
    if not isinstance(labels, list) or not labels or not all(isinstance(label, str | int | float | bool) for label in labels):
        raise SpecError(
            "`labels` must be a list of texts or numbers, in the order of the scores",
            field="model.labels",
            found=labels,
            fix="labels: [no, yes]",
        )
    texts = [str(label) for label in labels]
    doubled = sorted({text for text in texts if texts.count(text) > 1})
    if doubled:
        raise SpecError("`labels` names a label twice", field="model.labels", found=", ".join(doubled[:5]))
    return labels


def _threshold(value: Any) -> float:
    if value is None:
        return 0.5
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise SpecError("`threshold` must be a number from 0 to 1", field="model.threshold", found=value)
    return float(value)


def _missing(value: Any) -> str:
    if value in {None, "error", "exclude"}:
        return value or "error"
    raise SpecError("`missing` must be `error` or `exclude`", field="model.missing", found=value)


STAGE = InferenceStage()

"""The `dataset` section of a run file, as far as this stage reads it: checked without the data, with every default written out."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ValidationError

from mtf.contracts.problem import FieldProblem
from mtf.contracts.run import ExpectSpec
from mtf.contracts.stages import AcquisitionSpec, PluginCall
from mtf.errors import SpecError
from mtf.fields import field_problems
from mtf.plugins import load, unknown

TYPES = ("int64", "float64", "utf8", "bool", "timestamp", "decimal")
_DECIMAL = re.compile(r"decimal\((\d{1,2}),\s*(\d{1,2})\)")
_DIGITS = 38
_USER_PART = re.compile(r"//[^/\s]*@")
_FIX = "`mtf schema run` shows what may stand here"


def checked(section: dict[str, Any]) -> AcquisitionSpec:
    """The stage's spec. Raises SpecError with every wrong field."""
    source = section.get("source")
    if not isinstance(source, dict) or not isinstance(source.get("type"), str):
        raise SpecError(
            "`source` needs a `type`", field="dataset.source.type", found=source, fix="for example {type: file, path: data.csv}"
        )
    name = source["type"]
    args = {key: value for key, value in source.items() if key != "type"}
    try:
        plugin = load("source", name)
    except SpecError as error:
        raise SpecError(error.message, field="dataset.source.type", found=name, fix=error.fix) from None
    valid = _parsed(plugin.Args, args, "dataset.source")
    expect = section.get("expect")
    if expect is not None:
        expect = _parsed(ExpectSpec, expect, "expect").model_dump(mode="json", exclude_none=True)
    return AcquisitionSpec(
        source=PluginCall(name=name, args=valid.model_dump(mode="json")), types=_types(section.get("types") or {}), expect=expect
    )


def arguments(spec: AcquisitionSpec) -> tuple[Any, Any]:
    """The source plug-in of a spec and its arguments."""
    plugin = load("source", spec.source.name)
    return plugin, _parsed(plugin.Args, spec.source.args, "dataset.source")


def _parsed(model: type[BaseModel], data: Any, prefix: str) -> BaseModel:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = [_without_secret(one) for one in field_problems(error, model, data, prefix=prefix)]
        first = problems[0]
        raise SpecError(first.message, field=first.field, found=first.found, fix=first.fix or _FIX, errors=problems) from None


def _without_secret(problem: FieldProblem) -> FieldProblem:
    """What was found, without the user part of an address: a password that stands in the wrong place must not travel further."""
    return problem if problem.found is None else problem.model_copy(update={"found": _USER_PART.sub("//…@", problem.found)})


def _types(declared: Any) -> dict[str, str]:
    if not isinstance(declared, dict):
        raise SpecError("`types` maps column names to types", field="dataset.types", found=declared, fix="for example {age: int64}")
    for column, kind in declared.items():
        where = f"dataset.types.{str(column)[:100]}"
        found = _DECIMAL.fullmatch(kind) if isinstance(kind, str) else None
        if found:
            precision, scale = int(found[1]), int(found[2])
            if not (1 <= precision <= _DIGITS and scale <= precision):
                raise SpecError(f"a decimal has at most {_DIGITS} digits", field=where, found=kind, fix="for example decimal(18,2)")
        elif kind not in TYPES:
            error = unknown("column type", str(kind), TYPES, where=where)
            raise SpecError(error.message, field=where, found=kind, fix=error.fix)
    return {str(column): str(kind) for column, kind in declared.items()}

"""What pydantic found wrong, said for the person who wrote it: paths as written, one message a field, the nearest known key."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

from mtf.contracts.problem import FieldProblem
from mtf.errors import SpecError

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

Location = tuple[int | str, ...]


def field_problems(error: ValidationError, model: type[BaseModel], data: Any, *, prefix: str = "") -> list[FieldProblem]:
    """The wrong fields of a validation, in the order of the model, each once. `prefix` is where `data` stands in the whole file."""
    found: dict[str, FieldProblem] = {}
    unions: dict[str, Any] = {}
    for item in error.errors(include_url=False, include_context=False):
        keys, value, fits = _locate(item["loc"], data, missing=item["type"] == "missing")
        path = _join(prefix, keys)
        if fits:
            found.setdefault(path, _field(path, keys, item, value, model))
        else:
            unions.setdefault(path, value)
    for path, value in unions.items():
        if path not in found and not any(other.startswith((f"{path}.", f"{path}[")) for other in (*found, *unions)):
            found[path] = _problem(path, f"{_kind(value)} cannot stand here", value, "`mtf schema run` shows what may stand here")
    return _without_echoes(list(found.values()))


def _without_echoes(problems: list[FieldProblem]) -> list[FieldProblem]:
    """A misspelt key is unknown and missing at once; the person made one mistake and is told once."""
    meant = {
        f"{problem.field.rpartition('.')[0]}.{name}".lstrip(".")
        for problem in problems
        if (name := (problem.fix or "").removeprefix("did you mean `").removesuffix("`?")) != problem.fix
    }
    return [problem for problem in problems if not (problem.field in meant and problem.message.endswith("is missing"))]


def _locate(loc: Location, data: Any, *, missing: bool) -> tuple[list[int | str], Any, bool]:
    """The keys of a location without pydantic's names of union branches, the value there, and whether it is of the branch's type."""
    keys: list[int | str] = []
    value, fits = data, True
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        if isinstance(value, Mapping) and part in value:
            keys.append(part)
            value = value[str(part)]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            keys.append(part)
            value = value[part]
        elif last and missing:
            keys.append(part)
            value = None
        else:
            fits = fits and _of_branch(str(part), value)
    return keys, value, fits


def _of_branch(branch: str, value: Any) -> bool:
    kinds: dict[str, type | tuple[type, ...]] = {"str": str, "int": int, "float": (int, float), "bool": bool}
    if branch.startswith("list["):
        return isinstance(value, list)
    return isinstance(value, kinds.get(branch, Mapping))


def _field(path: str, keys: list[int | str], item: Any, value: Any, model: type[BaseModel]) -> FieldProblem:
    kind, last = item["type"], str(keys[-1]) if keys else ""
    if kind == "missing":
        return _problem(path, f"`{last}` is missing", None, f"add `{path}`")
    if kind == "extra_forbidden":
        known = _known(model, keys[:-1])
        near = difflib.get_close_matches(last, known, n=1, cutoff=0.5)
        fix = f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(known)}"
        return _problem(path, f"there is no key `{last[:100]}` here", last, fix)
    if kind in {"string_pattern_mismatch", "string_too_long"} and last == "name":
        fix = "at most 100 letters, digits, `.`, `_` or `-`, a letter or digit first"
        return _problem(path, "this is not a name", value, fix)
    message = str(item["msg"]).removeprefix("Value error, ").replace("Input should", "this must").replace("String should", "this text must")
    shorter = "shorten it" if kind == "string_too_long" else None
    return _problem(path, message, value, shorter)


def _problem(path: str, message: str, found: Any, fix: str | None) -> FieldProblem:
    # SpecError shortens what was found, so that 5,000 characters of a name do not fill the screen.
    return FieldProblem(field=path, found=SpecError(message, found=found).found, message=message, fix=fix)


def _kind(value: Any) -> str:
    names = {str: "a text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
    return names.get(type(value), "nothing")


def _join(prefix: str, keys: list[int | str]) -> str:
    path = prefix
    for key in keys:
        if isinstance(key, int):
            path += f"[{key}]"
        else:
            path += f".{key[:100]}" if path else key[:100]
    return path


def _known(model: type[BaseModel], keys: list[int | str]) -> list[str]:
    """The keys that may stand at a place of a model."""
    current: type[BaseModel] | None = model
    for key in keys:
        if isinstance(key, str) and current is not None:
            field = current.model_fields.get(key)
            current = None if field is None else _model_in(field.annotation)
    return list(current.model_fields) if current is not None else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    from pydantic import BaseModel

    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)

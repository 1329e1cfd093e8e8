"""From the text of a run file to a checked `RunSpec`, or to every wrong field at once, named as the user wrote it.

YAML is read by its 1.2 core rules: `yes`, `no`, `on` and dates stay text, because they are labels and categories in people's data, and a
key that stands twice is an error, because one of the two would be lost.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from mtf.contracts.problem import FieldProblem
from mtf.contracts.run import RunSpec
from mtf.errors import MtfError, NotFoundError, SpecError, UsageError
from mtf.fields import field_problems

MAX_BYTES = 1 << 20
MAX_VALUES = 100_000
MAX_DEPTH = 40

_NULL = re.compile(r"^(?:~|null|Null|NULL|)$")
_BOOL = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_INT = re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$")
_FLOAT = re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$")


def read(path: Path) -> dict[str, Any]:
    """The content of a run file. Raises NotFoundError for a file that is not there, SpecError with line and column for one that does not parse."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError(f"there is no run file {path}", found=str(path), fix="`mtf init` writes one to start from") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", found=str(path)) from None
    return parse(data, name=path.name)


def parse(data: bytes | str, *, name: str = "run file") -> dict[str, Any]:
    """Parse YAML, or JSON where `name` ends so, into plain JSON values. Raises SpecError with line and column."""
    if len(data) > MAX_BYTES:
        raise SpecError(f"{name} has {len(data):,} bytes", fix=f"a run file has at most {MAX_BYTES:,}; data belongs into files of its own")
    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(f"{name} is not text in UTF-8: byte {error.start + 1:,} cannot be read", fix="save it as UTF-8") from None
    found = _json(text, name) if name.endswith(".json") else _yaml(text, name)
    if found is None:
        raise SpecError(f"{name} is empty", fix="`mtf init` writes one to start from")
    if not isinstance(found, dict):
        raise SpecError(f"{name} must hold keys such as `name`, `dataset` and `model`", found=found, fix="`mtf init` writes an example")
    plain(found)
    return found


def validate(data: Mapping[str, Any]) -> RunSpec:
    """Check the form of a run file. Raises SpecError that lists every wrong field, unknown keys with the nearest known one."""
    from pydantic import ValidationError

    if not isinstance(data, Mapping):
        raise SpecError("a run file is a mapping of keys to values", found=data)
    plain(data)
    try:
        return RunSpec.model_validate(data)
    except ValidationError as error:
        raise collect(field_problems(error, RunSpec, data)) from None


def collect(problems: Sequence[FieldProblem]) -> SpecError:
    """One error of all wrong fields; its own field, found and fix are those of the first one."""
    first = problems[0]
    message = first.message if len(problems) == 1 else f"{len(problems)} fields of the run file are wrong: {first.message}"
    return SpecError(message, field=first.field, found=first.found, fix=first.fix, errors=list(problems))


def as_fields(error: MtfError) -> list[FieldProblem]:
    """The wrong fields that an error names, at least one."""
    problem = error.problem()
    if problem.errors:
        return list(problem.errors)
    return [FieldProblem(field=problem.field or "", found=problem.found, message=problem.detail, fix=problem.fix)]


def plain(value: Any, path: str = "", depth: int = 0, budget: list[int] | None = None) -> None:
    """Raise SpecError for what JSON or a database cannot carry: keys that are no text, NUL bytes, NaN, too much or too deep nesting."""
    budget = [MAX_VALUES] if budget is None else budget
    budget[0] -= 1
    if budget[0] < 0 or depth > MAX_DEPTH:
        raise SpecError("the run file is nested too deep or repeats itself too often", field=path[:200])
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise SpecError("keys are text", field=path or None, found=key, fix=f'write "{key}" in quotes')
            _text(key, path)
            plain(item, f"{path}.{key}" if path else key, depth + 1, budget)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            plain(item, f"{path}[{index}]", depth + 1, budget)
    elif isinstance(value, str):
        _text(value, path)
    elif isinstance(value, float) and not math.isfinite(value):
        raise SpecError("numbers are finite here", field=path, found=value)
    elif value is not None and not isinstance(value, bool | int | float):
        raise SpecError(
            f"a {type(value).__name__} has no meaning in a run file", field=path, found=value, fix="write it in quotes, as text"
        )


def _text(value: str, path: str) -> None:
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise SpecError("text must not hold NUL bytes or halves of surrogate pairs", field=path, found=ascii(value))


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_pairs)
    except json.JSONDecodeError as error:
        raise SpecError(f"{name}, line {error.lineno}, column {error.colno}: {error.msg}", fix="correct the JSON there") from None
    except RecursionError:
        raise SpecError(f"{name} is nested too deep") from None


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise SpecError(f"the key `{key[:100]}` stands twice", field=key[:100], fix="keep one of them")
        found[key] = value
    return found


def _yaml(text: str, name: str) -> Any:
    import yaml

    try:
        return yaml.load(text, Loader=_loader())  # noqa: S506 - the loader is a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        said = error.problem or error.context or "it does not parse"
        if error.context and error.context_mark and error.problem:
            said += f" ({error.context} that begins in line {error.context_mark.line + 1}, column {error.context_mark.column + 1})"
        fix = _yaml_fix(text, mark.line if mark else 0, said)
        raise SpecError(f"{name}{where}: {said}", fix=fix) from None
    except yaml.YAMLError as error:
        raise SpecError(f"{name} is not YAML: {' '.join(str(error).split())[:200]}", fix="save it as plain text") from None
    except RecursionError:
        raise SpecError(f"{name} is nested too deep") from None


def _yaml_fix(text: str, line: int, said: str) -> str:
    """What to do about a line that does not parse. The parser names a tab in the indentation only by what it is not."""
    lines = text.splitlines()
    if "twice" in said:
        return "keep one of them"
    if line < len(lines) and "\t" in lines[line][: len(lines[line]) - len(lines[line].lstrip())]:
        return "indent with spaces: this line begins with a tab"
    return "look at the quotes, colons and indentation there"


@cache
def _loader() -> Any:
    """A safe loader by the core rules of YAML 1.2; in C where PyYAML has it."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    def mapping(loader: Any, node: Any) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag.endswith(":merge"):
                continue
            key = loader.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"the key `{key}` stands twice", problem_mark=key_node.start_mark)
            seen.add(key)
        loader.flatten_mapping(node)
        return dict(yaml.constructor.BaseConstructor.construct_mapping(loader, node, deep=True))

    def integer(_: Any, node: Any) -> int:
        return int(node.value)

    loader: Any = type("RunFileLoader", (base,), {"yaml_implicit_resolvers": {}, "yaml_constructors": dict(base.yaml_constructors)})
    for tag, pattern, first in (
        ("null", _NULL, ["~", "n", "N", ""]),
        ("bool", _BOOL, list("tTfF")),
        ("int", _INT, list("-+0123456789")),
        ("float", _FLOAT, list("-+0123456789.")),
        ("merge", re.compile(r"^(?:<<)$"), ["<"]),
    ):
        loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", pattern, first)
    loader.add_constructor("tag:yaml.org,2002:map", mapping)
    loader.add_constructor("tag:yaml.org,2002:int", integer)
    return loader

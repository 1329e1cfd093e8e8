"""Fill the generated parts of the documentation, or check them with `--check`.

A page holds pairs of comments, `<!-- generated: NAME -->` and `<!-- end -->`; what stands between them comes from the code: settings and run
file keys from the pydantic models, plug-ins from their entry points, commands from the typer app, routes from OpenAPI, problems from the classes.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

DOCS = Path(__file__).resolve().parent
BLOCK = re.compile(r"(<!-- generated: (?P<name>[a-z0-9-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
SERVICES = ("gateway", "acquisition", "processing", "inference", "evaluation")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; bars and line breaks in cells are made harmless."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines) + "\n"


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


def _first(text: str | None) -> str:
    """The first paragraph of a docstring."""
    return " ".join((text or "").strip().split("\n\n")[0].split())


def kind_of(schema: dict[str, Any]) -> str:
    """A JSON Schema in a few words."""
    if "$ref" in schema:
        return f"see {schema['$ref'].rpartition('/')[2].removesuffix('Spec').lower()}"
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(kind_of(one) for one in schema["anyOf"] if one.get("type") != "null"))
    words = {"integer": "whole number", "string": "text", "boolean": "true or false", "array": "list", "object": "mapping"}
    kind = words.get(schema.get("type", ""), schema.get("type", "any value"))
    if schema.get("type") == "array" and schema.get("items"):
        kind = f"list of {kind_of(schema['items'])}"
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    bounds = [(">=", low), (">", above), ("<=", high), ("<", below)]
    return " ".join([kind, *(f"{sign} {value}" for sign, value in bounds if value is not None)])


def keys_of(model: type[BaseModel], *, without: Iterable[str] = ()) -> str:
    """A table of a model's keys."""
    schema = model.model_json_schema()
    required = schema.get("required", [])
    rows = []
    for name, found in schema.get("properties", {}).items():
        if name in without:
            continue
        default = "required" if name in required else _default(found.get("default"))
        rows.append((f"`{name}`", kind_of(found), default, found.get("description", "")))
    return table(("key", "value", "default", "meaning"), rows) if rows else "No arguments.\n"


def _default(value: Any) -> str:
    if value is None or isinstance(value, list | dict):
        return ""
    return f"`{json.dumps(value)}`"


# Run file


def _run(name: str) -> Callable[[], str]:
    def made() -> str:
        from mtf.contracts import run

        return keys_of(getattr(run, name))

    return made


def sources() -> str:
    """Every source; what all file-like ones share is told once, with `file`."""
    from mtf.plugins import load, names

    shared = set(load("source", "file").Args.model_fields) - {"path"}
    parts = []
    for name in sorted(names("source"), key=lambda each: (each != "file", each)):
        plugin = load("source", name)
        alike = name not in {"file", "sql", "builtin"}
        parts.append(f"### `{name}`\n\n{_first(type(plugin).__doc__)}\n")
        parts.append(keys_of(plugin.Args, without=shared if alike else ()))
        if alike:
            parts.append("And every key of `file` but `path`.\n")
    return "\n".join(parts)


def steps() -> str:
    """Every step with its kind."""
    from mtf.plugins import load, names

    parts = []
    for name in names("step"):
        plugin = load("step", name)
        parts += [f"### `{name}`\n\n{_first(type(plugin).__doc__)} Kind: `{plugin.kind}`.\n", keys_of(plugin.Args)]
    return "\n".join(parts)


def loaders() -> str:
    """Every loader in a table, and the arguments of those that have some."""
    from mtf.plugins import load, names

    found = [load("loader", name) for name in names("loader")]
    rows = [
        (
            f"`{each.name}`",
            ", ".join(f"`{suffix}`" for suffix in each.suffixes),
            "yes" if each.unsafe else "no",
            "inference-remote" if each.remote else "inference",
            _first(type(each).__doc__),
        )
        for each in found
    ]
    parts = [table(("loader", "usual ending", "runs code when opened", "container", "what it opens"), rows)]
    parts += [f"### Keys of `{each.name}`\n\n{keys_of(each.Args)}" for each in found if each.Args.model_fields]
    return "\n".join(parts)


def metrics() -> str:
    """Every metric, with a link to its page."""
    rows = [(f"[`{m.name}`]({_page(m)}.md#{m.name})", ", ".join(m.tasks), _better(m), _range(m.bounds), m.summary) for m in _all_metrics()]
    return table(("metric", "tasks", "better", "range", "definition"), rows)


def _metrics_of(page: str) -> Callable[[], str]:
    def made() -> str:
        """The metrics of one page, family by family."""
        parts, family = [], None
        for metric in sorted((each for each in _all_metrics() if _page(each) == page), key=lambda each: (_family(each), each.name)):
            if _family(metric) != family:
                family = _family(metric)
                parts.append(f"## {family}\n")
            parts.append(_metric(metric))
        return "\n".join(parts)

    return made


def _all_metrics() -> list[Any]:
    from mtf.plugins import load, names

    return [load("metric", name) for name in names("metric")]


def _page(metric: Any) -> str:
    """The page follows from what a metric reads: numbers, scores or labels."""
    if "regression" in metric.tasks:
        return "regression"
    return "scores" if metric.needs_scores else "labels"


def _family(metric: Any) -> str:
    """The first sentence of the module that a metric lives in."""
    text = _first(sys.modules[type(metric).__module__].__doc__).replace("`", "")
    return re.split(r"[.:] |[.:]$", text)[0]


def _better(metric: Any) -> str:
    return {True: "higher", False: "lower", None: "neither"}[metric.greater_is_better]


def _metric(metric: Any) -> str:
    """What a metric says of itself, as a section of a page."""
    from mtf_evaluation.catalogue import describe

    known = describe(metric.name)
    span, better = _range(metric.bounds), _better(metric)
    direction = {"higher": "higher is better", "lower": "lower is better", "neither": "neither direction is better"}[better]
    lines = [
        f"Tasks: {', '.join(metric.tasks)}. Range: {span if span != 'any' else 'any number'}; {direction}.",
        f"Undefined when {metric.undefined_when}.",
        f"Interval: reliable from {metric.valid_from}." if metric.has_interval else f"Interval: {metric.valid_from}.",
        "Two models: compared on the same rows." if known.paired else "Two models: no comparison with an interval.",
        f"Source: {metric.source}.",
    ]
    if "binary" in metric.tasks:
        lines.append(f"Of one class of several: `{metric.name}(class=...)`.")
    parts = [
        f"### `{metric.name}`\n",
        f"{metric.summary}\n",
        f"```text\n{metric.formula}\n```\n",
        "\n".join(f"- {line}" for line in lines) + "\n",
    ]
    if metric.Args.model_fields:
        parts.append(keys_of(metric.Args))
    return "\n".join(parts)


def _range(bounds: tuple[float, float]) -> str:
    low, high = ("" if abs(bound) == float("inf") else f"{bound:g}" for bound in bounds)
    return f"{low} to {high}" if low and high else f"from {low}" if low else f"up to {high}" if high else "any"


def default_metrics() -> str:
    """The metrics that are measured when the run file names none."""
    from mtf_evaluation.measure import DEFAULTS

    return table(("task", "metrics"), [(task, " ".join(f"`{name}`" for name in names)) for task, names in DEFAULTS.items()])


def checks() -> str:
    """Every check."""
    from mtf.plugins import load, names

    return table(("check", "what it finds"), [(f"`{name}`", _first(type(load("check", name)).__doc__)) for name in names("check")])


# Operating


def settings() -> str:
    """Every setting: those that all services share, then what each adds."""
    from mtf.plugins import load, resolve
    from mtf.settings import Settings, WorkerSettings

    common, worker = set(Settings.model_fields), set(WorkerSettings.model_fields)
    parts = ["### Every service\n", _settings(Settings, common), "\n### Every worker\n", _settings(WorkerSettings, worker - common)]
    for name in SERVICES:
        model = resolve(load("service", name).settings)
        own = set(model.model_fields) - common - (worker if issubclass(model, WorkerSettings) else set())
        parts += [f"\n### {name}\n", _settings(model, own) if own else "Nothing of its own.\n"]
    return "\n".join(parts)


def _settings(model: type[BaseModel], names: Iterable[str]) -> str:
    wanted = set(names)
    rows = []
    for name, field in model.model_fields.items():
        if name in wanted:
            default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
            rows.append(
                (
                    f"`MTF_{name.upper()}`",
                    "" if default in (None, "") else f"`{str(default).lower()}`" if isinstance(default, bool) else f"`{default}`",
                    field.description,
                )
            )
    return table(("setting", "default", "meaning"), rows)


def commands() -> str:
    """Every command with its arguments and options."""
    import typer

    from mtf.cli.main import app

    root = typer.main.get_command(app)
    return "\n".join(_command(root, "mtf"))


def _command(command: Any, path: str) -> Iterable[str]:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [
        each for each in command.params if each.param_type_name == "option" and each.name not in {"install_completion", "show_completion"}
    ]
    words = [each.metavar or each.name.upper() for each in arguments]
    words = [word if each.required else f"[{word}]" for word, each in zip(words, arguments, strict=True)]
    usage = " ".join([path, *words, *(["[OPTIONS]"] if options else [])])
    children = getattr(command, "commands", {})
    yield f"## `{path}`\n\n{_first(command.help)}\n"
    if not children:
        yield f"```\n{usage}\n```\n"
    rows = [(f"`{each.metavar or each.name.upper()}`", getattr(each, "help", None) or "") for each in arguments]
    rows += [(f"`{_option(each)}`", _explained(each)) for each in options]
    if rows:
        yield table(("argument or option", "meaning"), rows)
    for name in sorted(children):
        yield from _command(children[name], f"{path} {name}")


def _option(option: Any) -> str:
    value = "" if option.is_flag else f" {option.metavar or 'TEXT'}"
    return ", ".join(option.opts) + value


def _explained(option: Any) -> str:
    said = option.help or ""
    if option.envvar:
        said += f" Also `{option.envvar}`."
    if option.default not in (None, False) and not callable(option.default):
        said += f" Default: `{option.default}`."
    return said.strip()


def routes() -> str:
    """Every route of the gateway, by tag."""
    from mtf_gateway.app import create_app
    from mtf_gateway.settings import GatewaySettings

    document = create_app(GatewaySettings(insecure=True)).openapi()
    found: dict[str, list[tuple[str, str, str]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            answers = ", ".join(sorted(operation["responses"]))
            for tag in operation.get("tags", ["state"]):
                row = (f"`{method.upper()} {path}`", f"{operation['summary']}. {_first(operation.get('description'))}", answers)
                found.setdefault(tag, []).append(row)
    return "\n".join(f"### {tag}\n\n{table(('route', 'what it does', 'answers'), rows)}" for tag, rows in found.items())


def problems() -> str:
    """Every problem code, with the class that stands for it."""
    from mtf.contracts.problem import EXIT_CODES
    from mtf.errors import MtfError, ProblemError

    rows = []

    def walk(kind: type[MtfError], depth: int) -> None:
        if kind is not ProblemError:
            code = EXIT_CODES[kind.cause]
            again = "yes" if kind.retryable else "no"
            name = "&nbsp;&nbsp;" * depth + f"`{kind.__name__}`"
            if kind is not MtfError:
                rows.append((f"`{kind.code}`", name, _first(kind.__doc__), kind.status, f"`{kind.cause}`", code, again))
        for child in kind.__subclasses__():
            if child.__module__ == MtfError.__module__:
                walk(child, depth + 1 if kind is not MtfError else 0)

    walk(MtfError, 0)
    return table(("code", "class", "title", "status", "cause", "exit code", "try again"), rows)


MEASURED = frozenset({"coverage-study"})
"""Parts that a study writes, and no reading of the code can."""
PARTS: dict[str, Callable[[], str]] = {
    "run-keys": _run("RunSpec"),
    "dataset-keys": _run("DatasetSpec"),
    "model-keys": _run("ModelSpec"),
    "evaluation-keys": _run("EvaluationSpec"),
    "slice-keys": _run("SliceSpec"),
    "expect-keys": _run("ExpectSpec"),
    "sources": sources,
    "steps": steps,
    "loaders": loaders,
    "metrics": metrics,
    "metrics-labels": _metrics_of("labels"),
    "metrics-scores": _metrics_of("scores"),
    "metrics-regression": _metrics_of("regression"),
    "default-metrics": default_metrics,
    "checks": checks,
    "settings": settings,
    "commands": commands,
    "routes": routes,
    "problems": problems,
}


def filled(text: str) -> str:
    """A page with its generated parts made anew; what a long measurement wrote stays."""
    return BLOCK.sub(lambda match: match[0] if match["name"] in MEASURED else f"{match[1]}\n{PARTS[match['name']]()}\n{match[3]}", text)


def main(arguments: list[str]) -> int:
    """Write the pages, or name those that are not up to date."""
    stale = []
    for path in sorted(DOCS.rglob("*.md")):
        text = path.read_text()
        made = filled(text)
        if made == text:
            continue
        if "--check" in arguments:
            stale.append(str(path.relative_to(DOCS.parent)))
        else:
            path.write_text(made)
    if stale:
        sys.stderr.write(f"not up to date: {', '.join(stale)}; run docs/generate.py\n")
    return bool(stale)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Everything that a user can name is documented, generated parts are up to date, and links lead somewhere."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer
import yaml

from mtf.cli.main import app
from mtf.contracts.problem import EXIT_CODES
from mtf.errors import MtfError
from mtf.plugins import GROUPS, load, names, resolve
from tests.conftest import ROOT
from tests.docs.pages import anchors, blocks, everything, links, pages


def generator() -> ModuleType:
    """docs/generate.py as a module."""
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def commands(command: Any, path: str = "mtf") -> Iterator[tuple[str, Any]]:
    """Every command by its full name."""
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, f"{path} {name}")


def classes(kind: type[MtfError]) -> Iterator[type[MtfError]]:
    """A kind of error and every kind below it."""
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == MtfError.__module__:
            yield from classes(child)


def test_generated_parts_are_up_to_date() -> None:
    """What the pages say of settings, plug-ins, commands, routes and problems is what the code says."""
    assert generator().main(["--check"]) == 0, "run docs/generate.py"


def test_every_generator_is_used() -> None:
    """No part is generated for nobody."""
    text = everything()
    unused = [name for name in generator().PARTS if f"<!-- generated: {name} -->" not in text]
    assert not unused


@pytest.mark.parametrize("path", [name for name, _ in commands(typer.main.get_command(app))])
def test_every_command_is_documented(path: str) -> None:
    """The reference has a heading for each command."""
    assert f"## `{path}`" in (ROOT / "docs/reference/cli.md").read_text()


def test_every_command_explains_its_arguments_and_options() -> None:
    """`--help` says what each argument and option means, and each command what it does."""
    silent = []
    for path, command in commands(typer.main.get_command(app)):
        if not (command.help or "").strip():
            silent.append(path)
        silent += [f"{path} {each.name}" for each in command.params if not getattr(each, "help", None)]
    assert not silent


@pytest.mark.parametrize("kind", [kind for kind in GROUPS if kind != "service"])
def test_every_plugin_is_documented(kind: str) -> None:
    """Sources, steps, loaders, metrics and checks stand in the guide by name."""
    text = everything()
    lacking = [name for name in names(kind) if f"`{name}`" not in text]
    assert not lacking


@pytest.mark.parametrize("service", names("service"))
def test_every_setting_is_documented(service: str) -> None:
    """Every setting of every service stands in the page of settings, and says what it means."""
    text = (ROOT / "docs/operate/settings.md").read_text()
    for name, field in resolve(load("service", service).settings).model_fields.items():
        assert field.description, name
        assert f"`MTF_{name.upper()}`" in text


def test_every_setting_of_compose_is_documented() -> None:
    """What `.env.example` offers stands in the page of settings."""
    text = (ROOT / "docs/operate/settings.md").read_text()
    offered = [
        line[1:].partition("=")[0]
        for line in (ROOT / ".env.example").read_text().splitlines()
        if line[:1] == "#" and "=" in line and line[1:2].isupper()
    ]
    assert offered
    assert not [name for name in offered if name not in text]


def test_every_exit_code_is_documented() -> None:
    """README and troubleshooting list the codes that causes have, and those of verdicts."""
    for page in ("README.md", "docs/operate/troubleshooting.md"):
        text = (ROOT / page).read_text()
        assert not [code for code in {0, 1, 3, *EXIT_CODES.values()} if f"| {code} |" not in text]


def test_every_problem_code_is_documented() -> None:
    """Troubleshooting has a heading for each code, and none for a code that does not exist."""
    text = (ROOT / "docs/operate/troubleshooting.md").read_text()
    known = {kind.code for kind in classes(MtfError)} | {"request-invalid"}
    assert {line[5:-1] for line in text.splitlines() if line.startswith("### `")} == known


def test_every_compose_service_network_and_volume_is_documented() -> None:
    """The page about Compose names what compose.yaml holds."""
    stack = yaml.safe_load((ROOT / "compose.yaml").read_text())
    text = (ROOT / "docs/operate/compose.md").read_text() + (ROOT / "docs/operate/settings.md").read_text()
    shown = [*stack["services"], *stack["networks"], *stack["volumes"]]
    assert not [name for name in shown if f"`{name}`" not in text and name not in {"import", "credentials"}]


def test_no_route_is_missing() -> None:
    """Every operation of the OpenAPI document stands in the reference."""
    from mtf_gateway.app import create_app
    from mtf_gateway.settings import GatewaySettings

    text = (ROOT / "docs/reference/rest.md").read_text()
    document = create_app(GatewaySettings(insecure=True)).openapi()
    found = [f"`{method.upper()} {path}`" for path, methods in document["paths"].items() for method in methods]
    assert found
    assert not [route for route in found if route not in text]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every link to a file of the project finds the file, and every anchor its heading."""
    for target in links(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{target} leads nowhere"
        assert file.is_relative_to(ROOT), target
        if anchor:
            assert anchor in anchors(file), f"{target}: there is no such heading"


def test_the_index_lists_every_page() -> None:
    """No page can be found by accident only."""
    listed = {(ROOT / "docs" / target.partition("#")[0]).resolve() for target in links(ROOT / "docs/index.md")}
    found = {page for page in (ROOT / "docs").rglob("*.md") if page.parent.name != "adr" and page.name != "index.md"}
    assert not sorted(str(page.relative_to(ROOT)) for page in found - listed)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_yaml_and_json_blocks_are_well_formed(page: Path) -> None:
    """What a reader copies can be parsed."""
    import json

    for block in blocks(page):
        if block.kind == "yaml":
            yaml.safe_load(block.text)
        elif block.kind == "json":
            json.loads(block.text)

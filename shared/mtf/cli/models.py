"""`mtf models`: named series of versions with aliases."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtf.cli.session import session
from mtf.cli.show import console, table
from mtf.errors import UsageError

app = typer.Typer(no_args_is_help=True, help="Registered models: named series of versions with aliases.")


@app.command("list")
def list_models() -> None:
    """List the models and their newest versions."""
    with session(stages=()) as gateway:
        page = gateway.list_models()
    rows = [(f"{v.name}@{v.version}", v.format, ", ".join(v.aliases), v.created_at[:19].replace("T", " ")) for v in page.items]
    console().print(table(("model", "format", "aliases", "created"), rows) if rows else "no models yet: `mtf models add NAME --file PATH`")


@app.command()
def show(name: Annotated[str, typer.Argument(metavar="NAME", help="The model's name.", show_default=False)]) -> None:
    """Show every version of a model."""
    with session(stages=()) as gateway:
        page = gateway.model_versions(name)
    rows = [
        (f"{v.name}@{v.version}", v.format, ", ".join(v.aliases), v.artifact.sha256[:12] if v.artifact else "endpoint") for v in page.items
    ]
    console().print(table(("model", "format", "aliases", "digest"), rows))


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The model's name.", show_default=False)],
    *,
    file: Annotated[Path | None, typer.Option("--file", metavar="PATH", help="A model file; its header says which format it is.")] = None,
    url: Annotated[str | None, typer.Option("--endpoint", metavar="URL", help="A model that another server serves.")] = None,
    protocol: Annotated[str, typer.Option("--protocol", metavar="oip|json", help="What the endpoint speaks.")] = "oip",
    alias: Annotated[list[str] | None, typer.Option("--alias", metavar="ALIAS", help="Also point this alias at the new version.")] = None,
) -> None:
    """Register a version from a file or an endpoint. The file is stored by digest and never loaded here."""
    if (file is None) == (url is None):
        raise UsageError("give exactly one of --file and --endpoint")
    source = {"type": "file", "path": str(file)} if file is not None else {"type": "endpoint", "url": url, "protocol": protocol}
    with session(stages=("inference",)) as gateway:
        view = gateway.add_model(name, source, base=Path.cwd())
        for each in alias or []:
            gateway.set_alias(name, each, view.version)
    console().print(f"{view.name}@{view.version}  {view.format}")


@app.command()
def alias(
    name: Annotated[str, typer.Argument(metavar="NAME@N", help="The version: `forest@3`.", show_default=False)],
    alias_name: Annotated[str, typer.Argument(metavar="ALIAS", help="The alias: `champion`.", show_default=False)],
) -> None:
    """Point an alias at a version: `mtf models alias forest@3 champion`."""
    base, _, version = name.partition("@")
    if not version.isdigit():
        raise UsageError("name one version", field="NAME@N", found=name, fix=f"for example {base}@1")
    with session(stages=()) as gateway:
        gateway.set_alias(base, alias_name, int(version))
    console().print(f"{base}@{alias_name} is {base}@{version}")

"""`mtf datasets`: named series of immutable versions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mtf.cli.session import parse_json, session
from mtf.cli.show import console, table
from mtf.errors import UsageError

app = typer.Typer(no_args_is_help=True, help="Registered datasets: named series of immutable versions.")


@app.command("list")
def list_datasets() -> None:
    """List the datasets and their newest versions."""
    with session(stages=()) as gateway:
        page = gateway.list_datasets()
    rows = [(f"{v.name}@{v.version}", f"{v.rows:,}", v.digest[:12], v.created_at[:19].replace("T", " ")) for v in page.items]
    console().print(
        table(("dataset", "rows", "digest", "created"), rows, right=("rows",))
        if rows
        else "no datasets yet: `mtf datasets add NAME --file PATH`"
    )


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME[@N]", help="A dataset, or one version of it: `iris@1`.", show_default=False)],
) -> None:
    """Show one version: its columns and what they hold. The newest one when no number is given."""
    from rich.markup import escape

    base, _, version = name.partition("@")
    if version and not version.isdigit():
        raise UsageError("a version is a number", field="NAME@N", found=version, fix=f"for example {base}@1")
    with session(stages=()) as gateway:
        view = gateway.get_dataset(base, int(version) if version else None)
    out = console()
    out.print(f"[bold]{escape(view.name)}@{view.version}[/]  {view.rows:,} rows  digest {view.digest}")
    rows = [
        (escape(str(c["name"])), c["type"], f"{c['missing']:,}", "" if c.get("distinct") is None else f"{c['distinct']:,}", _span(c))
        for c in view.facts.get("columns", [])
    ]
    out.print(table(("column", "type", "missing", "distinct", "values"), rows, right=("missing", "distinct")))


def _span(column: dict[str, object]) -> str:
    from rich.markup import escape

    if column["type"] == "utf8":
        top = column.get("top") or []
        return escape(", ".join(str(value) for value, _ in list(top)[:4])) if isinstance(top, list) else ""
    return "" if column.get("minimum") is None else f"{column['minimum']} to {column['maximum']}"


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The dataset's name.", show_default=False)],
    *,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="PATH", help="A file: CSV, TSV, JSON lines or Parquet, compressed or not.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", metavar="JSON", help='Any source, for example \'{"type": "builtin", "name": "iris"}\'.')
    ] = None,
    target: Annotated[str | None, typer.Option("--target", metavar="COLUMN", help="The column that holds the truth.")] = None,
) -> None:
    """Make a version from a file or another source. Equal content gives the version that is there already."""
    if (file is None) == (source is None):
        raise UsageError("give exactly one of --file and --source")
    spec = {"type": "file", "path": str(file)} if file is not None else parse_json(source or "", "--source")
    if not isinstance(spec, dict):
        raise UsageError("--source is a JSON object", field="--source", found=source, fix='for example {"type": "builtin", "name": "iris"}')
    with session(stages=("acquisition",)) as gateway:
        view = gateway.add_dataset(name, spec, base=Path.cwd(), roles={"target": target} if target else {})
    console().print(f"{view.name}@{view.version}  {view.rows:,} rows  digest {view.digest}")


@app.command()
def delete(
    name: Annotated[str, typer.Argument(metavar="NAME@N", help="The version: `iris@1`.", show_default=False)],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete one version, unless runs need it."""
    base, _, version = name.partition("@")
    if not version.isdigit():
        raise UsageError("name one version", field="NAME@N", found=name, fix=f"for example {base}@1")
    if not yes:
        typer.confirm(f"delete {name}?", abort=True)
    with session(stages=()) as gateway:
        gateway.delete_dataset(base, int(version))
    console().print(f"{name}: deleted")


@app.command()
def looks(
    dataset: Annotated[str, typer.Argument(metavar="NAME[@N]", help="A dataset as `mtf runs list` shows it; every version without @N.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="The counts as JSON.")] = False,
) -> None:
    """Count the models that were scored on a dataset's test rows: the best of many flatters itself."""
    import json

    with session(stages=()) as gateway:
        found = gateway.looks(dataset)
    if as_json:
        sys.stdout.write(json.dumps([one.model_dump(mode="json") for one in found], indent=1) + "\n")
        return
    out = console()
    rows = [
        (
            one.rows_key[:12],
            "-" if one.rows is None else f"{one.rows:,}",
            f"{one.models:,}",
            f"{one.runs:,}",
            (one.since or "-")[:10],
            "-" if one.optimism is None else f"{one.optimism:.2g}",
            "never" if one.warn_from is None else f"{one.warn_from:,} models",
        )
        for one in found
    ]
    columns = ("test rows", "rows", "models", "runs", "since", "best flatters by at most", "warned from")
    out.print(table(columns, rows, right=("rows", "models", "runs")))
    for one in found:
        out.print(("[yellow]warning:[/] " if one.warning else "") + one.sentence)

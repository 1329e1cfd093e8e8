"""Commands of the people who keep the stack alive: serve, database, plug-ins, schema, doctor."""

from __future__ import annotations

import json
import os
import sys
from typing import Annotated

import typer

from mtf.cli.session import session
from mtf.cli.show import console, table
from mtf.errors import UsageError

database = typer.Typer(no_args_is_help=True, help="Keep the gateway's database.")


def register(app: typer.Typer) -> None:
    """Add the operating commands."""
    app.command("serve", rich_help_panel="Operate")(serve)
    app.add_typer(database, name="db", rich_help_panel="Operate")
    app.command("doctor", rich_help_panel="Operate")(doctor)
    app.command("plugins", rich_help_panel="Operate")(plugins)
    app.command("schema", rich_help_panel="Prepare")(schema)
    app.command("version", rich_help_panel="Operate")(version)


def serve(
    service: Annotated[
        str | None,
        typer.Argument(
            metavar="SERVICE|all", envvar="MTF_SERVICE", help="gateway, acquisition, processing, inference, evaluation, or all."
        ),
    ] = None,
) -> None:
    """Serve one service, or with `all` the whole stack on this machine (SQLite, files under `.mtf/`, loopback only)."""
    from mtf.plugins import load, names

    known = names("service")
    if service == "all":
        from mtf.cli.stack import serve_all

        raise typer.Exit(serve_all())
    if service not in known:
        raise UsageError("name a service", field="SERVICE", found=service or "nothing", fix=f"one of {', '.join(known)}, or all")
    from mtf.service import serve as serve_one

    serve_one(load("service", service))


@database.command()
def upgrade(
    *, url: Annotated[str | None, typer.Option("--url", metavar="URL", help="The database; MTF_DATABASE_URL by default.")] = None
) -> None:
    """Bring the database's schema to the newest revision. Nothing happens when it is there already."""
    from mtf.plugins import resolve

    settings = resolve("mtf_gateway.settings:GatewaySettings")()
    target = url or settings.database_dsn
    revision = resolve("mtf_gateway.db.engine:upgrade")(target)
    console().print(f"schema is at revision {revision}")


def plugins(*, as_json: Annotated[bool, typer.Option("--json", help="As JSON, with the schema of the arguments.")] = False) -> None:
    """List the plug-ins that the services found."""
    with session() as gateway:
        found = gateway.plugins()
    if as_json:
        sys.stdout.write(json.dumps([view.model_dump() for view in found], indent=1) + "\n")
        return
    console().print(table(("kind", "name", "version", "what it does"), [(v.kind, v.name, v.version, v.summary) for v in found]))


def schema(
    what: Annotated[str, typer.Argument(metavar="run|report", help="Which document.")] = "run",
) -> None:
    """Print the JSON Schema of a run file (plug-in arguments included) or of a report, for editors and checks."""
    from mtf.schema import report_schema, run_schema

    if what not in {"run", "report"}:
        raise UsageError("schemas are `run` and `report`", field="what", found=what)
    sys.stdout.write(json.dumps(run_schema() if what == "run" else report_schema(), indent=1) + "\n")


def doctor() -> None:
    """Look at this machine: versions, sandbox, storage, gateway. Exit code 4 when something would not work."""
    from mtf.cli.doctor import examine

    findings = examine()
    out = console()
    marks = {"ok": "[green]ok[/]", "note": "[yellow]note[/]", "bad": "[red]bad[/]"}
    out.print(table(("", "what", "finding"), [(marks[f.state], f.what, f.text) for f in findings]))
    if any(f.state == "bad" for f in findings):
        raise typer.Exit(4)


def version() -> None:
    """Print the version."""
    from importlib.metadata import version as installed

    sys.stdout.write(f"{installed('model-testing-framework')} (Python {sys.version.split()[0]}, {os.uname().sysname})\n")

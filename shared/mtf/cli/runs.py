"""`mtf runs`: what was run, how it went, and what to do with it."""

from __future__ import annotations

import sys
from typing import Annotated, get_args

import typer

from mtf.cli.compare import compare
from mtf.cli.progress import follow
from mtf.cli.run import finish
from mtf.cli.session import session
from mtf.cli.show import console, table
from mtf.errors import UsageError

app = typer.Typer(no_args_is_help=True, help="List, show, follow up, compare and delete runs.")

RUN = Annotated[str, typer.Argument(metavar="RUN", help="A run's id.", show_default=False)]


@app.command("list")
def list_runs(
    *,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Only runs of this name.")] = None,
    status: Annotated[
        str | None,
        typer.Option(
            "--status", metavar="STATE", help="Only runs in this state: queued, running, interrupted, succeeded, failed or cancelled."
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=200, help="At most this many, up to 200.")] = 20,
    cursor: Annotated[str | None, typer.Option("--cursor", metavar="CURSOR", help="Go on where the last list ended.")] = None,
) -> None:
    """List runs, newest first."""
    from rich.markup import escape

    from mtf.contracts.registry import RunStatus

    known = get_args(RunStatus)
    if status is not None and status not in known:
        raise UsageError("there is no such state of a run", field="--status", found=status, fix=f"one of {', '.join(known)}")
    with session(stages=()) as gateway:
        page = gateway.list_runs(cursor=cursor, limit=limit, name=name, status=status)
    out = console()
    if not page.items:
        filtered = "no run is like that: `mtf runs list` shows all of them"
        out.print(filtered if name or status or cursor else "no runs yet: `mtf init` writes a first run file, `mtf run FILE` runs it")
        return
    out.print(
        table(
            ("run", "name", "status", "verdict", "dataset", "model", "created"),
            [
                (r.id, escape(r.name), r.status, r.verdict or "-", escape(r.dataset), escape(r.model), r.created_at[:19].replace("T", " "))
                for r in page.items
            ],
        )
    )
    if page.cursor:
        out.print(f"more: mtf runs list --cursor {page.cursor}")


@app.command()
def show(run_id: RUN, *, as_json: Annotated[bool, typer.Option("--json", help="The whole run as JSON.")] = False) -> None:
    """Show one run: its stages, its verdict or its problem."""
    from rich.markup import escape

    with session(stages=()) as gateway:
        view = gateway.get(run_id)
    if as_json:
        sys.stdout.write(view.model_dump_json(indent=1) + "\n")
        return
    out = console()
    out.print(f"[bold]{escape(view.name)}[/]  {view.id}  {view.status}  verdict {view.verdict or '-'}")
    out.print(f"{escape(view.model)} on {escape(view.dataset)}, created {view.created_at} by {escape(view.created_by)}")
    rows = [(s.stage, s.status, "yes" if s.cached else "", "" if s.seconds is None else f"{s.seconds:.2f} s") for s in view.stages]
    out.print(table(("stage", "status", "cached", "took"), rows, right=("took",)))
    if view.problem:
        from mtf.cli.show import complain
        from mtf.errors import ProblemError

        complain(ProblemError(view.problem))


@app.command()
def cancel(run_id: RUN) -> None:
    """Stop a run."""
    with session(stages=()) as gateway:
        view = gateway.cancel(run_id)
    console().print(f"{view.id}: {'cancelled' if view.status == 'cancelled' else 'cancelling'}")


@app.command()
def resume(run_id: RUN, *, quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False) -> None:
    """Take up a run that was interrupted, where it stood."""
    with session() as gateway:
        gateway.resume(run_id)
        view = follow(gateway, run_id, quiet=quiet)
        code = finish(gateway, view, html=None, junit=None, as_json=False)
    raise typer.Exit(code)


@app.command()
def rerun(run_id: RUN, *, quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False) -> None:
    """Run the same run file again, as a new run."""
    with session() as gateway:
        view = gateway.rerun(run_id)
        view = follow(gateway, view.id, quiet=quiet)
        code = finish(gateway, view, html=None, junit=None, as_json=False)
    raise typer.Exit(code)


@app.command()
def delete(run_id: RUN, *, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False) -> None:
    """Delete a run and what only it needs."""
    if not yes:
        typer.confirm(f"delete run {run_id}?", abort=True)
    with session(stages=()) as gateway:
        gateway.delete(run_id)
    console().print(f"{run_id}: deleted")


app.command()(compare)


@app.command()
def revisions(
    run_id: RUN,
    *,
    cursor: Annotated[str | None, typer.Option("--cursor", metavar="CURSOR", help="Go on where the last list ended.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The evaluations as JSON.")] = False,
) -> None:
    """List the evaluations of a run, newest first: the one that came with it and those of `mtf reevaluate`."""
    with session(stages=()) as gateway:
        page = gateway.revisions(run_id, cursor=cursor)
    if as_json:
        sys.stdout.write(page.model_dump_json(indent=1) + "\n")
        return
    out = console()
    rows = [
        (
            f"{r.revision} newest" if r.newest else r.revision,
            r.created_at[:19].replace("T", " "),
            r.verdict or "-",
            len(r.metrics),
            r.reevaluation or "with the run",
        )
        for r in page.items
    ]
    out.print(table(("evaluation", "made", "verdict", "metrics", "by"), rows, right=("metrics",)))
    out.print(f"read one: mtf report {run_id} --revision N")
    if page.cursor:
        out.print(f"more: mtf runs revisions {run_id} --cursor {page.cursor}")


@app.command()
def logs(run_id: RUN) -> None:
    """Print what the stages of a run said."""
    with session(stages=()) as gateway:
        sys.stdout.write(gateway.logs(run_id).decode())

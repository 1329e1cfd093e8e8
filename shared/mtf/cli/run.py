"""`mtf run`, and the commands that read one run's result."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtf.cli.job_summary import place_of, told_in
from mtf.cli.job_summary import write as write_summary
from mtf.cli.progress import follow
from mtf.cli.session import session
from mtf.cli.show import comparisons_table, console, gates_table, metrics_table
from mtf.errors import UsageError

if TYPE_CHECKING:
    from mtf.contracts.registry import RunView

FILE = Annotated[Path, typer.Argument(help="The run file, YAML or JSON.", metavar="FILE", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add `run`, `validate` and `init`."""
    app.command("run", rich_help_panel="Test")(run)
    app.command("validate", rich_help_panel="Test")(validate)
    app.command("init", rich_help_panel="Test")(init)


def register_results(app: typer.Typer) -> None:
    """Add `report`."""
    app.command("report", rich_help_panel="Results")(report)


def run(
    file: FILE,
    *,
    html: Annotated[Path | None, typer.Option("--report", metavar="FILE", help="Also write the HTML report here.")] = None,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Also write JUnit XML here, a test case for each gate.")
    ] = None,
    summary: Annotated[
        str | None,
        typer.Option(
            "--summary",
            metavar="FILE|github",
            help="Also write a job summary in Markdown here; `github` adds it to the page of the GitHub Actions job.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON on standard output, and nothing else.")] = False,
    inconclusive: Annotated[
        str, typer.Option("--inconclusive", metavar="pass|fail|3", help="What an inconclusive gate means for the exit code; 3 by default.")
    ] = "3",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Test a model on a dataset as the run file says; print metrics with intervals, gates and the report's path."""
    if inconclusive not in {"pass", "fail", "3"}:
        raise UsageError("--inconclusive takes `pass` or `fail`", field="--inconclusive", found=inconclusive)
    from mtf.spec import read

    told = place_of(summary)
    with told_in(told, file.name):
        spec = read(file)
        with session() as gateway:
            view = gateway.submit(spec, base=file.absolute().parent)
            view = follow(gateway, view.id, quiet=quiet or as_json)
            code = finish(gateway, view, html=html, junit=junit, as_json=as_json, summary=told)
    raise typer.Exit({"pass": 0, "fail": 1, "3": 3}[inconclusive] if code == 3 else code)  # noqa: PLR2004 - the exit code of DESIGN


def finish(gateway: Any, view: RunView, *, html: Path | None, junit: Path | None, as_json: bool, summary: Path | None = None) -> int:
    """Show a run that ended and return its exit code. Raises the run's problem."""
    from mtf.errors import CancelledError, PlatformError, ProblemError

    if view.status == "cancelled":
        raise CancelledError(f"run {view.id} was cancelled")
    if view.status != "succeeded":
        raise ProblemError(view.problem) if view.problem else PlatformError(f"run {view.id} ended as {view.status} without a reason")
    document = gateway.report(view.id, "json")
    if html:
        _write(html, gateway.report(view.id, "html"))
    if junit:
        _write(junit, gateway.report(view.id, "junit"))
    place = str(html) if html else gateway.report_place(view.id)
    if summary:
        from mtf.summary import to_markdown

        write_summary(summary, to_markdown(json.loads(document), place=place))
    if as_json:
        sys.stdout.write(document.decode().rstrip("\n") + "\n")
    else:
        show_report(json.loads(document), place=place)
    return {"fail": 1, "inconclusive": 3}.get(view.verdict or "pass", 0)


def show_report(document: dict[str, Any], *, place: str) -> None:
    """Metrics, slices in brief, gates and where the report lies."""
    from rich.markup import escape

    out = console()
    head = document["run"]
    out.print(
        f"\n[bold]{escape(head['name'])}[/]  {escape(head['model'])} on {escape(head['dataset'])}, {document['rows']['scored']:,} rows scored, {document['task']}"
    )
    out.print(metrics_table(document))
    if document.get("slices"):
        out.print(f"[dim]{len(document['slices'])} slices: see the report[/]")
    if document.get("comparisons"):
        out.print(comparisons_table(document["comparisons"]))
    if document["gates"]:
        out.print(gates_table(document["gates"]))
    for warning in document.get("warnings", [])[:5]:
        out.print(f"[yellow]note:[/] {escape(warning)}")
    if (head.get("looks") or {}).get("warning"):
        out.print(f"[yellow]looks:[/] {escape(head['looks']['sentence'])}")
    if (head.get("revision") or 1) > 1:
        out.print(f"evaluation {head['revision']} of this run: `mtf runs revisions {head['id']}` lists all")
    if document.get("verdict"):
        out.print(f"verdict: {document['verdict']}   run: {head['id']}")
    else:
        out.print(f"no gates   run: {head['id']}")
    out.print(f"report: {escape(place)}", soft_wrap=True)


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}", field=str(path)) from None


def validate(file: FILE) -> None:
    """Check a run file without touching the data: keys, plug-in arguments, gates, names."""
    from mtf.spec import read

    with session() as gateway:
        gateway.validate(read(file), base=file.absolute().parent)
    console().print(f"{file}: valid")


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write `run.yaml` and its two data files.", metavar="FOLDER")] = Path(),
) -> None:
    """Write a first run file that works as it stands, with its data, for you to change into yours."""
    from mtf.cli.starter import write_starter

    out = console()
    for path in write_starter(folder):
        out.print(f"wrote {path}")
    out.print(f"next: mtf run {folder / 'run.yaml'}")


def report(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or a report.json that was saved.", show_default=False)],
    *,
    kind: Annotated[
        str,
        typer.Option(
            "--format", metavar="text|json|html|md|csv|junit|summary", help="What to print; summary is a short Markdown for a build's page."
        ),
    ] = "text",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write here instead of standard output.")] = None,
    revision: Annotated[
        int | None,
        typer.Option("--revision", metavar="N", min=1, help="Which evaluation of the run; the newest by default, 1 is the first."),
    ] = None,
) -> None:
    """Show a run's report again."""
    if kind not in {"text", "json", "html", "md", "csv", "junit", "summary"}:
        raise UsageError("--format takes text, json, html, md, csv, junit or summary", field="--format", found=kind)
    if run_id.endswith(".json"):
        data, place = _saved(Path(run_id), kind), run_id
    else:
        with session(stages=()) as gateway:
            data = gateway.report(run_id, "json" if kind in {"text", "summary"} else kind, revision)
            place = gateway.report_place(run_id, revision)
    if kind == "summary":
        from mtf.summary import to_markdown

        data = to_markdown(json.loads(data), place=place).encode()
    if kind == "text" and out is not None:
        with redirect_stdout(StringIO()) as page:
            show_report(json.loads(data), place=place)
        data = page.getvalue().encode()
    if out is not None:
        _write(out, data)
    elif kind == "text":
        show_report(json.loads(data), place=place)
    else:
        sys.stdout.write(data.decode())


def _saved(path: Path, kind: str) -> bytes:
    """A report from a file, in JSON or drawn again."""
    from mtf import saved

    found = saved.read(path)
    return saved.drawn(found, kind) if kind in saved.FORMS else found.model_dump_json(indent=1).encode()

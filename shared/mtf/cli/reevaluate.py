"""`mtf reevaluate`: another metric, or a corrected one, for runs that are over."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtf.cli.session import session
from mtf.cli.show import console, number, table
from mtf.errors import CancelledError, ConflictError, ProblemError

if TYPE_CHECKING:
    from mtf.contracts.reevaluation import ReevaluationItem, ReevaluationView

POLL = 0.1
"""Seconds between two looks at how far it is."""
CANCEL_SECONDS = 5.0


def register(app: typer.Typer) -> None:
    """Add `reevaluate`."""
    app.command("reevaluate", rich_help_panel="Results")(reevaluate)


def reevaluate(
    *,
    runs: Annotated[list[str] | None, typer.Option("--run", metavar="RUN", help="Only this run; may be given several times.")] = None,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Only runs of this name.")] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME[@N]", help="Only runs of this model; every version without @N.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", metavar="NAME[@N]", help="Only runs on this dataset; every version without @N.")
    ] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", metavar="KEY[=VALUE]", help="Only runs with this tag; all given must hold.")
    ] = None,
    outdated: Annotated[
        bool, typer.Option("--outdated", help="Only runs with a metric whose version changed since it was measured.")
    ] = False,
    metrics: Annotated[
        list[str] | None, typer.Option("--metric", metavar="METRIC", help="Add this metric; may be given several times.")
    ] = None,
    gates: Annotated[list[str] | None, typer.Option("--gate", metavar="GATE", help="Add this gate; may be given several times.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="The metrics and gates given take the place of the runs' own.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compute and tell what would change; store nothing.")] = False,
    resume: Annotated[str | None, typer.Option("--resume", metavar="ID", help="Go on with one that stopped or was interrupted.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="What changed as JSON on standard output, and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Measure finished runs again, and say which verdicts change.

    From their stored predictions: no model and no data is needed. Without a selection every run that succeeded; without --metric and --gate
    each run's own, with the plug-ins installed now. The new report stands beside the old one. Exit code: 1 when a run fails now that did not,
    3 when one is inconclusive now that passed, 4 when a run could not be computed.
    """
    spec: dict[str, Any] = {
        "runs": runs, "name": name, "model": model, "dataset": dataset, "tags": tags, "outdated": outdated,
        "metrics": metrics, "gates": gates, "replace": replace, "dry_run": dry_run,
    }  # fmt: skip
    with session(stages=("evaluation",)) as gateway:
        asked = {key: value for key, value in spec.items() if value}
        view = gateway.resume_reevaluation(resume) if resume else gateway.reevaluate(asked)
        view = _follow(gateway, view, quiet=quiet or as_json)
        items = list(_items(gateway, view.id))
    if as_json:
        import json

        document = {"reevaluation": view.model_dump(mode="json"), "runs": [item.model_dump(mode="json") for item in items]}
        sys.stdout.write(json.dumps(document, indent=1) + "\n")
    else:
        _show(view, items)
    if view.status != "succeeded":
        raise ProblemError(view.problem) if view.problem else CancelledError(f"re-evaluation {view.id} was cancelled", fix=_again(view))
    raise typer.Exit(_code(items))


def _follow(gateway: Any, view: ReevaluationView, *, quiet: bool) -> ReevaluationView:
    """Look until it is over. Ctrl-C cancels it before it leaves; what is measured stays."""
    if not quiet:
        sys.stderr.write(f"re-evaluation {view.id}: {_runs(view.total)}\n")
    status = console(stderr=True).status("") if not quiet and sys.stderr.isatty() else None
    try:
        if status:
            status.start()
        while view.status in {"queued", "running"}:
            time.sleep(POLL)
            view = gateway.reevaluation(view.id)
            if status:
                status.update(f"{view.total - view.counts['waiting']:,} of {view.total:,} runs")
    except KeyboardInterrupt:
        raise _cancelled(gateway, view) from None
    finally:
        if status:
            status.stop()
    return view


def _cancelled(gateway: Any, view: ReevaluationView) -> CancelledError:
    try:
        view = gateway.cancel_reevaluation(view.id)
    except ConflictError:
        return CancelledError(f"re-evaluation {view.id} had ended already")
    deadline = time.monotonic() + CANCEL_SECONDS
    while view.status == "running" and time.monotonic() < deadline:
        time.sleep(POLL)
        view = gateway.reevaluation(view.id)
    return CancelledError(f"re-evaluation {view.id} was cancelled", fix=_again(view))


def _again(view: ReevaluationView) -> str:
    return f"`mtf reevaluate --resume {view.id}` goes on; what was measured is kept"


def _items(gateway: Any, key: str) -> Iterator[ReevaluationItem]:
    cursor: str | None = None
    while True:
        page = gateway.reevaluation_runs(key, cursor=cursor, limit=200)
        yield from page.items
        cursor = page.cursor
        if cursor is None:
            return


def _show(view: ReevaluationView, items: list[ReevaluationItem]) -> None:
    """Verdicts that change, values that change by metric, runs that could not be measured."""
    from rich.markup import escape

    out = console()
    dry = bool(view.spec.get("dry_run"))
    if not items:
        out.print(
            "every run was measured with the present versions of its metrics"
            if view.spec.get("outdated")
            else "no succeeded run is like that: `mtf runs list --status succeeded` shows what there is"
        )
        return
    if verdicts := list(_verdicts(items)):
        out.print(table(("run", "name", "gate", "verdict", "value"), verdicts, title="Verdicts that change"))
    if values := _values(items):
        out.print(table(("metric", "version", "runs", "new", "largest change"), values, title="Metrics", right=("runs", "new")))
    if untold := [
        (item.run, escape(item.name), item.status, escape(item.reason or "")) for item in items if item.status in {"skipped", "failed"}
    ]:
        out.print(table(("run", "name", "", "why"), untold, title="Not measured"))
    done = [item for item in items if item.status == "done"]
    same = sum(item.unchanged for item in done)
    said = f"{_runs(len(done))} measured" + (f", {same} of them exactly as before" if same else "")
    out.print(f"{said}; {_runs(view.verdicts_changed)} with another verdict, {view.gates_changed} gate verdicts changed.")
    if dry:
        out.print("dry run: nothing was stored")


def _verdicts(items: list[ReevaluationItem]) -> Iterator[tuple[str, ...]]:
    from rich.markup import escape

    for item in items:
        if item.status == "done" and item.verdict_before != item.verdict_after:
            yield item.run, escape(item.name), "[bold]the run[/]", _turn(item.verdict_before, item.verdict_after), ""
        for gate in item.gates:
            value = f"{number(gate.value_before)} → {number(gate.value_after)}"
            yield item.run, escape(item.name), escape(gate.gate), _turn(gate.before, gate.after), value


def _values(items: list[ReevaluationItem]) -> list[tuple[str, ...]]:
    """A line for each metric: from which version to which, in how many runs it is new or another, and the largest step."""
    from rich.markup import escape

    found: dict[tuple[str, str], list[Any]] = {}
    for item in items:
        for change in item.metrics:
            new = change.version_before in {None, change.version_after}
            version = (change.version_after or "?") if new else f"{change.version_before} → {change.version_after}"
            found.setdefault((change.metric, version), []).append(change)
    rows: list[tuple[str, ...]] = []
    for (metric, version), changes in found.items():
        both = [one for one in changes if one.before is not None and one.after is not None]
        widest = max(both, key=lambda one: abs(one.after - one.before), default=None)
        step = "" if widest is None else f"{number(widest.before)} → {number(widest.after)}"
        rows.append((escape(metric), version, f"{len(changes):,}", f"{sum(one.new for one in changes):,}", step))
    return rows


def _turn(before: str | None, after: str | None) -> str:
    colours = {"pass": "green", "fail": "red", "inconclusive": "yellow", None: "dim"}
    return f"[{colours[before]}]{before or 'none'}[/] → [{colours[after]}]{after or 'none'}[/]"


def _code(items: list[ReevaluationItem]) -> int:
    """1: a run fails now that did not; 3: one is inconclusive now that passed; 4: one could not be computed; else 0."""
    turned = {(item.verdict_before, item.verdict_after) for item in items if item.status == "done"}
    if any(after == "fail" and before != "fail" for before, after in turned):
        return 1
    if any(after == "inconclusive" and before in {"pass", None} for before, after in turned):
        return 3
    return 4 if any(item.status == "failed" for item in items) else 0


def _runs(number: int) -> str:
    return "1 run" if number == 1 else f"{number:,} runs"

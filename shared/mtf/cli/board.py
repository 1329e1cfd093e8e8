"""`mtf leaderboard` and `mtf history`: many runs beside each other."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from mtf.cli.session import session
from mtf.cli.show import console, number, table

if TYPE_CHECKING:
    from mtf.contracts.board import BoardRow, HistoryPoint
    from mtf.contracts.report import MetricValue

METRIC = Annotated[
    str, typer.Option("--metric", metavar="METRIC", help="As a run file writes it: roc_auc, f_beta(beta=2).", show_default=False)
]
JSON = Annotated[bool, typer.Option("--json", help="The whole answer as JSON.")]


def register(app: typer.Typer) -> None:
    """Add `leaderboard` and `history`."""
    app.command("leaderboard", rich_help_panel="Results")(leaderboard)
    app.command("history", rich_help_panel="Results")(history)


def leaderboard(
    *,
    dataset: Annotated[
        str,
        typer.Option(
            "--dataset", metavar="NAME@N", help="The dataset whose models are ranked, as `mtf runs list` shows it.", show_default=False
        ),
    ],
    metric: METRIC,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=200, help="At most this many, up to 200.")] = 20,
    rows: Annotated[
        str | None, typer.Option("--rows", metavar="KEY", help="Other test rows of the dataset; by default those of the newest run.")
    ] = None,
    as_json: JSON = False,
) -> None:
    """Rank the models of a dataset by a metric.

    Models that the test rows cannot tell apart share a rank.
    """
    from rich.markup import escape

    with session(stages=("evaluation",)) as gateway:
        board = gateway.leaderboard(dataset=dataset, metric=metric, limit=limit, rows_key=rows)
    if as_json:
        sys.stdout.write(board.model_dump_json(indent=1) + "\n")
        return
    out = console()
    if not board.items:
        out.print("no finished run of this dataset with this metric here; `mtf runs list` shows what there is")
        return
    columns = ("rank", "group", "run", "model", board.metric, "interval", "rows")
    lines = [
        (_rank(r), r.letters, escape(r.name), escape(r.model), number(r.metric.value), interval(r.metric), f"{r.metric.n:,}")
        for r in board.items
    ]
    out.print(table(columns, lines, right=("rank", board.metric, "interval", "rows")))
    if board.tested and board.level:
        out.print(
            f"Rank intervals hold together at {board.level:.0%}: every two models compared on {board.rows:,} rows, Holm over all pairs."
        )
    for note in board.notes:
        out.print(f"[yellow]note:[/] {escape(note)}")
    if board.unmeasured:
        out.print(
            f"{len(board.unmeasured)} more without this metric: mtf reevaluate --dataset {escape(dataset)} --metric '{escape(board.metric)}'"
        )
    for other in board.others:
        out.print(f"{other.models} on other test rows of this dataset: --rows {other.rows_key}")
    if board.looks:
        out.print(("[yellow]looks:[/] " if board.looks.warning else "looks: ") + escape(board.looks.sentence))


def history(
    *,
    metric: METRIC,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME[@N]", help="A model over datasets; every version without @N.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", metavar="NAME[@N]", help="Models on a dataset; every version without @N.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Runs of this name.")] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=200, help="At most this many runs, the newest ones.")] = 20,
    cursor: Annotated[str | None, typer.Option("--cursor", metavar="CURSOR", help="Go on to older runs where the last list ended.")] = None,
    as_json: JSON = False,
) -> None:
    """Follow a model through its runs.

    Each with its interval, and whether its change from the one before is more than noise.
    """
    from rich.markup import escape

    with session(stages=("evaluation",)) as gateway:
        found = gateway.history(metric=metric, model=model, dataset=dataset, name=name, limit=limit, cursor=cursor)
    if as_json:
        sys.stdout.write(found.model_dump_json(indent=1) + "\n")
        return
    out = console()
    if not found.items:
        out.print("no finished run is like that and has this metric; `mtf runs list` shows what there is")
        return
    columns = ("made", "run", "model", "dataset", found.metric, "interval", "change", "")
    lines = [
        (
            p.created_at[:16].replace("T", " "),
            escape(p.name),
            escape(p.model),
            escape(p.dataset),
            number(p.metric.value),
            interval(p.metric),
            _change(p),
            _told(p),
        )
        for p in found.items
    ]
    out.print(table(columns, lines, right=(found.metric, "interval", "change")))
    for note in found.notes:
        out.print(f"[dim]{escape(note)}[/]")
    if found.cursor:
        out.print(f"older: --cursor {found.cursor}")


def interval(value: MetricValue) -> str:
    """`0.81 to 0.87`, or nothing."""
    return "" if value.lower is None else f"{number(value.lower)} to {number(value.upper)}"


def _rank(row: BoardRow) -> str:
    """`1`, or `1-3` where the rows allow several."""
    return str(row.rank) if row.worst_rank in {None, row.rank} else f"{row.rank}-{row.worst_rank}"


def _change(point: HistoryPoint) -> str:
    if point.change is None or point.change.difference is None:
        return ""
    sign = "+" if point.change.difference > 0 else ""
    limits = "" if point.change.lower is None else f" ({number(point.change.lower)} to {number(point.change.upper)})"
    return f"{sign}{number(point.change.difference)}{limits}"


def _told(point: HistoryPoint) -> str:
    """The change in words."""
    if point.change is None:
        return ""
    how = "" if point.paired else ", other rows"
    if point.beyond_noise is None:
        return f"[dim]cannot be told: {point.change.undefined or point.change.reason or 'no test'}[/]"
    if not point.beyond_noise:
        return f"[dim]within noise{how}[/]"
    word = {True: "[green]better[/]", False: "[red]worse[/]", None: "[yellow]changed[/]"}[point.better]
    return f"{word}{how}"

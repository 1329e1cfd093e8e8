"""The root of the command: its groups, its error handling and its exit codes."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer
import typer.core

from mtf.cli import board, datasets, models, operate, recipe, reevaluate, run, runs
from mtf.cli.show import complain
from mtf.contracts.causes import EXIT_CODES
from mtf.errors import MtfError, PlatformError

INTERRUPTED = EXIT_CODES["cancelled"]


class Root(typer.core.TyperGroup):
    """The root command. What says which gateway is meant may stand anywhere: `mtf run FILE --gateway URL` as well as before `run`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Move the root's own options to the front, up to `--`."""
        moved: list[str] = []
        rest: list[str] = []
        words = iter(args)
        for word in words:
            if word == "--":
                rest += [word, *words]
            elif word in {"--gateway", "--token"}:
                moved += [word, *[value for value in [next(words, None)] if value is not None]]
            elif word.startswith(("--gateway=", "--token=")):
                moved.append(word)
            else:
                rest.append(word)
        return super().parse_args(ctx, [*moved, *rest])


app = typer.Typer(
    name="mtf",
    cls=Root,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Test a machine-learning model: every number with its uncertainty, every comparison paired, every gate passes, fails or says that the data are too few.",
    epilog="Exit codes: 0 all gates pass, 1 a gate failed, 2 run file, data or usage is wrong, 3 a gate is inconclusive, "
    "4 the model, an endpoint, a limit or the platform failed, 130 interrupted.",
)
run.register(app)
app.add_typer(runs.app, name="runs", rich_help_panel="Results")
run.register_results(app)
board.register(app)
reevaluate.register(app)
app.add_typer(datasets.app, name="datasets", rich_help_panel="Registries")
app.add_typer(models.app, name="models", rich_help_panel="Registries")
app.add_typer(recipe.app, name="recipe", rich_help_panel="Prepare")
operate.register(app)


@app.callback()
def root(
    *,
    gateway: Annotated[
        str | None,
        typer.Option(
            "--gateway",
            envvar="MTF_GATEWAY",
            metavar="URL",
            help="Talk to this gateway instead of running embedded; may stand behind any command.",
        ),
    ] = None,
    token: Annotated[
        str | None, typer.Option("--token", envvar="MTF_GATEWAY_TOKEN", metavar="TOKEN", help="The gateway's API token.", show_envvar=True)
    ] = None,
) -> None:
    """Remember which gateway the command talks to."""
    if gateway is not None:
        os.environ["MTF_GATEWAY"] = gateway
    if token is not None:
        os.environ["MTF_GATEWAY_TOKEN"] = token


def main() -> None:
    """Run the command and leave with the exit code that its cause has, never with Python's own 1."""
    try:
        code = app(standalone_mode=False)
        if code == INTERRUPTED:
            sys.stderr.write("interrupted\n")  # the library that reads the command line turned Ctrl-C into a code without a word
    except MtfError as error:
        complain(error)
        code = error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        code = INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away; there is nobody left to tell
        code = 0
    except typer.Abort:
        sys.stderr.write("aborted\n")
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last line of defence: a bug must not look like a failed gate (exit 1)
        code = _usage(error) or _bug(error)
    sys.exit(int(code or 0))


def _usage(error: Exception) -> int:
    """Errors of the command line itself, as click formats them."""
    show = getattr(error, "show", None)
    if show is None:
        return 0
    show()
    return 2


def _bug(error: Exception) -> int:
    """An error that nobody foresaw: say so in a line, and give the trace when it is asked for."""
    if os.environ.get("MTF_LOG_LEVEL", "").upper() == "DEBUG":
        import traceback

        traceback.print_exception(error)
    complain(
        PlatformError(f"unexpected {type(error).__name__}: {error}", fix="run again with MTF_LOG_LEVEL=DEBUG for the trace, and report it")
    )
    return 4

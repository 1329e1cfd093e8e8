"""`mtf recipe`: fit and apply recipes without a model, so that one can train on exactly what will be tested."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtf.cli.session import find_home
from mtf.cli.show import console

app = typer.Typer(no_args_is_help=True, help="Fit and apply recipes without a model.")


@app.command()
def fit(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A run file; its model and evaluation are not looked at.", show_default=False)
    ],
    *,
    train: Annotated[Path | None, typer.Option("--train", metavar="PATH", help="Write the training rows here, as Parquet.")] = None,
    test: Annotated[Path | None, typer.Option("--test", metavar="PATH", help="Write the test rows here, as Parquet.")] = None,
    recipe: Annotated[Path | None, typer.Option("--recipe", metavar="PATH", help="Write the fitted recipe here, as JSON.")] = None,
) -> None:
    """Fit the recipe of a run file and write the rows it makes: features under their final names, and the target."""
    from mtf.embedded import Embedded
    from mtf.spec import read

    with Embedded(find_home(), stages=("acquisition", "processing")) as embedded:
        written = embedded.fit_recipe(read(file), base=file.absolute().parent, train=train, test=test, recipe=recipe)
    _tell(written)


@app.command()
def apply(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="A fitted recipe, from `mtf recipe fit --recipe`.", show_default=False)],
    *,
    data: Annotated[
        Path, typer.Option("--data", metavar="PATH", help="Rows in any format that a `file` source reads.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", metavar="PATH", help="Write the features here, as Parquet.", show_default=False)],
) -> None:
    """Apply a fitted recipe to new rows. Nothing is learned from them."""
    from mtf.embedded import Embedded

    with Embedded(find_home(), stages=("acquisition", "processing")) as embedded:
        written = embedded.apply_recipe(recipe.absolute(), data.absolute(), out=out)
    _tell(written)


def _tell(written: dict[str, str]) -> None:
    out = console()
    for path, text in written.items():
        out.print(f"wrote {path}  {text}")

"""How often a test set was looked at, and what that does to its best result.

Of k models that are equally good the best one looks better than it is. For a metric that is a mean of n independent values between 0 and 1 its
expected advantage is at most sqrt(ln k / (2 n)): the maximal inequality of sub-Gaussian variables (Boucheron, Lugosi and Massart 2013, theorem
2.5, with Hoeffding's variance factor 1/4). Who adapts the next model to the last result can gain more, up to the order of sqrt(k / n), which is
why Blum and Hardt (2015) publish only improvements that are beyond noise: the Ladder.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping

from mtf.contracts.looks import Looks
from mtf.errors import NotFoundError
from mtf_gateway.db import history as sql
from mtf_gateway.db.engine import Database
from mtf_gateway.memory.identity import model_key
from mtf_gateway.registry.names import stamp

FEWEST = 7
"""exp(1.96^2 / 2), rounded up: from so many equal models on, the bound for the best of them exceeds the half-width of a 95 % interval."""
POINT = 0.01
"""An advantage that matters: one hundredth of a metric between 0 and 1."""
MOST = 10**9
"""Beyond this many models nobody counts: a warning never comes."""


def optimism(models: int, rows: int) -> float:
    """Bound on the expected advantage of the best of so many equal models: sqrt(ln k / (2 n))."""
    return math.sqrt(math.log(models) / (2 * rows)) if models > 1 and rows > 0 else 0.0


def warn_from(rows: int) -> int | None:
    """Models from which on a warning is due: the bound exceeds both an interval's half-width and 0.01. None: never in practice."""
    exponent = 2 * rows * POINT * POINT
    return None if exponent > math.log(MOST) else max(FEWEST, math.ceil(math.exp(exponent)))


def counted(rows_key: str, runs: Sequence[RowMapping], rows: int | None) -> Looks:
    """The looks of the runs that showed a result on these rows."""
    models = len({model_key(run["model_inputs"], run["model_spec"]) for run in runs})
    since = stamp(min(run["created_at"] for run in runs)) if runs else None
    if not rows:
        return Looks(rows_key=rows_key, runs=len(runs), models=models, since=since, sentence=_seen(models, len(runs), since))
    limit, gain = warn_from(rows), optimism(models, rows)
    warning = limit is not None and models >= limit
    return Looks(
        rows_key=rows_key,
        rows=rows,
        runs=len(runs),
        models=models,
        since=since,
        optimism=gain,
        warn_from=limit,
        warning=warning,
        sentence=_sentence(models, len(runs), since, rows, gain, warning=warning),
    )


class LookCounter:
    """Looks in one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_run(self, run_id: str) -> Looks | None:
        """The looks at the rows of a run, itself among them; None while its rows are not known."""

        def work(connection: Connection) -> Looks | None:
            key = sql.rows_key_of(connection, run_id)
            return None if key is None else looked(connection, key, also=run_id)

        return await self._database.read(work)

    async def tag(self, run_id: str) -> str:
        """A text that changes with the looks at a run's rows."""
        return await self._database.read(lambda c: sql.looks_tag(c, run_id))

    async def of_dataset(self, dataset: str) -> list[Looks]:
        """Each set of test rows of a dataset, `adult@3` or every version of `adult`, those looked at last first. Raises NotFoundError."""

        def work(connection: Connection) -> list[Looks]:
            return [looked(connection, row["rows_key"]) for row in sql.row_sets(connection, dataset)]

        found = await self._database.read(work)
        if not found:
            fix = "name a dataset as `mtf runs list` shows it"
            raise NotFoundError(f"no run was scored on a dataset `{dataset[:200]}`", field="dataset", found=dataset, fix=fix)
        return found


def looked(connection: Connection, rows_key: str, *, also: str | None = None) -> Looks:
    """The looks at one set of rows."""
    return counted(rows_key, sql.looks(connection, rows_key, also=also), sql.rows_of(connection, rows_key))


def _seen(models: int, runs: int, since: str | None) -> str:
    if not models:
        return "Nobody has looked at these test rows yet."
    number = "1 model was" if models == 1 else f"{models:,} models were"
    days = f" since {since[:10]}" if since else ""
    return f"{number} scored on these test rows{days}" + (f", in {runs:,} runs." if runs != models else ".")


def _sentence(models: int, runs: int, since: str | None, rows: int, gain: float, *, warning: bool) -> str:
    seen = _seen(models, runs, since)
    if models <= 1:
        return seen
    if not warning:
        return f"{seen} The best of {models:,} equal models would look better than it is by at most {gain:.2g} on average ({rows:,} rows)."
    return (
        f"{seen} So often that the best result flatters: of {models:,} equal models the best would look better by up to {gain:.2g} on average, "
        f"and by more where each was chosen after seeing the results before. Confirm the winner once on rows that nobody has looked at."
    )

"""An evaluation worker that knows four metrics and tells models apart where a test says so."""

from collections.abc import Sequence
from typing import Any

from mtf.contracts.job import Validated
from mtf.contracts.reference import Reference
from mtf.contracts.registry import ComparisonView, PluginView, Standing, Standings
from mtf.contracts.report import Comparison
from mtf.errors import SpecError
from mtf_gateway.memory.evaluator import Contender, Evaluator

METRICS = {
    "balanced_accuracy": PluginView(
        kind="metric", name="balanced_accuracy", version=1, service="evaluation", summary="", greater_is_better=True, paired=True
    ),
    "accuracy": PluginView(
        kind="metric", name="accuracy", version=1, service="evaluation", summary="", greater_is_better=True, paired=True, tasks=["binary"]
    ),
    "log_loss": PluginView(
        kind="metric", name="log_loss", version=2, service="evaluation", summary="", greater_is_better=False, paired=True, tasks=["binary"]
    ),
    "ece": PluginView(
        kind="metric", name="ece", version=1, service="evaluation", summary="", greater_is_better=False, paired=False, tasks=["binary"]
    ),
}


class Judge(Evaluator):
    """Answers without a worker. `standings` are what a comparison of many comes to, `change` what one of two does."""

    def __init__(self) -> None:
        self.standings: dict[str, tuple[int, int, str]] = {}
        self.change = Comparison(baseline="b", metric="accuracy", difference=0.1, lower=0.05, upper=0.15, p_value=0.001, n=100)
        self.gone: set[str] = set()
        self.asked: list[tuple[list[str], bool]] = []
        self.wrong: Exception | None = None

    async def validate(self, section: Any) -> Validated:
        """A metric that is known, whatever its arguments."""
        for text in section.get("metrics") or []:
            if text.partition("(")[0] not in METRICS:
                raise SpecError(f"there is no metric `{text[:50]}`", field="metrics[0]", found=text, fix="`mtf plugins` lists them")
        return Validated(spec={"metrics": list(section.get("metrics") or [])})

    async def metrics(self) -> dict[str, PluginView]:
        """Four."""
        return METRICS

    def present(self, reference: Reference) -> bool:
        """Unless the test says that it is gone."""
        return reference.key not in self.gone

    async def compare(self, runs: Sequence[Contender], metric: str, *, paired: bool = True, against: int | None = None) -> ComparisonView:
        """What the test prepared."""
        ids = [run.run_id for run in runs]
        self.asked.append((ids, paired))
        if self.wrong is not None:
            raise self.wrong
        places = [self.standings.get(run, (1, len(ids), "a")) for run in ids]
        standing = [
            Standing(run=run, value=0.5, rank=rank, worst_rank=worst, letters=letters)
            for run, (rank, worst, letters) in zip(ids, places, strict=True)
        ]
        boards = [Standings(metric=metric, greater_is_better=True, runs=standing)] if against is None else []
        return ComparisonView(run=ids[0], baseline="", rows=100, comparisons=[self.change], standings=boards, paired=paired)

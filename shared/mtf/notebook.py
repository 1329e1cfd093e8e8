"""Results that show themselves: in a notebook, as a data frame, as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from html import escape
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from pydantic import PrivateAttr

from mtf.contracts.registry import ComparisonView, Standing
from mtf.contracts.report import Gate, MetricValue, Report
from mtf.errors import PlatformError, SpecError
from mtf.saved import drawn

if TYPE_CHECKING:
    import pandas as pd

    from mtf.plugins import Sample

COLUMNS = ("value", "lower", "upper", "level", "method", "n", "n_effective", "reliable", "reason", "undefined")


class Values(dict[str, MetricValue]):
    """Values by metric. A metric is found however it is spelt: `lift(share=0.10)` is `lift`, whose share is 0.1."""

    def __missing__(self, text: str) -> MetricValue:
        """What another spelling names. Raises KeyError that lists what was measured."""
        for entry in entry_points(group="mtf.library", name="metric_name"):
            with suppress(SpecError):
                name = entry.load()(text)
                if name in self:
                    return self[name]
        raise KeyError(f"`{text}` was not measured; there are {', '.join(self) or 'no metrics'}")


class EvaluationReport(Report):
    """A report with views of it. The rows it was made from stay with it, so that two reports can be compared in pairs."""

    _sample: Any = PrivateAttr(default=None)
    _columns: Any = PrivateAttr(default=None)
    _ways: Any = PrivateAttr(default=())

    @classmethod
    def of(
        cls, report: Report, sample: Sample | None = None, columns: Mapping[str, Any] | None = None, ways: Sequence[Any] = ()
    ) -> EvaluationReport:
        """The same report with views; `sample` are the rows it was made from, `columns` what they are sliced by and `ways` how, where at hand."""
        parts = [part.model_copy(update={"metrics": Values(part.metrics)}) for part in report.slices]
        fields = dict(report) | {"metrics": Values(report.metrics), "slices": parts}
        found = cls.model_construct(report.model_fields_set, **fields)
        found._sample, found._columns, found._ways = sample, columns, ways  # noqa: SLF001 - our own constructor
        return found

    @property
    def sample(self) -> Any:
        """The rows that were measured (`mtf.plugins.Sample`), or None for a report that was read from a file."""
        return self._sample

    @property
    def columns(self) -> Any:
        """What the rows can be sliced by (name to Arrow array of n values), or None for a report that was read from a file."""
        return self._columns

    @property
    def ways(self) -> Any:
        """How the columns part the rows: crosses of columns, bins, quantiles and conditions, as `slice_by` declared them."""
        return self._ways

    def gate(self, text: str, *, baseline: EvaluationReport | None = None) -> Gate:
        """Judge a gate: `report.gate("accuracy >= 0.9 in sex=F").verdict`.

        Args:
            text: The gate, as in a run file.
            baseline: The report of another model on the same rows, for `not worse than baseline`.

        Returns:
            `verdict` (`pass`, `fail` or `inconclusive`), `reason` in a sentence, `observed`, and `rows_needed` where it is inconclusive.

        Raises:
            SpecError: The gate makes no sense, or names a slice that is not there.
            UsageError: A report that was read from a file does not hold what the gate asks for.
        """
        for entry in entry_points(group="mtf.library", name="gate"):
            found: Gate = entry.load()(self, text, baseline=baseline)
            return found
        raise PlatformError("the room that judges gates is not installed", fix="install model-testing-framework completely")

    def to_json(self, *, indent: int | None = None) -> str:
        """The result document."""
        return self.model_dump_json(indent=indent)

    def to_html(self) -> str:
        """The self-contained page that `mtf run` writes."""
        return drawn(self, "html").decode()

    def to_markdown(self) -> str:
        """The report in Markdown: tables, as a repository or a ticket draws them."""
        return drawn(self, "md").decode()

    def to_csv(self) -> str:
        """Every number as a line of one long table."""
        return drawn(self, "csv").decode()

    def to_frame(self) -> pd.DataFrame:
        """One row per slice and metric; `slice` is empty for all rows."""
        import pandas as pd

        parts = [("", self.metrics), *((part.name, part.metrics) for part in self.slices)]
        rows = [
            {"slice": name, "metric": metric} | {column: getattr(value, column) for column in COLUMNS}
            for name, metrics in parts
            for metric, value in metrics.items()
        ]
        return pd.DataFrame(rows, columns=["slice", "metric", *COLUMNS])

    def __str__(self) -> str:
        """A plain table of the metrics."""
        width = max((len(name) for name in self.metrics), default=0)
        lines = [f"{self.task}, {self.rows.scored:,} rows"]
        return "\n".join([*lines, *(f"  {name:<{width}}  {words(value)}" for name, value in self.metrics.items())])

    def _repr_html_(self) -> str:
        """The metrics as a table, for a notebook's cell."""
        rows = [(name, words(value), value.method, value.reason or "") for name, value in self.metrics.items()]
        return table(f"{self.task}, {self.rows.scored:,} rows", ("metric", "value and interval", "method", "remark"), rows)


class ComparisonTable(ComparisonView):
    """Differences with views of them."""

    def to_json(self, *, indent: int | None = None) -> str:
        """The comparison document."""
        return self.model_dump_json(indent=indent)

    def to_html(self) -> str:
        """The differences as a table; of more than two models also their ranks and the overall tests."""
        head = ("metric", "of", "minus", "difference", "p", "p adjusted", "rows needed", "in words")
        rows = [
            (
                one.metric,
                one.run,
                one.baseline,
                _difference(one),
                _p(one.p_value),
                _p(one.p_adjusted),
                _count(one.rows_needed),
                one.sentence,
            )
            for one in self.comparisons
        ]
        how = "paired on" if self.paired else "unpaired, at least"
        parts = [table(f"{self._who}; {how} {self.rows:,} rows; {self.family}", head, rows)]
        if self._many:
            parts += [table("overall tests", ("metric", "in words"), [(one.metric, one.sentence) for one in self.overall])]
            ranks = [(one.metric, _rank(run), run.run, _p(run.value), run.letters) for one in self.standings for run in one.runs]
            parts += [table("ranks; models that share a letter cannot be told apart", ("metric", "rank", "model", "value", "alike"), ranks)]
        return "".join(parts)

    def to_frame(self) -> pd.DataFrame:
        """One row per pair and metric."""
        import pandas as pd

        return pd.DataFrame([one.model_dump(exclude={"where"}) for one in self.comparisons])

    def __str__(self) -> str:
        """The differences in words; of more than two models first the overall tests and the ranks."""
        lines: list[str] = []
        if self._many:
            lines += [one.sentence for one in self.overall]
            lines += [f"{one.metric}: {', '.join(f'{_rank(run)} {run.run} ({run.letters})' for run in one.runs)}" for one in self.standings]
        return "\n".join([*lines, *(one.sentence for one in self.comparisons)])

    def _repr_html_(self) -> str:
        """The table, for a notebook's cell."""
        return self.to_html()

    @property
    def _many(self) -> bool:
        return len(self.runs) > 2  # noqa: PLR2004 - a pair

    @property
    def _who(self) -> str:
        """`a minus b`, or everybody."""
        if self.baseline:
            return f"{', '.join(dict.fromkeys(one.run for one in self.comparisons)) or self.run} minus {self.baseline}"
        return f"{len(self.runs)} models, every two compared"


def words(value: MetricValue) -> str:
    """`0.9124 (0.8741 to 0.9412)`, or why there is no value."""
    if value.value is None:
        return f"undefined: {value.undefined}"
    shown = f"{value.value:.4g}"
    if value.lower is not None and value.upper is not None:
        shown += f" ({value.lower:.4g} to {value.upper:.4g})"
    if value.null_band is not None:
        shown += f" (perfect calibration: {value.null_band[0]:.2g} to {value.null_band[1]:.2g})"
    return shown if value.reliable else f"{shown} unreliable"


def table(caption: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A small HTML table; every text is escaped."""
    cells = "".join(f"<th>{escape(text)}</th>" for text in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


def _difference(one: Any) -> str:
    if one.difference is None:
        return "undefined"
    return f"{one.difference:+.3g}" + ("" if one.lower is None or one.upper is None else f" ({one.lower:+.3g} to {one.upper:+.3g})")


def _p(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _rank(run: Standing) -> str:
    return f"{run.rank}" if run.rank == run.worst_rank else f"{run.rank} to {run.worst_rank}"

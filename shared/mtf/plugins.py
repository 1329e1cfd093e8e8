"""What a plug-in must be, and how it is found.

Built-ins register through the same entry points as a stranger's plug-in:

    [project.entry-points."mtf.sources"]
    my_lake = "my_package.lake:LakeSource"

A plug-in is a class with a `name`, an integer `version` (part of every fingerprint: raise it when results change), and `Args`, a
frozen pydantic model of its arguments (`extra="forbid"`), from which `mtf schema run` makes the editor's completion.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

from mtf.errors import SpecError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray
    from pydantic import BaseModel

    from mtf.contracts.job import Validated
    from mtf.contracts.stages import Roles

GROUPS: Mapping[str, str] = {
    "source": "mtf.sources",
    "step": "mtf.steps",
    "loader": "mtf.loaders",
    "metric": "mtf.metrics",
    "check": "mtf.checks",
    "service": "mtf.services",
}
"""Entry-point groups by kind of plug-in."""


@dataclass(frozen=True)
class Service:
    """One room, described without importing it. `app` and `stage` are `module:attribute` paths that load on use."""

    name: str
    port: int
    summary: str
    app: str
    stage: str | None = None
    settings: str = "mtf.settings:Settings"
    """The class of its settings; one with an `options()` method says what its children are told."""
    kinds: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    """Modules that the zygote imports before it forks the first child."""


class Plugin(Protocol):
    """What every plug-in has."""

    name: ClassVar[str]
    version: ClassVar[int]
    Args: ClassVar[type[BaseModel]]


@dataclass(frozen=True)
class SourceContext:
    """What a source may use besides its arguments."""

    credentials: Mapping[str, str]
    """Secrets by name; a source asks for `credential: NAME` and never writes the value anywhere."""
    base: Path | None = None
    """The folder that relative paths are relative to."""
    http_allow: tuple[str, ...] = ()
    """Host patterns that may be called; `loopback`, `private` and `public` allow those ranges (the embedded form has all three)."""
    uploads: Path | None = None
    """Where uploaded files lie by digest."""
    confined: bool = True
    """Whether paths must stay inside `base`: true for an import folder, false where the user's own process reads the user's own files."""
    scratch: Path | None = None
    """A folder for temporary files that is removed with the job; None outside a job."""


class Source(Plugin, Protocol):
    """Reads a table in a stream, so that memory does not grow with the table."""

    def freshness(self, args: Any, context: SourceContext) -> str | None:
        """A text that changes when the data changes (a content hash, a strong ETag), or None when it cannot be told without reading."""
        ...

    def read(self, args: Any, context: SourceContext) -> Iterator[pa.RecordBatch]:
        """Yield record batches that share one schema. The columns' types are the source's own; acquisition makes them canonical."""
        ...


StepKind = Literal["rows", "values", "split", "fitted"]
"""`rows` drops rows; `values` changes values row by row; `split` marks rows as train or test; `fitted` learns from training rows and touches features only."""


class Step(Plugin, Protocol):
    """One processing operation over Arrow batches. `fit` is for `kind: fitted` alone and sees training rows only."""

    kind: ClassVar[StepKind]

    def fit_state(self, batch: pa.RecordBatch, args: Any, roles: Roles) -> Any:
        """A mergeable summary of one batch of training rows."""
        ...

    def merge(self, a: Any, b: Any) -> Any:
        """Combine two summaries; any order of batches gives the same result."""
        ...

    def finish(self, state: Any, args: Any) -> dict[str, Any]:
        """Turn the summary into parameters as plain JSON: what the fitted recipe stores."""
        ...

    def apply(self, batch: pa.RecordBatch, args: Any, params: dict[str, Any], roles: Roles) -> pa.RecordBatch:
        """Transform one batch with the learned parameters (empty for steps that learn nothing)."""
        ...


class Loader(Plugin, Protocol):
    """Opens one model format, inside the sandboxed child only."""

    suffixes: ClassVar[tuple[str, ...]]
    """File name endings that suggest this format; the header decides."""
    remote: ClassVar[bool]
    """True for a loader that calls out instead of opening a file."""
    unsafe: ClassVar[bool]
    """True for formats that can run code while they are opened; they need a setting and sandbox level `strict`."""

    def sniff(self, head: bytes) -> bool:
        """Whether a file that begins with `head` (at most 4,096 bytes) is of this format."""
        ...

    def load(self, path: Path | None, args: Any) -> Model:
        """Open the model."""
        ...


class Model(Protocol):
    """A loaded model, as the inference stage drives it."""

    labels: Sequence[Any] | None
    """Labels in the order of the scores, where the format carries them."""
    features: Sequence[str] | None
    """Names of the features in the order the model wants, where it knows them."""

    def predict(self, table: pa.Table) -> Prediction:
        """Score rows. `table` has the features alone, already matched to the model's names and order."""
        ...

    def describe(self) -> dict[str, Any]:
        """Class, versions and the like, for the report."""
        ...


@dataclass(frozen=True)
class Prediction:
    """What a model said of n rows."""

    labels: NDArray[Any] | None = None
    """(n,) hard labels or regression values; None when the model gives scores alone."""
    scores: NDArray[np.float64] | None = None
    """(n, k) a score per class, or (n,) of the positive class."""
    interval: NDArray[np.float64] | None = None
    """(n, 2) lower and upper limit of the model's own prediction interval, for regression."""


@dataclass(frozen=True)
class Sample:
    """Rows to measure, as a metric sees them. Arrays are read-only and aligned; n rows, k labels."""

    task: str
    target: NDArray[Any]
    """(n,) int32 codes into `labels`, or float64 for regression."""
    prediction: NDArray[Any]
    """(n,) int32 codes into `labels`, or float64 for regression."""
    scores: NDArray[np.float64] | None = None
    """(n, k) scores per label; binary: column 1 is the positive class."""
    labels: tuple[Any, ...] = ()
    weight: NDArray[np.float64] | None = None
    group: NDArray[np.int64] | None = None
    """(n,) codes of the unit of dependence."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    interval: NDArray[np.float64] | None = None
    """(n, 2) lower and upper limit of the model's own prediction interval; regression only, None where the model gives none."""


class MetricPlugin(Protocol):
    """What both kinds of metric have."""

    name: ClassVar[str]
    version: ClassVar[int]
    tasks: ClassVar[tuple[str, ...]]
    greater_is_better: ClassVar[bool | None]
    """None where neither direction is better (bias)."""
    bounds: ClassVar[tuple[float, float]]
    """The smallest and the largest possible value; infinities where there is none."""
    summary: ClassVar[str]
    """One sentence: what it measures and where the definition comes from."""


@runtime_checkable
class RowMetric(MetricPlugin, Protocol):
    """A smooth function of weighted means of per-row terms. Intervals, weights, clusters, slices and pairs follow from it."""

    def terms(self, sample: Sample) -> NDArray[np.float64]:
        """(n, t) per-row terms."""
        ...

    def value(self, means: NDArray[np.float64]) -> float:
        """The metric from the (t,) weighted means; NaN where it is undefined."""
        ...


@runtime_checkable
class RankMetric(MetricPlugin, Protocol):
    """A metric of the order of scores, with its own influence values (AUC, average precision).

    `sample.weight` is its own business: a class that counts it, in the value and in the influence values, says `weighted = True`; without that
    the metric is undefined where rows have weights.
    """

    def influence(self, sample: Sample) -> tuple[float, NDArray[np.float64]]:
        """The value and the (n,) per-row influence values, whose (weighted) mean is 0."""
        ...


class CheckPlugin(Protocol):
    """A test of data or method."""

    name: ClassVar[str]
    version: ClassVar[int]

    def check(self, sample: Sample) -> Any:
        """A `mtf.contracts.report.Check`."""
        ...


class Stage(Protocol):
    """What a worker's room offers to the stage protocol, in the service's own process. It never touches data there."""

    name: ClassVar[str]
    entry: ClassVar[str]
    """`module:function` that a child runs; the function takes a `mtf.jobs.child.JobContext` and returns a `StageOutcome`."""

    def validate(self, section: dict[str, Any]) -> Validated:
        """Check a section of a run file without the data. Raises SpecError."""
        ...

    def freshness(self, spec: dict[str, Any], context: SourceContext) -> str | None:
        """What besides spec and inputs decides the result; None where nothing can tell, so that the result is never reused."""
        ...

    def versions(self, spec: dict[str, Any]) -> dict[str, str]:
        """Versions of the plug-ins that the spec names and of the libraries that decide the result."""
        ...


@dataclass(frozen=True)
class StageOutcome:
    """What a stage function returns; its outputs lie in the job's output folder already."""

    outputs: Mapping[str, str]
    """Output name to file name, relative to the output folder."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()


@cache
def _entries(group: str) -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=group)}


def names(kind: str) -> list[str]:
    """Names of every plug-in of a kind, sorted, without importing one."""
    return sorted(_entries(GROUPS[kind]))


@cache
def load(kind: str, name: str) -> Any:
    """Import one plug-in and return it (a class is instantiated). Raises SpecError that names the nearest known one."""
    entry = _entries(GROUPS[kind]).get(name)
    if entry is None:
        raise unknown(kind, name, names(kind))
    found = entry.load()
    return found() if isinstance(found, type) else found


def resolve(path: str) -> Any:
    """The object behind `module:attribute`."""
    module, _, attribute = path.partition(":")
    return getattr(importlib.import_module(module), attribute)


MOST_LISTED = 15


def listed(names: Sequence[str]) -> str:
    """Names for an error: all of them, or the first ones and where the others stand."""
    if len(names) <= MOST_LISTED:
        return ", ".join(names)
    return f"{', '.join(names[:MOST_LISTED])} and {len(names) - MOST_LISTED} more (`mtf plugins`)"


def unknown(what: str, name: str, known: Sequence[str], *, where: str | None = None) -> SpecError:
    """The error for a name that is not known, with the nearest known one."""
    import difflib

    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    fix = f"did you mean `{near[0]}`?" if near else f"known: {listed(known)}"
    return SpecError(f"there is no {what} `{name[:100]}`", field=where, found=name, fix=fix)

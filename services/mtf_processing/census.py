"""What is counted of a version before anything is learned: labels, slice values, and whether the roles can be used as they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mtf.contracts.slices import SliceDemand
from mtf.contracts.stages import Roles
from mtf.errors import DataError, SpecError
from mtf_processing.frame import Frame
from mtf_processing.kernels.columns import NUMERIC, decoded, floats, kind_of, missing, plain
from mtf_processing.kernels.hashing import column_hash
from mtf_processing.labels import MOST_LABELS, Target
from mtf_processing.names import listed, name_of

MISSING = "(missing)"
"""How a gate names rows without a value."""
MOST_VALUES = 1_000
"""Values of a slice column that are remembered for messages."""


@dataclass
class Distinct:
    """The distinct values of a column, as long as there are not more than `limit`."""

    limit: int
    values: set[Any] = field(default_factory=set)
    many: bool = False
    kind: str | None = None

    def add(self, column: pa.Array) -> None:
        """Take a batch's values in; missing ones do not count."""
        self.kind = kind_of(column.type)
        if self.many:
            return
        found = decoded(column).unique()
        self.values.update(plain(value) for value in found.filter(pc.invert(pc.is_null(found, nan_is_null=True))).to_pylist())
        if len(self.values) > self.limit:
            self.many = True


@dataclass
class Census:
    """Everything counted over one version's frames. `wanted` has the slice values that gates name, `demands` what slices need."""

    roles: Roles
    """As the user wrote them, for messages."""
    wanted: Mapping[str, Sequence[str]]
    demands: Sequence[SliceDemand] = ()
    target: Distinct = field(default_factory=lambda: Distinct(MOST_LABELS))
    slices: dict[str, Distinct] = field(default_factory=dict)
    found: dict[str, set[str]] = field(default_factory=dict)
    _named: dict[str, list[str]] | None = None

    @property
    def named(self) -> dict[str, list[str]]:
        """Every value that must occur, by column."""
        if self._named is None:
            self._named = {column: list(values) for column, values in self.wanted.items()}
            for one in self.demands:
                known = self._named.setdefault(one.column, [])
                known += [value for value in one.values if value not in known]
        return self._named

    def add(self, frame: Frame, *, slices: bool) -> None:
        """Count a frame's labels, and with `slices` its slice values, of dropped rows too: they belong to the version."""
        if "target" in frame.held:
            self.target.add(frame.held["target"])
        for column, values in self.named.items() if slices else ():
            held = frame.held.get(f"slice:{column}")
            if held is None:
                continue
            self._check_kind(column, kind_of(held.type))
            if not values:
                continue
            seen = self.found.setdefault(column, set())
            seen.update(_present(held, [value for value in values if value not in seen]))
            self.slices.setdefault(column, Distinct(MOST_VALUES)).add(held)

    def check_slices(self) -> None:
        """Raise SpecError for a value that a gate or a slice names and the version does not have."""
        asked = [(column, values, "evaluation.gates") for column, values in self.wanted.items()]
        for column, values, where in [*asked, *((one.column, one.values, one.field) for one in self.demands)]:
            for value in values:
                if value in self.found.get(column, set()):
                    continue
                known = self.slices.get(column)
                names = sorted(name_of(item) for item in known.values) if known is not None else []
                raise SpecError(
                    f"no row has `{column[:100]}={value[:100]}`",
                    field=where,
                    found=f"{column}={value}",
                    fix=f"values of `{column[:100]}`: {listed(names)}",
                )

    def _check_kind(self, column: str, kind: str) -> None:
        """Raise SpecError for a column that cannot be sliced as asked."""
        for one in self.demands:
            if one.column == column and one.kinds and kind not in one.kinds:
                raise SpecError(f"`{column[:100]}` is {kind}, and {one.why}", field=one.field, found=f"{column}: {kind}", fix=one.fix)

    def as_target(self) -> Target:
        """The target for `labels.decide`."""
        values = None if self.target.many else tuple(self.target.values)
        return Target(str(self.roles.target), self.target.kind or "float", values)


def _present(column: pa.Array, written: Sequence[str]) -> list[str]:
    """Which values, as a gate writes them, occur in a column: by name, numbers by value, bools in any case."""
    if not written:
        return []
    kind = kind_of(column.type)
    absent = missing(column)
    names = {name_of(plain(value)) for value in decoded(column).filter(pa.array(~absent)).unique().to_pylist()}
    if absent.any():
        names.add(MISSING)
    return [value for value in written if value in names or _spelt(value, kind) in names]


def _spelt(value: str, kind: str) -> str | None:
    if kind == "bool":
        return value.lower()
    if kind in NUMERIC:
        try:
            return name_of(float(value))
        except ValueError:
            return None
    return None


@dataclass
class Judge:
    """Whether the rows that remain can be tested: a target, a usable weight, a group and an id of its own for each."""

    roles: Roles
    name: str
    no_target: int = 0
    no_group: int = 0
    no_id: int = 0
    infinite: int = 0
    bad_weights: int = 0
    weight_sum: dict[bool, float] = field(default_factory=dict)
    first_bad: int | None = None
    ids: list[NDArray[np.uint64]] = field(default_factory=list)

    def add(self, frame: Frame) -> None:
        """Look at the rows of a frame that are alive."""
        alive = frame.alive
        held = frame.held
        if "target" in held:
            lacks = missing(held["target"]) & alive
            self.no_target += int(lacks.sum())
            if self.first_bad is None and lacks.any():
                self.first_bad = int(frame.position[np.argmax(lacks)])
            if kind_of(held["target"].type) == "float":
                self.infinite += int((np.isinf(floats(held["target"])) & alive).sum())
        if "group" in held:
            self.no_group += int((missing(held["group"]) & alive).sum())
        if "weight" in held:
            self._weights(held["weight"], frame)
        if "id" in held:
            self.no_id += int((missing(held["id"]) & alive).sum())
            self.ids.append(column_hash(held["id"])[alive])

    def _weights(self, column: pa.Array, frame: Frame) -> None:
        if kind_of(column.type) not in NUMERIC:
            raise DataError(
                f"the weight `{self.roles.weight}` is {kind_of(column.type)}, not a number",
                field="dataset.weight",
                fix="name a column of numbers",
            )
        values = floats(column)
        self.bad_weights += int((frame.alive & ~(np.isfinite(values) & (values >= 0))).sum())
        for test in (False, True):
            chosen = values[frame.alive & (frame.test == test)]
            self.weight_sum[test] = self.weight_sum.get(test, 0.0) + float(chosen[chosen > 0].sum())

    def check(self) -> None:
        """Raise DataError for what makes a test impossible, with counts and what to do."""
        where = "" if self.name == "data" else " of the training data"
        if self.no_target:
            raise DataError(
                f"{self.no_target:,} rows{where} have no value of the target `{self.roles.target}`",
                field="dataset.target",
                found=f"first at row {self.first_bad}" if self.first_bad is not None else None,
                fix=f"drop them with `- drop_missing: {{columns: [{self.roles.target}]}}`, or correct the data",
            )
        if self.infinite:
            raise DataError(
                f"{self.infinite:,} rows{where} have an infinite target `{self.roles.target}`",
                field="dataset.target",
                fix="correct the data",
            )
        if self.bad_weights:
            raise DataError(
                f"{self.bad_weights:,} rows{where} have a weight `{self.roles.weight}` that is negative, infinite or missing",
                field="dataset.weight",
                fix="weights are numbers of at least 0; drop the rows or correct the data",
            )
        if self.weight_sum and self.name == "data" and self.weight_sum.get(True, 0.0) <= 0:
            raise DataError(
                f"the weights `{self.roles.weight}` of the test rows sum to 0", field="dataset.weight", fix="name another column"
            )
        if self.no_group:
            raise DataError(
                f"{self.no_group:,} rows{where} have no value of the group `{self.roles.group}`",
                field="dataset.group",
                fix=f"drop them with `- drop_missing: {{columns: [{self.roles.group}]}}`, or correct the data",
            )
        if self.no_id:
            raise DataError(
                f"{self.no_id:,} rows{where} have no id `{self.roles.id}`",
                field="dataset.id",
                fix="name a column that every row has, or leave `id` out",
            )

    def suspects(self) -> NDArray[np.uint64]:
        """Hashes of ids that occur more than once; equal hashes of different ids are possible, so the ids themselves must be looked at."""
        if not self.ids:
            return np.zeros(0, dtype=np.uint64)
        ordered = np.sort(np.concatenate(self.ids))
        return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])

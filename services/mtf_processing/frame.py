"""Rows on their way through a recipe: what steps may see, and what they may not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mtf.contracts.stages import Roles
from mtf.errors import PlatformError
from mtf_processing.kernels.columns import kind_of
from mtf_processing.rules import ROLES, Bound
from mtf_processing.steps.base import POSITION, TEST


@dataclass
class Frame:
    """n rows of one version. `visible` has the columns that steps see; before the first fitted step all, from there on the features.

    `held` keeps what was taken out of sight then: roles under their role's name, slices as `slice:<column>`.
    `alive` marks rows that no step has dropped; rows that are not alive are carried along only while the whole version is surveyed.
    """

    visible: pa.RecordBatch
    position: NDArray[np.int64]
    alive: NDArray[np.bool_]
    test: NDArray[np.bool_]
    held: dict[str, pa.Array] = field(default_factory=dict)

    def compress(self) -> Frame:
        """The rows that are alive."""
        return self if self.alive.all() else self.take(self.alive)

    def take(self, mask: NDArray[np.bool_]) -> Frame:
        """The rows that `mask` (n,) marks."""
        chosen = pa.array(mask)
        visible = self.visible.filter(chosen) if self.visible.num_columns else self.visible
        held = {name: column.filter(chosen) for name, column in self.held.items()}
        return Frame(visible, self.position[mask], self.alive[mask], self.test[mask], held)

    def keep_slices(self, columns: Iterable[str]) -> None:
        """Copy slice columns out of sight, so that a later step can drop or rename them."""
        names = self.visible.schema.names
        for column in columns:
            if column in names and f"slice:{column}" not in self.held:
                self.held[f"slice:{column}"] = self.visible.column(column)

    def freeze(self, roles: Roles) -> None:
        """Take the roles out of sight and leave the features alone. Decimals become float64, the one number type that models share."""
        names = set(self.visible.schema.names)
        for role in ROLES:
            column = getattr(roles, role)
            if column in names:
                self.held[role] = self.visible.column(column)
        features = [name for name in roles.features or () if name in names]
        arrays = [self.visible.column(name) for name in features]
        arrays = [array.cast(pa.float64()) if kind_of(array.type) == "decimal" else array for array in arrays]
        self.visible = pa.RecordBatch.from_arrays(arrays, names=features)


def transform(frame: Frame, bound: Bound, params: dict[str, object], roles: Roles) -> None:
    """Apply a step of kind `values` or `fitted`, which keeps every row. Raises PlatformError for one that does not."""
    if frame.visible.num_columns == 0:
        return
    with bound.located():
        found = bound.step.apply(frame.visible, bound.args, params, roles)
    if found.num_columns and found.num_rows != frame.visible.num_rows:
        raise PlatformError(
            f"step `{bound.name}` turned {frame.visible.num_rows} rows into {found.num_rows}",
            field=bound.where,
            fix="a plug-in of kind `values` or `fitted` must keep every row; one that drops rows has kind `rows`",
        )
    frame.visible = found


def see(frame: Frame, roles: Roles) -> pa.RecordBatch:
    """What a step of kind `rows` or `split` sees of the rows that are alive: visible columns, roles and positions."""
    chosen = None if frame.alive.all() else pa.array(frame.alive)
    columns = dict(zip(frame.visible.schema.names, frame.visible.columns, strict=True))
    for role in ROLES:
        name = getattr(roles, role)
        if name is not None and role in frame.held:
            columns.setdefault(name, frame.held[role])
    columns[POSITION] = pa.array(frame.position)
    batch = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
    return batch if chosen is None else batch.filter(chosen)


def drop_rows(frame: Frame, bound: Bound, params: dict[str, object], roles: Roles) -> None:
    """Apply a step of kind `rows`: what it does not return is not alive any more."""
    seen = see(frame, roles)
    with bound.located():
        kept = bound.step.apply(seen, bound.args, params, roles)
    if kept.num_rows < seen.num_rows:
        frame.alive &= np.isin(frame.position, kept.column(POSITION).to_numpy())


def split_rows(frame: Frame, bound: Bound, params: dict[str, object], roles: Roles) -> None:
    """Apply a step of kind `split`: rows that it marks are test rows, the others training rows."""
    with bound.located():
        marked = bound.step.apply(see(frame, roles), bound.args, params, roles)
    frame.test[frame.alive] = marked.column(TEST).to_numpy(zero_copy_only=False)
    frame.test[~frame.alive] = False


def among(positions: NDArray[np.int64], chosen: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,) which of ascending `positions` occur in ascending `chosen`."""
    if len(positions) == 0:
        return np.zeros(0, dtype=bool)
    low, high = np.searchsorted(chosen, [positions[0], positions[-1] + 1])
    return np.isin(positions, chosen[low:high])


def empty(schema: pa.Schema) -> Frame:
    """A frame without rows, to learn what a recipe does to names and types."""
    arrays: Sequence[pa.Array] = [pa.array([], field.type) for field in schema]
    visible = pa.RecordBatch.from_arrays(arrays, schema=schema)
    return Frame(visible, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool), np.zeros(0, dtype=bool))

"""A recipe bound to the columns of a version: what stands at each step, and which columns are needed for what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from mtf.contracts.stages import Roles
from mtf.errors import DataError, SpecError
from mtf_processing import frame as frames
from mtf_processing.names import absent
from mtf_processing.rules import ROLES, Bound
from mtf_processing.steps.base import ColumnStep

Params = dict[str, Any]


@dataclass(frozen=True)
class Point:
    """What stands before a step: visible columns, and the roles under their present names with the features written out."""

    schema: pa.Schema
    roles: Roles
    declared: tuple[str, ...] | None
    """The features that the user named, under their present names; None where all columns without a role are features."""

    @property
    def role_columns(self) -> list[str]:
        """Columns that have a role."""
        return [column for role in ROLES if (column := getattr(self.roles, role)) is not None]


@dataclass
class Pipeline:
    """Steps, what was learned for each (None: not yet), and the points before each step as far as they are known."""

    steps: list[Bound]
    params: list[Params | None]
    slices: list[str]
    raw: list[str]
    fitted: bool = False
    """True for a recipe that was fitted before: its steps may name columns that it does not need and this version does not have."""
    points: list[Point] = field(default_factory=list)

    @classmethod
    def bind(
        cls,
        steps: Sequence[Bound],
        schema: pa.Schema,
        roles: Roles,
        slices: Sequence[str] = (),
        *,
        params: Sequence[Params] | None = None,
    ) -> Pipeline:
        """Bind steps to a schema whose role columns were checked. `params` are given where the recipe was fitted before."""
        learned: list[Params | None] = list(params) if params is not None else [None if bound.kind == "fitted" else {} for bound in steps]
        visible = pa.schema([item for item in schema if item.name not in roles.drop])
        declared = None if roles.features is None else tuple(roles.features)
        found = cls(list(steps), learned, list(slices), list(schema.names), params is not None)
        found.points.append(_point(visible, roles, declared, frozen=False))
        found.extend()
        found._look_ahead()
        return found

    @property
    def freeze(self) -> int:
        """The first fitted step: roles and slices are read before it. The number of steps where there is none."""
        return next((k for k, bound in enumerate(self.steps) if bound.kind == "fitted"), len(self.steps))

    @property
    def known(self) -> int:
        """The last point that is known; a fitted step there still has to learn."""
        return len(self.points) - 1

    @property
    def features(self) -> list[str]:
        """The features that leave the recipe, in order. Needs every parameter."""
        return list(self.points[len(self.steps)].roles.features or ())

    def seen(self, k: int) -> pa.Schema:
        """The columns that step `k` sees: from the first fitted step on, the features alone."""
        return _features_only(self.points[k]) if k == self.freeze else self.points[k].schema

    def extend(self) -> None:
        """Find the points behind steps that have learned or have nothing to learn, by sending no rows through them."""
        while self.known < len(self.steps):
            k = self.known
            bound, point = self.steps[k], self.points[k]
            self._check_names(k)
            frame = frames.empty(self.seen(k))
            if self.params[k] is None:
                if bound.learns():
                    return
                with bound.located():
                    self.params[k] = bound.step.finish(bound.step.fit_state(frame.visible, bound.args, point.roles), bound.args)
            if bound.kind in {"values", "fitted"}:
                frames.transform(frame, bound, self.params[k] or {}, point.roles)
            self.points.append(self._behind(k, frame.visible.schema))

    def sources(self, k: int, names: Iterable[str]) -> set[str]:
        """The columns before step `k` that these columns behind it come from."""
        bound, wanted = self.steps[k], set(names)
        if isinstance(bound.step, ColumnStep):
            return bound.step.sources(self.params[k] or {"columns": {}}, wanted)
        if not bound.transparent and bound.kind == "values":
            return wanted | set(self.points[k].schema.names)
        if not bound.transparent and bound.kind == "fitted":
            return wanted | set(self.seen(k).names)
        back = {new: old for old, new in bound.renames().items()}
        return {back.get(name, name) for name in wanted}

    def reads(self, k: int) -> set[str]:
        """The columns that a step about rows must see: all of them where it does not say."""
        point = self.points[k]
        found = self.steps[k].reads(point.roles)
        return {*point.schema.names, *point.role_columns} if found is None else set(found)

    def needs(self, stop: int, wanted: Iterable[str], *, skip: frozenset[int], context: bool) -> list[str]:
        """Columns of the version that make `wanted` before step `stop`, and with `context` the roles and slices.

        Steps about rows in `skip` are not run, so what they read is not needed.
        """
        names = set(wanted)
        for k in range(stop, -1, -1):
            if context and k == min(stop, self.freeze):
                names.update(self.points[k].role_columns)
                names.update(set(self.slices) & set(self.points[k].schema.names) - set(self.raw))
            if k == 0:
                break
            if self.steps[k - 1].kind in {"rows", "split"} and k - 1 not in skip:
                names |= self.reads(k - 1)
            names = self.sources(k - 1, names)
        if context:
            names.update(self.slices)
        return [column for column in self.raw if column in names]

    def _behind(self, k: int, schema: pa.Schema) -> Point:
        bound, point, names = self.steps[k], self.points[k], schema.names
        twice = next((name for name, count in Counter(names).items() if count > 1), None)
        if twice is not None:
            raise DataError(
                f"two features would be called `{twice[:100]}`",
                field=bound.where,
                found=twice,
                fix="rename one of their columns in a step before",
            )
        renames = bound.renames() if k < self.freeze else {}
        moved = {role: renames.get(column, column) for role in ROLES if (column := getattr(point.roles, role)) is not None}
        for role, name in moved.items():
            if k < self.freeze and name not in names:
                raise SpecError(
                    f"`{bound.name}` takes away `{name[:100]}`, the {role}", field=bound.where, found=name, fix="leave that column alone"
                )
            if k >= self.freeze and name in names:
                raise DataError(
                    f"a feature would be called `{name[:100]}` like the {role}",
                    field=bound.where,
                    found=name,
                    fix="rename one of the columns before",
                )
        declared = None if point.declared is None or k >= self.freeze else tuple(renames.get(name, name) for name in point.declared)
        return _point(schema, point.roles.model_copy(update=moved), declared, frozen=k >= self.freeze)

    def _check_names(self, k: int) -> None:
        if self.fitted:
            return
        bound = self.steps[k]
        known = [*self.seen(k).names, *(self.points[k].role_columns if bound.kind in {"rows", "split"} else [])]
        present = set(known)
        for argument, column in bound.named():
            if column not in present:
                raise absent("the step's column", column, known, where=f"{bound.where}.{argument}")

    def _look_ahead(self) -> None:
        """Find misspelt names behind steps that still have to learn, before anything is computed."""
        if self.known == len(self.steps):
            return
        names = set(self.seen(self.known).names)
        encoded: set[str] = set()
        for bound in self.steps[self.known :]:
            if not bound.transparent:
                return
            allowed = names | (set(self.points[self.known].role_columns) if bound.kind in {"rows", "split"} else set())
            for argument, column in bound.named():
                if column not in allowed and not any(column.startswith(f"{name}_") for name in encoded):
                    raise absent("the step's column", column, sorted(allowed), where=f"{bound.where}.{argument}")
            if bound.name == "one_hot":
                encoded |= set(bound.args.columns or names)
                names -= set(bound.args.columns or ())
            names = {bound.renames().get(name, name) for name in names if name not in bound.removes()}


def _point(schema: pa.Schema, roles: Roles, declared: tuple[str, ...] | None, *, frozen: bool) -> Point:
    names = list(schema.names)
    present = set(names)
    taken = {column for role in ROLES if (column := getattr(roles, role)) is not None}
    if frozen:
        features = names
    elif declared is not None:
        features = [name for name in declared if name in present]
    else:
        features = [name for name in names if name not in taken]
    return Point(schema, roles.model_copy(update={"features": list(features)}), declared)


def _features_only(point: Point) -> pa.Schema:
    frame = frames.empty(point.schema)
    frame.freeze(point.roles)
    return frame.visible.schema

"""What can be known of a recipe without the data: arguments, names and the order of steps. Cheap: no Arrow, no numpy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from mtf import plugins
from mtf.contracts.problem import FieldProblem
from mtf.contracts.stages import PluginCall, Roles
from mtf.errors import DataError, MtfError, PlatformError, SpecError
from mtf.fields import field_problems
from mtf_processing.steps.base import Step

ROLES = ("target", "id", "weight", "group", "time")
RESERVED = "mtf:"
"""Columns of the engine itself begin so."""


@dataclass(frozen=True)
class Bound:
    """A step with its checked arguments and its place in the recipe."""

    index: int
    step: Any
    args: Any

    @property
    def name(self) -> str:
        """The plug-in's name."""
        return str(self.step.name)

    @property
    def kind(self) -> str:
        """rows, values, split or fitted."""
        return str(self.step.kind)

    @property
    def where(self) -> str:
        """The step's place in the run file."""
        return f"processing[{self.index}].{self.name}"

    def learns(self) -> bool:
        """Whether it needs training rows."""
        ask = getattr(self.step, "learns", None)
        return bool(ask(self.args)) if ask is not None else self.kind == "fitted"

    def whole(self) -> bool:
        """Whether it must see every row before it decides on one."""
        ask = getattr(self.step, "whole", None)
        return bool(ask(self.args)) if ask is not None else False

    def named(self) -> Sequence[tuple[str, str]]:
        """(argument, column) for each column that the arguments name."""
        ask = getattr(self.step, "named", None)
        return ask(self.args) if ask is not None else ()

    def reads(self, roles: Roles) -> Sequence[str] | None:
        """Columns that decide about rows; None for all."""
        ask = getattr(self.step, "reads", None)
        return ask(self.args, roles) if ask is not None else None

    def renames(self) -> Mapping[str, str]:
        """Old name to new name."""
        ask = getattr(self.step, "renames", None)
        return ask(self.args) if ask is not None else {}

    def removes(self) -> Sequence[str]:
        """Columns that are gone afterwards."""
        ask = getattr(self.step, "removes", None)
        return ask(self.args) if ask is not None else ()

    @property
    def transparent(self) -> bool:
        """Whether the step told what it does to names, so that unneeded columns need not be read."""
        return isinstance(self.step, Step)

    @contextmanager
    def located(self) -> Iterator[None]:
        """Errors of the step name the step's place in the run file."""
        try:
            yield
        except (SpecError, DataError) as error:
            if error.field is None or not error.field.startswith("processing["):
                known = {name for name in type(self.args).model_fields if name == error.field}
                error.field = f"{self.where}.{error.field}" if known else self.where
            raise
        except (MtfError, OSError, MemoryError):
            raise
        except Exception as error:
            # A stranger's step may raise anything; whoever reads the run must see which step it was.
            if self.transparent:
                raise
            raise PlatformError(
                f"step `{self.name}` failed: {type(error).__name__}: {error}", field=self.where, fix="its author must see this"
            ) from error


def parse(section: Sequence[Any]) -> list[Bound]:
    """Check every step's name and arguments. Raises SpecError that lists every wrong field."""
    bound: list[Bound] = []
    problems: list[FieldProblem] = []
    for index, entry in enumerate(section):
        place = f"processing[{index}]"
        if isinstance(entry, str):
            entry = {entry: None}  # noqa: PLW2901 - `- drop_duplicates` is short for a step without arguments
        if not isinstance(entry, Mapping) or len(entry) != 1:
            problems.append(
                FieldProblem(field=place, message="a step is one name with its arguments", fix="for example `- scale: {method: standard}`")
            )
            continue
        ((name, args),) = entry.items()
        try:
            bound.append(bind(index, PluginCall(name=str(name), args={} if args is None else args)))
        except ValidationError:
            problems.append(
                FieldProblem(field=f"{place}.{name}", message="arguments are a mapping of keys to values", fix="write `{key: value}`")
            )
        except SpecError as error:
            problems += error.errors or [FieldProblem(field=error.field or place, found=error.found, message=error.message, fix=error.fix)]
    if problems:
        raise _collected(problems)
    return bound


def bind(index: int, call: PluginCall) -> Bound:
    """One step with checked arguments. Raises SpecError."""
    place = f"processing[{index}]"
    if call.name not in plugins.names("step"):
        raise plugins.unknown("step", call.name, plugins.names("step"), where=f"{place}.{call.name[:100]}")
    step = plugins.load("step", call.name)
    model: type[BaseModel] = step.Args
    try:
        return Bound(index, step, model.model_validate(call.args))
    except ValidationError as error:
        raise _collected(field_problems(error, model, call.args, prefix=f"{place}.{call.name}")) from None


def check(steps: Sequence[Bound], roles: Roles, *, fit_source: bool) -> None:
    """Check the order of steps and what they do to roles. Raises SpecError that names the step and what to do.

    `fit_source`: whether training rows or a fitted recipe come from elsewhere.
    """
    problems = [*_role_problems(roles), *_order_problems(steps, fit_source=fit_source), *_column_problems(steps, roles)]
    if problems:
        raise _collected(problems)


def _order_problems(steps: Sequence[Bound], *, fit_source: bool) -> Iterator[FieldProblem]:
    split = None
    for bound in steps:
        if bound.kind == "split":
            if split is not None:
                yield FieldProblem(field=bound.where, message=f"the rows are split already by `{split}`", fix="keep one of the two splits")
            if fit_source:
                yield FieldProblem(
                    field=bound.where,
                    message="the training rows come from `dataset.train`, so there is nothing to split",
                    fix="leave out the split or `dataset.train`",
                )
            split = bound.where
        elif bound.kind == "fitted" and bound.learns() and split is None and not fit_source:
            yield FieldProblem(
                field=bound.where,
                message=f"`{bound.name}` learns from training rows, and there are none at this point",
                fix="put a `split` step before it, give `dataset.train: {source: ...}`, or apply a fitted recipe with `processing: {recipe: ...}`",
            )


def _role_problems(roles: Roles) -> Iterator[FieldProblem]:
    used: dict[str, str] = {}
    for role in ROLES:
        column = getattr(roles, role)
        if column is None:
            continue
        field = f"dataset.{role}"
        if column in roles.drop:
            yield FieldProblem(
                field="dataset.drop",
                found=column,
                message=f"`{column[:100]}` is the {role} and cannot be dropped",
                fix=f"take it out of `drop` or of `{role}`",
            )
        if column in (roles.features or ()):
            yield FieldProblem(
                field="dataset.features",
                found=column,
                message=f"`{column[:100]}` is the {role}, never a feature",
                fix="take it out of `features`",
            )
        if column in used and "target" in {role, used[column]}:
            yield FieldProblem(
                field=field, found=column, message=f"`{column[:100]}` is the {used[column]} already", fix="name another column"
            )
        used.setdefault(column, role)
    for column in roles.features or ():
        if column in roles.drop:
            yield FieldProblem(
                field="dataset.drop",
                found=column,
                message=f"`{column[:100]}` is declared as a feature",
                fix="take it out of `drop` or of `features`",
            )
    if roles.features is not None and len(set(roles.features)) < len(roles.features):
        yield FieldProblem(field="dataset.features", message="a column stands twice", fix="name each feature once")


def _column_problems(steps: Sequence[Bound], roles: Roles) -> Iterator[FieldProblem]:
    """Steps that would take a role away, or change or learn from one when its values are fixed already."""
    held = {column: role for role in ROLES if (column := getattr(roles, role)) is not None}
    fixed: str | None = None
    for bound in steps:
        for column in bound.removes():
            if column in held:
                yield FieldProblem(
                    field=f"{bound.where}.columns", found=column, message=f"`{column[:100]}` is the {held[column]} and cannot be dropped",
                    fix="it is no feature anyway: leave it out of the step",
                )  # fmt: skip
        if bound.kind == "fitted":
            for argument, column in bound.named():
                if column in held:
                    yield FieldProblem(
                        field=f"{bound.where}.{argument}", found=column, message=f"`{bound.name}` changes features only, and `{column[:100]}` is the {held[column]}",
                        fix="take it out; `replace`, `cast` and `rename` may change it",
                    )  # fmt: skip
            fixed = fixed or bound.where
        elif bound.kind == "values" and fixed:
            for column in [*(column for _, column in bound.named()), *bound.renames()]:
                if column in held:
                    yield FieldProblem(
                        field=bound.where, found=column, message=f"the {held[column]} `{column[:100]}` is read as it stands before `{fixed}`",
                        fix=f"put this step before `{fixed}`",
                    )  # fmt: skip
        held = {bound.renames().get(column, column): role for column, role in held.items()}


def _collected(problems: Sequence[FieldProblem]) -> SpecError:
    first = problems[0]
    message = first.message if len(problems) == 1 else f"{len(problems)} fields are wrong: {first.message}"
    return SpecError(message, field=first.field, found=first.found, fix=first.fix, errors=list(problems))

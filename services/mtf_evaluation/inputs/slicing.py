"""How the caller of `mtf.evaluate` wants the rows parted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import ValidationError

from mtf.contracts.run import EvaluationSpec
from mtf.errors import SpecError
from mtf.fields import field_problems
from mtf_evaluation.declared import forms

FIELD = "slice_by"


def crosses(slice_by: Sequence[Any] | None, columns: Iterable[str]) -> list[list[forms.Part]]:
    """The ways to part the rows: every column by its values where nothing else is asked for. Raises SpecError that names the entry."""
    if slice_by is None:
        return [[name] for name in columns]
    wanted = {"slices": [slice_by] if isinstance(slice_by, str) else list(slice_by)}
    try:
        read = EvaluationSpec.model_validate(wanted)
    except ValidationError as error:
        first = field_problems(error, EvaluationSpec, wanted)[0]
        raise SpecError(first.message, field=first.field.replace("slices", FIELD, 1), found=first.found, fix=first.fix) from None
    return forms.crosses(read.slices, where=FIELD)

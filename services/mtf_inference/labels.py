"""One order of labels for truth, predictions and scores, matched by name: `1`, `"1"`, `1.0` and `True` are one label."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mtf.errors import DataError, ModelError, SpecError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

SHOWN = 10


def spellings(label: Any) -> tuple[str, ...]:
    """The texts under which a label is found, the most exact first."""
    if isinstance(label, bool):
        return (str(label), str(int(label)))
    if isinstance(label, int):
        return (str(label),)
    if isinstance(label, float):
        return (str(int(label)), repr(label)) if math.isfinite(label) and label == int(label) else (repr(label),)
    text = str(label)
    if text in {"True", "False"}:
        return (text, str(int(text == "True")))
    number = _number(text)
    return (text,) if number is None or str(number) == text else (text, str(number))


@dataclass(frozen=True)
class Labels:
    """Labels in output order, and how to find the code of each."""

    values: tuple[Any, ...]
    codes: dict[str, int]

    @classmethod
    def of(cls, values: Iterable[Any], field: str) -> Labels:
        """Number the labels from 0. Raises SpecError when two of them are the same label."""
        kept = tuple(values)
        codes: dict[str, int] = {}
        for code, label in enumerate(kept):
            for text in spellings(label):
                if codes.setdefault(text, code) != code:
                    raise SpecError(f"two labels cannot be told apart: {kept[codes[text]]!r} and {label!r}", field=field)
        return cls(kept, codes)

    def code(self, label: Any) -> int | None:
        """The code of a label, or None for an unknown one."""
        return next((self.codes[text] for text in spellings(label) if text in self.codes), None)

    def translate(self, labels: Sequence[Any]) -> tuple[list[int], list[Any]]:
        """Codes of `labels` (-1 for an unknown one), and the unknown ones."""
        found = [self.code(label) for label in labels]
        return [-1 if code is None else code for code in found], [label for label, code in zip(labels, found, strict=True) if code is None]


def agree(truth: Sequence[Any], model: Sequence[Any] | None, task: str) -> Labels:
    """The truth's labels in their order, then those that only the model knows. Raises ModelError where a binary task would get a third."""
    base = Labels.of(truth, "dataset.target")
    if model is None:
        return base
    _, extra = base.translate(model)
    if truth and len(extra) == len(model):
        raise SpecError(
            f"the model's labels {_list(model)} and the data's labels {_list(truth)} have nothing in common",
            field="model.labels",
            found=_list(model),
            fix="declare `model.labels`: the data's labels in the order of the model's",
        )
    if extra and task == "binary":
        raise ModelError(
            f"the data has the labels {_list(truth)}, and the model also knows {_list(extra)}",
            field="model",
            found=_list(model),
            fix="declare `evaluation.task: multiclass`, or fix the labels with a `replace` step",
        )
    return Labels.of([*truth, *extra], "model.labels")


def encode_truth(column: pa.ChunkedArray, labels: Labels, known: frozenset[int] | None) -> NDArray[np.int32]:
    """(n,) int32 codes of the truth, -1 where it is missing. `known` are the codes that the model can predict, if that is known.

    Raises DataError for a label that is not declared, or that the model cannot know.
    """
    import numpy as np
    import pyarrow as pa

    encoded = column.combine_chunks()
    encoded = encoded if isinstance(encoded, pa.DictionaryArray) else encoded.dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
    codes, unknown = labels.translate(distinct)
    if unknown:
        raise DataError(
            f"the target has labels that are not among {_list(labels.values)}: {_list(unknown)}",
            field="dataset.target",
            found=_list(unknown),
        )
    strange = [label for label, code in zip(distinct, codes, strict=True) if known is not None and code not in known]
    if strange:
        raise DataError(
            f"the target has labels that the model does not know: {_list(strange)}",
            field="dataset.target",
            found=_list(strange),
            fix="drop those rows, replace the labels, or train the model on them",
        )
    table = np.array([*codes, -1], dtype=np.int32)
    indices = np.asarray(encoded.indices.fill_null(len(codes)).to_numpy(zero_copy_only=False), dtype=np.int64)
    return np.asarray(table[indices], dtype=np.int32)


def encode_predictions(codes: NDArray[np.int32], values: Sequence[Any], labels: Labels) -> NDArray[np.int32]:
    """(n,) codes into `values` as codes into `labels`, -1 kept. Raises ModelError for a label that nobody declared."""
    import numpy as np

    table, unknown = labels.translate(values)
    if unknown:
        raise ModelError(
            f"the model predicted labels that the data does not have: {_list(unknown)}",
            field="model",
            found=_list(unknown),
            fix=f"the labels are {_list(labels.values)}; declare `model.labels` if the model has codes of its own",
        )
    return np.asarray(np.array([*table, -1], dtype=np.int32)[codes], dtype=np.int32)


def rename(values: Sequence[Any], carried: Sequence[Any] | None, declared: Sequence[Any] | None) -> list[Any]:
    """Hard labels under their declared names.

    The i-th label that the model carries is the i-th declared one. A model that carries none may predict names, or positions from 0.
    """
    if declared is None:
        return list(values)
    if carried is not None:
        places = Labels.of(carried, "model").translate(values)[0]
        return [value if place < 0 else declared[place] for value, place in zip(values, places, strict=True)]
    names = Labels.of(declared, "model.labels")
    return [value if names.code(value) is not None else _at(declared, value) for value in values]


def _at(declared: Sequence[Any], value: Any) -> Any:
    """The declared label at a position, or the value itself where it is no position."""
    number = _number(str(value)) if not isinstance(value, bool) else int(value)
    return declared[number] if number is not None and 0 <= number < len(declared) else value


def _number(text: str) -> int | None:
    """The integer that a text such as `1.0` or `01` stands for; None for other texts."""
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if math.isfinite(value) and value == int(value) and text.strip() == text and "_" not in text else None


def _list(labels: Iterable[Any]) -> str:
    kept = list(labels)
    return ", ".join(repr(label)[:60] for label in kept[:SHOWN]) + (f" and {len(kept) - SHOWN:,} more" if len(kept) > SHOWN else "")

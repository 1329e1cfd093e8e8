"""What an ONNX file says of itself, read before the runtime sees it (field numbers: onnx.proto3 of the ONNX project)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mtf.errors import ModelError
from mtf_inference.loaders.protobuf import fields, text, varint

DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
"""Operators that the runtime itself brings; any other domain would need a library of the user's."""
EXTERNAL = 1
BULK = ("nodes_", "target_", "class_", "leaf_", "tree_", "base_values", "coefficients", "intercepts", "support_vectors", "vectors_")
"""Attributes that hold a tree's or a linear model's numbers, one field each: millions, and none of them of interest here."""


@dataclass
class OnnxFacts:
    """Header, operator domains and class labels of a model."""

    ir_version: int | None = None
    producer: str = ""
    opsets: dict[str, int] = field(default_factory=dict)
    domains: set[str] = field(default_factory=set)
    external: bool = False
    graphs: int = 0
    zipped: list[list[Any]] = field(default_factory=list)
    """Class labels that ZipMap nodes name."""
    listed: list[list[Any]] = field(default_factory=list)
    """Distinct lists of class labels that classifiers carry."""

    @property
    def labels(self) -> list[Any] | None:
        """The model's labels: a ZipMap's, else the only list there is. Several lists (an ensemble of classifiers) tell nothing."""
        found = self.zipped or self.listed
        return found[0] if len(found) == 1 else None


def looks_like_onnx(head: bytes) -> bool:
    """Whether the head is an ONNX model's: it begins with a small `ir_version`, and known fields of the model follow."""
    if len(head) < 4 or head[0] != 0x08 or not 1 <= head[1] <= 30:  # noqa: PLR2004 - field 1, a varint; versions so far end at 12
        return False
    try:
        for seen, (number, _) in enumerate(fields(memoryview(head))):
            if number not in {1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25}:
                return False
            if seen > 6:  # noqa: PLR2004 - enough
                return True
    except ValueError as error:
        return "cut off" in str(error)  # the graph is longer than the head
    return True


def read(path: Path) -> OnnxFacts:
    """Walk the whole file. Raises ModelError for what is no complete ONNX model."""
    facts = OnnxFacts()
    try:
        for number, value in fields(memoryview(path.read_bytes())):
            if number == 1 and isinstance(value, int):
                facts.ir_version = value
            elif number in {2, 3}:
                facts.producer = f"{facts.producer} {text(value)}".strip()
            elif number == 7 and isinstance(value, memoryview):  # noqa: PLR2004 - field numbers
                facts.graphs += 1
                _graph(value, facts)
            elif number == 8 and isinstance(value, memoryview):  # noqa: PLR2004
                _opset(value, facts)
            elif number == 25 and isinstance(value, memoryview):  # noqa: PLR2004 - a function: its nodes are field 7
                _nodes((item for key, item in fields(value) if key == 7), facts)  # noqa: PLR2004
    except (ValueError, RecursionError) as error:
        raise _damaged(str(error)) from None
    if not facts.graphs:
        raise _damaged("it has no graph")
    return facts


def _damaged(why: str) -> ModelError:
    return ModelError(f"the file is no complete ONNX model ({why})", field="model", fix="export the model again")


def _opset(data: memoryview, facts: OnnxFacts) -> None:
    found: dict[int, Any] = dict(fields(data))
    facts.opsets[text(found.get(1, 0)) or "ai.onnx"] = int(found.get(2, 0))


def _graph(data: memoryview, facts: OnnxFacts) -> None:
    """Nodes are field 1, initializers field 5, sparse initializers field 15."""
    nodes = []
    for number, value in fields(data):
        if number == 1:
            nodes.append(value)
        elif number == 5 and isinstance(value, memoryview):  # noqa: PLR2004
            _tensor(value, facts)
        elif number == 15 and isinstance(value, memoryview):  # noqa: PLR2004 - values and indices are tensors
            for _, part in fields(value):
                if isinstance(part, memoryview):
                    _tensor(part, facts)
    _nodes(iter(nodes), facts)


def _nodes(nodes: Iterator[int | memoryview], facts: OnnxFacts) -> None:
    for node in nodes:
        if isinstance(node, int):
            continue
        kind, attributes = "", []
        for number, value in fields(node):
            if number == 7:  # noqa: PLR2004 - domain
                facts.domains.add(text(value))
            elif number == 4:  # noqa: PLR2004 - operator
                kind = text(value)
            elif number == 5 and isinstance(value, memoryview):  # noqa: PLR2004 - attribute
                attributes.append(value)
        for attribute in attributes:
            _attribute(attribute, facts, facts.zipped if kind == "ZipMap" else facts.listed)


def _attribute(data: memoryview, facts: OnnxFacts, lists: list[list[Any]]) -> None:
    """Tensors (5, 10), graphs (6, 11), and the lists of class labels that classifiers and ZipMap carry (8, 9)."""
    name = ""
    integers: list[int] = []
    strings: list[str] = []
    for number, value in fields(data):
        if number == 1:
            name = text(value)
            if name.startswith(BULK):
                return
        elif number in {5, 10} and isinstance(value, memoryview):
            _tensor(value, facts)
        elif number in {6, 11} and isinstance(value, memoryview):
            _graph(value, facts)
        elif number == 8:  # noqa: PLR2004
            integers += [value] if isinstance(value, int) else _packed(value)
        elif number == 9:  # noqa: PLR2004
            strings.append(text(value))
    if name in {"classlabels_strings", "classlabels_int64s", "classlabels_ints"} and (strings or integers):
        labels: list[Any] = [*strings] or [value - (1 << 64) if value >> 63 else value for value in integers]
        if labels not in lists:
            lists.append(labels)


def _packed(data: memoryview) -> list[int]:
    values, position = [], 0
    while position < len(data):
        value, position = varint(data, position)
        values.append(value)
    return values


def _tensor(data: memoryview, facts: OnnxFacts) -> None:
    """Field 14 says where the numbers lie, field 13 names a file outside."""
    for number, value in fields(data):
        if number == 13 or (number == 14 and value == EXTERNAL):  # noqa: PLR2004
            facts.external = True

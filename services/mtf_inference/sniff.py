"""What a file is, told from its first bytes; its name is only a hint, and a pickle under another name is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtf import plugins
from mtf.errors import SpecError
from mtf_inference.loaders.pickles import is_pickle

HEAD = 4096
"""Bytes that are looked at."""
TABLES = {b"PAR1": "a Parquet table", b"ARROW1": "an Arrow file", b"SQLite format 3": "an SQLite database"}
OTHERS = {
    b"\x89HDF": "an HDF5 file (Keras)",
    b"%PDF": "a PDF",
    b"PK\x05\x06": "an empty zip file",
    b"\x7fELF": "a program",
    b"#!": "a script",
}


def local_loaders() -> Mapping[str, Any]:
    """Loaders that open a model file, by name; those of formats that run code first, so that no other sniffs before them."""
    found = {name: plugins.load("loader", name) for name in plugins.names("loader")}
    local = {name: one for name, one in found.items() if not one.remote and not getattr(one, "aligned", False)}
    return dict(sorted(local.items(), key=lambda item: (not item[1].unsafe, item[0])))


def choose(head: bytes | None, name: str | None, declared: str | None) -> str:
    """The loader for a file. `declared` is the user's `format`. Raises SpecError that says what the file is instead."""
    loaders = local_loaders()
    if declared is not None and declared not in loaders:
        raise plugins.unknown("model format", declared, sorted(loaders), where="model.source.format")
    named = declared or _by_suffix(name, loaders)
    if head is None:
        if named is None:
            raise SpecError(
                "the model's format cannot be told from its name",
                field="model.source.format",
                found=name,
                fix=f"say `format: {'|'.join(loaders)}`",
            )
        return named
    seen = [key for key, loader in loaders.items() if loader.sniff(head[:HEAD])]
    if named is not None:
        agree(head, loaders[named], name)
        if named in seen or not seen or declared is not None:
            if not seen and _is_something_else(head):
                raise _not_a_model(head, name)
            if declared is not None and seen and named not in seen and not _both_pickles(named, seen, loaders):
                raise SpecError(
                    f"the file is declared as {declared}, and its first bytes are those of {seen[0]}",
                    field="model.source.format",
                    found=seen[0],
                )
            return named
    if not seen:
        raise _not_a_model(head, name)
    return seen[0]


def agree(head: bytes, loader: Any, name: str | None) -> None:
    """Raise SpecError where a file that can run code hides behind a format that cannot, or where there is nothing to open."""
    if not head:
        raise SpecError("the model file is empty", field="model.source", found=name)
    if not loader.unsafe and disguised(head):
        raise SpecError(
            f"the file is a pickle under the name of {loader.name}; a pickle can run any code while it is opened",
            field="model.source",
            found=name or loader.name,
            fix="save the model as skops or ONNX; or name it .pkl or .joblib, where the settings allow pickles",
        )


def disguised(head: bytes) -> bool:
    """Whether the head is a pickle's, plain or compressed."""
    return is_pickle(head) or any(loader.sniff(head) for loader in local_loaders().values() if loader.unsafe)


def _by_suffix(name: str | None, loaders: Mapping[str, Any]) -> str | None:
    suffix = Path(name or "").suffix.lower()
    return next((key for key, loader in loaders.items() if suffix and suffix in loader.suffixes), None)


def _both_pickles(named: str, seen: list[str], loaders: Mapping[str, Any]) -> bool:
    """Joblib opens plain pickles, and their heads look alike."""
    return bool(loaders[named].unsafe) and any(loaders[one].unsafe for one in seen)


def _is_something_else(head: bytes) -> bool:
    return _kind(head) is not None


def _kind(head: bytes) -> str | None:
    for magic, what in {**TABLES, **OTHERS}.items():
        if head.startswith(magic):
            return what
    try:
        text = head[: HEAD - 8].decode()
    except UnicodeDecodeError:
        return None
    return "text" if "\0" not in text else None


def _not_a_model(head: bytes, name: str | None) -> SpecError:
    if not head:
        return SpecError("the model file is empty", field="model.source", found=name)
    kind = _kind(head)
    table = kind in {*TABLES.values(), "text"}
    return SpecError(
        f"the model file is {kind}, which is no model" if kind else "the model file is of no known format",
        field="model.source",
        found=kind or head[:8].hex(" "),
        fix="for predictions that were made elsewhere say `type: predictions`"
        if table
        else "save the model as skops or ONNX, or say `format:`",
    )

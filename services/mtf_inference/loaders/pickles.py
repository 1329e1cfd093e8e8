"""`pickle` and `joblib`: formats that run code while they are opened, so they need the setting and the strict sandbox."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

from mtf.errors import ModelError, SpecError
from mtf_inference.loaders.arguments import NoArgs
from mtf_inference.loaders.estimator import EstimatorModel

PROTOCOLS = range(2, 6)
SEARCHED = 256 << 20
"""Bytes of a file that are searched for the version that wrote it."""


def is_pickle(head: bytes) -> bool:
    """Whether the head is a pickle's: protocol 2 to 5, or one of protocol 0 and 1 that imports something early."""
    if len(head) >= 2 and head[0] == 0x80 and head[1] in PROTOCOLS:  # noqa: PLR2004 - the PROTO opcode and its argument
        return True
    return head[:1] in {b"c", b"("} and (b"\n" in head[:200]) and (head.startswith(b"c") or b"\nc" in head[:512] or b"(c" in head[:512])


class PickleLoader:
    """Opens a file with `pickle.load`."""

    name: ClassVar[str] = "pickle"
    version: ClassVar[int] = 1
    Args: ClassVar[type[NoArgs]] = NoArgs
    suffixes: ClassVar[tuple[str, ...]] = (".pkl", ".pickle")
    remote: ClassVar[bool] = False
    unsafe: ClassVar[bool] = True
    packages: ClassVar[tuple[str, ...]] = ("numpy", "scikit-learn")

    def sniff(self, head: bytes) -> bool:
        """The PROTO opcode, or the import opcodes of old protocols."""
        return is_pickle(head)

    def load(self, path: Path | None, args: NoArgs) -> EstimatorModel:  # noqa: ARG002 - the protocol's shape
        """Unpickle. Raises whatever the pickle raises."""
        import pickle

        with _file(path).open("rb") as file:
            return _opened("pickle", _file(path), lambda: pickle.load(file))  # noqa: S301 - the sandbox is strict and the setting is on


class JoblibLoader:
    """Opens a file with `joblib.load`, compressed or not."""

    name: ClassVar[str] = "joblib"
    version: ClassVar[int] = 1
    Args: ClassVar[type[NoArgs]] = NoArgs
    suffixes: ClassVar[tuple[str, ...]] = (".joblib",)
    remote: ClassVar[bool] = False
    unsafe: ClassVar[bool] = True
    packages: ClassVar[tuple[str, ...]] = ("numpy", "scikit-learn", "joblib")

    def sniff(self, head: bytes) -> bool:
        """A pickle whose first bytes name joblib's arrays, or a compressed pickle (zlib, gzip)."""
        return (is_pickle(head) and b"joblib" in head) or is_pickle(_unpacked(head))

    def load(self, path: Path | None, args: NoArgs) -> EstimatorModel:  # noqa: ARG002 - the protocol's shape
        """Unpickle with joblib. Raises whatever the pickle raises."""
        import joblib

        file = _file(path)
        return _opened("joblib", file, lambda: joblib.load(file))


def _file(path: Path | None) -> Path:
    if path is None:
        raise SpecError("a pickled model is a file", field="model.source.path")
    return path


def _opened(kind: str, path: Path, load: Callable[[], Any]) -> EstimatorModel:
    """The unpickled model; what fails for reasons of versions says which versions wrote it and which are here."""
    written = _learned_with(path)
    try:
        estimator = load()
    except (ModuleNotFoundError, AttributeError, EOFError, ValueError) as error:
        here = ", ".join(f"{name} {version(name)}" for name in ("scikit-learn", "numpy"))
        raise ModelError(
            f"the {kind} file could not be opened ({type(error).__name__}: {str(error)[:500]})",
            field="model",
            fix=f"it was written with scikit-learn {written or 'unknown'}; here are {here}",
        ) from error
    return EstimatorModel(estimator, {"format": kind, "written_by": {"scikit-learn": written}})


def _learned_with(path: Path) -> str | None:
    """The version of scikit-learn that an estimator notes in its state; None where the file is compressed or from elsewhere."""
    with path.open("rb") as file:
        found = re.search(rb"_sklearn_version[^0-9]{1,12}([0-9]+\.[0-9]+[0-9a-z.]{0,12})", file.read(SEARCHED))
    return found[1].decode() if found else None


def _unpacked(head: bytes) -> bytes:
    """The beginning of what a zlib or gzip stream holds; empty for anything else."""
    if not (head.startswith((b"\x1f\x8b", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"))):
        return b""
    try:
        return zlib.decompressobj(47).decompress(head, 512)
    except zlib.error:
        return b""

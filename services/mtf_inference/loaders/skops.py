"""The `skops` format: a zip of JSON and arrays, from which only types on our trust list are ever constructed."""

from __future__ import annotations

import json
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar
from zipfile import BadZipFile, ZipFile

from mtf.errors import LimitError, ModelError, SpecError
from mtf_inference.loaders.arguments import NoArgs
from mtf_inference.loaders.estimator import EstimatorModel

MOST_BYTES = 8 * 1024**3
"""Unpacked bytes of one file; more is refused before anything is unpacked."""


class SkopsLoader:
    """Opens `.skops` files."""

    name: ClassVar[str] = "skops"
    version: ClassVar[int] = 1
    Args: ClassVar[type[NoArgs]] = NoArgs
    suffixes: ClassVar[tuple[str, ...]] = (".skops",)
    remote: ClassVar[bool] = False
    unsafe: ClassVar[bool] = False
    packages: ClassVar[tuple[str, ...]] = ("numpy", "scikit-learn", "skops")

    def sniff(self, head: bytes) -> bool:
        """A zip; its directory stands at the end, so the head alone cannot tell more unless `schema.json` comes early."""
        return head.startswith(b"PK\x03\x04")

    def load(self, path: Path | None, args: NoArgs) -> EstimatorModel:  # noqa: ARG002 - the protocol's shape
        """Check every type by name, then construct. Raises ModelError that names the types which are not trusted."""
        if path is None:
            raise SpecError("a skops model is a file", field="model.source.path")
        made = _made_with(path)
        import skops.io
        from skops.io.exceptions import UntrustedTypesFoundException

        trusted = trust_list()
        versions = f"the file was written by skops {made}; here are skops {version('skops')} and scikit-learn {version('scikit-learn')}"
        try:
            foreign = sorted(set(skops.io.get_untrusted_types(file=path)) - trusted)
            if foreign:
                raise _untrusted(foreign)
            estimator = skops.io.load(path, trusted=sorted(trusted))
        except (ModelError, MemoryError, PermissionError):
            raise
        except UntrustedTypesFoundException as error:
            raise _untrusted([str(error)]) from None
        except Exception as error:
            # skops raises whatever the constructors raise; what the user needs beside it is the versions of both sides.
            raise ModelError(
                f"the skops file could not be opened ({type(error).__name__}: {str(error)[:500]})", field="model", fix=versions
            ) from error
        about = {"format": "skops", "written_by": {"skops": made, "scikit-learn": getattr(estimator, "_sklearn_version", None)}}
        return EstimatorModel(estimator, about)


def trust_list() -> frozenset[str]:
    """Types that may be constructed: every list in `trusted/`, one a plug-in family."""
    folder = resources.files("mtf_inference") / "trusted"
    lists = [json.loads(file.read_text()) for file in folder.iterdir() if file.name.endswith(".json")]
    return frozenset(name for one in lists for name in one["types"])


def _made_with(path: Path) -> str:
    """The version of skops that wrote the file. Raises ModelError for what is no skops file, LimitError for a zip bomb."""
    try:
        with ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            if size > MOST_BYTES:
                raise LimitError(f"the skops file unpacks to {size:,} bytes, more than {MOST_BYTES:,}", field="model")
            schema: Any = json.loads(archive.read("schema.json"))
    except (BadZipFile, KeyError, ValueError, EOFError) as error:
        raise ModelError(
            f"the file is no complete skops file ({error})", field="model", fix="write it again with skops.io.dump(model, path)"
        ) from None
    return str(schema.get("_skops_version", "unknown")) if isinstance(schema, dict) else "unknown"


def _untrusted(names: list[str]) -> ModelError:
    shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")  # noqa: PLR2004
    return ModelError(
        f"the skops file holds types that are not trusted: {shown}",
        field="model",
        found=shown,
        fix="use scikit-learn's own estimators, or convert the model to ONNX",
    )

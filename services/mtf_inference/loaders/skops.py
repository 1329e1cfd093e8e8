"""The `skops` format: a zip of JSON and arrays, from which only types on our trust list are ever constructed."""

from __future__ import annotations

import json
import re
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

    def data_versions(self) -> dict[str, str]:
        """The trust lists decide what opens, so that they are part of the fingerprint."""
        return {"trusted": "+".join(sorted(f"{name} {one['version']}" for name, one in _lists().items()))}

    def load(self, path: Path | None, args: NoArgs) -> EstimatorModel:  # noqa: ARG002 - the protocol's shape
        """Check every type by name, then construct. Raises ModelError that names the types which are not trusted."""
        if path is None:
            raise SpecError("a skops model is a file", field="model.source.path")
        schema = _schema(path)
        made, learned = str(schema.get("_skops_version", "unknown")), _learned_with(schema)
        import skops.io
        from skops.io.exceptions import UntrustedTypesFoundException

        trusted = trust_list()
        try:
            foreign = sorted(set(skops.io.get_untrusted_types(file=path)) - trusted)
            estimator = None if foreign else skops.io.load(path, trusted=sorted(trusted))
        except (MemoryError, PermissionError):
            raise
        except UntrustedTypesFoundException as error:
            foreign = [str(error)[:500]]
        except Exception as error:
            # skops raises whatever the constructors raise; what the user needs beside it is the versions of both sides.
            raise ModelError(
                f"the skops file could not be opened ({type(error).__name__}: {str(error)[:500]})",
                field="model",
                fix=f"it was written by skops {made} with scikit-learn {learned or 'unknown'}; here are skops {version('skops')} "
                f"and scikit-learn {version('scikit-learn')}",
            ) from error
        if foreign:
            raise _untrusted(foreign)
        about = {"format": "skops", "written_by": {"skops": made, "scikit-learn": learned}}
        return EstimatorModel(estimator, about)


def trust_list() -> frozenset[str]:
    """Types that may be constructed: every list in `trusted/`, one a library."""
    return frozenset(name for one in _lists().values() for name in one["types"])


def _lists() -> dict[str, Any]:
    folder = resources.files("mtf_inference") / "trusted"
    return {file.name.removesuffix(".json"): json.loads(file.read_text()) for file in folder.iterdir() if file.name.endswith(".json")}


def _schema(path: Path) -> dict[str, Any]:
    """The file's description of itself. Raises ModelError for what is no skops file, LimitError for a zip bomb."""
    try:
        with ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            if size > MOST_BYTES:
                raise LimitError(f"the skops file unpacks to {size:,} bytes, more than {MOST_BYTES:,}", field="model")
            schema = json.loads(archive.read("schema.json"))
    except (BadZipFile, KeyError, ValueError, EOFError, NotImplementedError, RecursionError) as error:
        raise _damaged(str(error)) from None
    if not isinstance(schema, dict):
        raise _damaged("its schema.json is no object")
    return schema


def _damaged(why: str) -> ModelError:
    return ModelError(
        f"the file is no complete skops file ({why[:200]})", field="model", fix="write it again with skops.io.dump(model, path)"
    )


def _learned_with(schema: dict[str, Any]) -> str | None:
    """The version of scikit-learn that the outermost estimator notes in its state."""
    found = re.search(r'"_sklearn_version": \{[^{}]*"content": "\\"([0-9A-Za-z.+-]{1,40})\\""', json.dumps(schema))
    return found[1] if found else None


def _untrusted(names: list[str]) -> ModelError:
    shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")  # noqa: PLR2004
    return ModelError(
        f"the skops file holds types that are not trusted: {shown}",
        field="model",
        found=shown,
        fix="use scikit-learn's own estimators, or convert the model to ONNX",
    )

"""Files of a run file become uploads: sent by digest, once, and named by it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mtf.errors import DataError, NotFoundError, SpecError, UsageError

Upload = Callable[[Path], str]
"""Sends a file, unless the gateway knows it, and returns its digest."""


def uploaded(document: dict[str, Any], base: Path, upload: Upload) -> dict[str, Any]:
    """The run file with digests in place of local paths. What is not of the right form stays as it is: the gateway tells what is wrong."""
    document = copy.deepcopy(document)
    dataset, model = _mapping(document, "dataset"), _mapping(document, "model")
    _data(dataset, base, upload, "dataset.source")
    _data(_mapping(dataset, "train"), base, upload, "dataset.train.source")
    _model(model, base, upload, "model.source")
    _baseline(_mapping(document, "evaluation"), base, upload)
    _recipe(_mapping(document, "processing"), base, upload)
    return document


def uploaded_source(source: dict[str, Any], base: Path, upload: Upload, field: str) -> dict[str, Any]:
    """A data source with a digest in place of its path; any other source as it is."""
    if source.get("type") != "file" or not isinstance(source.get("path"), str):
        return source
    path = local(base, source["path"], f"{field}.path")
    rest = {key: value for key, value in source.items() if key not in {"type", "path"}}
    return {"type": "upload", "digest": upload(path), "name": path.name, **rest}


def local(base: Path, written: str, field: str) -> Path:
    """The file that a path names. Raises NotFoundError, UsageError for what is no readable file, DataError for an empty one."""
    path = base / Path(written).expanduser()
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {written}", field=field, found=written, fix="paths are relative to the run file") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{written[:100]} cannot be read: {error}", field=field, found=written) from None
    if not path.is_file():
        raise UsageError(f"{written} is no file", field=field, found=written, fix="name a file")
    if size == 0:
        raise DataError(f"{written} is empty", field=field, found="0 bytes")
    return path


def _mapping(parent: Any, key: str) -> dict[str, Any]:
    value = parent.get(key) if isinstance(parent, dict) else None
    return value if isinstance(value, dict) else {}


def _data(parent: dict[str, Any], base: Path, upload: Upload, field: str) -> None:
    if isinstance(parent.get("source"), dict):
        parent["source"] = uploaded_source(parent["source"], base, upload, field)


def _model(parent: dict[str, Any], base: Path, upload: Upload, field: str) -> None:
    """A model file becomes an upload; predictions stay predictions, by digest."""
    source = parent.get("source")
    if not isinstance(source, dict) or not isinstance(source.get("path"), str):
        return
    if source.get("type") == "file":
        parent["source"] = uploaded_source(source, base, upload, field)
    elif source.get("type") == "predictions":
        path = local(base, source["path"], f"{field}.path")
        rest = {key: value for key, value in source.items() if key != "path"}
        parent["source"] = {**rest, "digest": upload(path)}


def _baseline(evaluation: dict[str, Any], base: Path, upload: Upload) -> None:
    baseline = evaluation.get("baseline")
    if not isinstance(baseline, dict):
        return
    if isinstance(baseline.get("report"), str):
        evaluation["baseline"] = _run_of(local(base, baseline["report"], "evaluation.baseline.report"))
    else:
        _model(baseline, base, upload, "evaluation.baseline.source")


def _run_of(path: Path) -> str:
    """The id of the run that a report is of: the gateway that made the report has its predictions."""
    from pydantic import ValidationError

    from mtf.contracts.report import Report

    try:
        return Report.model_validate_json(path.read_bytes()).run.id
    except (ValidationError, OSError):
        raise SpecError(
            f"{path.name} is no report", field="evaluation.baseline.report", found=str(path), fix="name a report.json that `mtf run` wrote"
        ) from None


def _recipe(processing: dict[str, Any], base: Path, upload: Upload) -> None:
    written = processing.get("recipe")
    if isinstance(written, str) and (base / written).is_file():
        processing["recipe"] = upload(base / written)

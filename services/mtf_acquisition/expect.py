"""The user's conditions on a dataset, checked before anything is measured on it."""

from __future__ import annotations

from mtf.contracts.run import ExpectSpec
from mtf.errors import DataError


def check(expect: ExpectSpec, *, rows: int, columns: list[str], digest: str) -> None:
    """Raise DataError for the first condition that the version does not meet."""
    if expect.columns is not None:
        _check_columns(expect.columns, columns)
    if expect.rows is not None and rows != expect.rows:
        raise DataError(f"the dataset has {rows:,} rows, not {expect.rows:,}", field="expect.rows", found=rows, fix=_FIX)
    if expect.min_rows is not None and rows < expect.min_rows:
        raise DataError(f"the dataset has {rows:,} rows, fewer than {expect.min_rows:,}", field="expect.min_rows", found=rows, fix=_FIX)
    if expect.digest is not None and digest != expect.digest.removeprefix("sha256:"):
        raise DataError("the dataset's content is another than expected", field="expect.digest", found=digest, fix=_FIX)


_FIX = "look at the source, or correct `expect`"


def _check_columns(expected: list[str], found: list[str]) -> None:
    """The same names in any order."""
    absent, extra = [name for name in expected if name not in found], [name for name in found if name not in expected]
    if absent or extra:
        parts = [f"lacks {_listed(absent)}"] if absent else []
        parts += [f"has {_listed(extra)} besides"] if extra else []
        raise DataError(f"the dataset {' and '.join(parts)}", field="expect.columns", found=", ".join(found), fix=_FIX)


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{name[:60]}`" for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"  # noqa: PLR2004 - as many as one line holds

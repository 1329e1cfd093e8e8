"""Hashes of values and rows that are the same on every machine and in every version: splits and duplicates are decided by them.

A text is hashed as a polynomial in its bytes modulo 2^64, over a whole column at once through wrapping prefix sums; every step ends in the
finaliser of splitmix64 (Steele, Lea & Flood 2014). Whole numbers hash alike as int64 and as float64, so that a column that widens keeps its
rows where they were.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mtf_processing.kernels.columns import kind_of, missing

Hash = NDArray[np.uint64]

_BASES = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1342543DE82EF95))
_MISSING = np.uint64(0x5851F42D4C957F2D)
_ONE = np.uint64(1)


def mix(values: Hash) -> Hash:
    """(n,) splitmix64's finaliser: every bit of the input changes every bit of the output with probability one half."""
    values = values ^ (values >> np.uint64(30))
    values = values * np.uint64(0xBF58476D1CE4E5B9)
    values = values ^ (values >> np.uint64(27))
    values = values * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def column_hash(column: pa.Array, lane: int = 0) -> Hash:
    """(n,) a hash of each value; every missing value has the same. `lane` 0 or 1 chooses one of two independent hashes."""
    kind = kind_of(column.type)
    if kind == "text":
        coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        hashes = mix(_texts(coded.dictionary, lane))
        codes = coded.indices.fill_null(0).to_numpy(zero_copy_only=False)
        found = hashes[codes] if len(hashes) else np.zeros(len(column), dtype=np.uint64)
    elif kind == "decimal":
        return column_hash(column.cast(pa.string()), lane)
    else:
        found = mix(_bits(column, kind) * _BASES[lane] + _BASES[lane])
    absent = missing(column)
    return np.where(absent, _MISSING, found) if absent.any() else found


def row_hash(columns: Sequence[pa.Array], seed: int, lane: int = 0) -> Hash:
    """(n,) a hash of the values of each row, in the order of `columns` (at least one)."""
    total = np.full(len(columns[0]), mix(np.array([seed], dtype=np.uint64) + _BASES[lane])[0], dtype=np.uint64)
    for column in columns:
        total = mix(total * _BASES[1 - lane] + column_hash(column, lane) + _ONE)
    return total


def share(hashes: Hash) -> NDArray[np.float64]:
    """(n,) hashes as numbers in [0, 1), from their upper 53 bits."""
    return (hashes >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _bits(column: pa.Array, kind: str) -> Hash:
    """The value as 64 bits: whole numbers in the range of float64's integers as themselves, whatever their type."""
    if kind == "bool":
        return np.asarray(column.cast(pa.int8()).fill_null(0).to_numpy(zero_copy_only=False)).astype(np.uint64)
    if kind == "time":
        return np.asarray(column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)).view(np.uint64)
    if kind == "integer":
        return np.ascontiguousarray(column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)).view(np.uint64)
    values = np.ascontiguousarray(pc.fill_null(column.cast(pa.float64()), 0.0).to_numpy(zero_copy_only=False))
    values = np.where(np.isnan(values), 0.0, values)
    whole = (np.abs(values) < 2.0**63) & (values == np.trunc(values))
    integers = np.where(whole, values, 0.0).astype(np.int64).view(np.uint64)
    return np.where(whole, integers, values.view(np.uint64))


def _texts(texts: pa.Array, lane: int) -> Hash:
    """(n,) sum of (byte + 1) * base^position within the text, times a factor of its length, modulo 2^64."""
    texts = texts.cast(pa.large_string())
    if len(texts) == 0:
        return np.zeros(0, dtype=np.uint64)
    _, offsets_buffer, data = texts.buffers()
    offsets = np.frombuffer(offsets_buffer, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    first, last = int(offsets[0]), int(offsets[-1])
    content = np.frombuffer(data, dtype=np.uint8)[first:last] if data is not None else np.zeros(0, dtype=np.uint8)
    starts = offsets - first
    lengths = np.diff(starts)
    # Positions count within each text, so that equal texts hash alike wherever they lie.
    position = np.arange(len(content), dtype=np.int64) - np.repeat(starts[:-1], lengths)
    powers = np.full(int(lengths.max(initial=0)) + 1, _BASES[lane], dtype=np.uint64)
    powers[0] = _ONE
    np.multiply.accumulate(powers, out=powers)
    terms = mix(content.astype(np.uint64) + _BASES[lane]) * powers[position]
    sums = np.zeros(len(content) + 1, dtype=np.uint64)
    np.add.accumulate(terms, out=sums[1:])
    totals: Hash = sums[starts[1:]] - sums[starts[:-1]]
    return totals + lengths.astype(np.uint64) * np.uint64(0xA0761D6478BD642F)

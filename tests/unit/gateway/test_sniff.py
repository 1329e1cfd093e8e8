"""Kinds of files told from their heads, against files that the real libraries wrote."""

import bz2
import gzip
import io
import lzma
import pickle
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import skops.io
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from mtf_gateway.registry.sniff import sniff


def _model() -> LogisticRegression:
    return LogisticRegression().fit(np.array([[0.0], [1.0], [2.0], [3.0]]), [0, 0, 1, 1])


def _onnx() -> bytes:
    from skl2onnx import to_onnx

    return to_onnx(_model(), np.zeros((1, 1), np.float32)).SerializeToString()  # type: ignore[no-any-return]


def _parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": [1]}), sink)
    return sink.getvalue()


def _zip() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("readme.txt", "hello")
    return sink.getvalue()


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: skops.io.dumps(_model()), "skops"),
        (_onnx, "onnx"),
        (_parquet, "parquet"),
        (_zip, "zip"),
        (lambda: pickle.dumps(_model()), "pickle"),
        (lambda: gzip.compress(b"a,b\n"), "gzip"),
        (lambda: bz2.compress(b"a,b\n"), "bzip2"),
        (lambda: lzma.compress(b"a,b\n"), "xz"),
        (lambda: b"a,b\n1,2\n", "csv"),
        ("\ufeffname;größe\n".encode, "csv"),
        (lambda: b' {"a": 1}\n', "jsonl"),
        (lambda: b"", "empty"),
        (lambda: bytes(range(256)) * 8, "binary"),
    ],
)
def test_a_real_file_is_recognised(make: object, kind: str) -> None:
    """The kind is what the library that wrote the file would say."""
    assert sniff(make()) == kind  # type: ignore[operator]


@given(st.binary(max_size=5000))
def test_any_bytes_have_a_kind(head: bytes) -> None:
    """No head, cut anywhere, raises."""
    assert sniff(head)

"""CSV and TSV: what is read, and what is refused with its line."""

from __future__ import annotations

import bz2
import contextlib
import csv
import errno
import gzip
import io
import lzma
import random
import resource
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtf.errors import DataError, MtfError, SpecError

GOOD = "name,age,score\nAnn,31,1.5\nBob,,2\n"
ROWS = {"name": ["Ann", "Bob"], "age": [31, None], "score": [1.5, 2.0]}


def refused(lab: Any, content: str | bytes, **options: Any) -> MtfError:
    """The error that a file gets; nothing is left behind it."""
    with pytest.raises(MtfError) as caught:
        lab.file(options.pop("name", "table.csv"), content, **options)
    assert isinstance(caught.value, DataError | SpecError)
    assert caught.value.field
    assert caught.value.fix
    assert len(caught.value.message) < 400
    return caught.value


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("t.csv", GOOD, {}),
        ("t.csv", GOOD.replace("\n", "\r\n"), {}),
        ("t.csv", "\n\n" + GOOD + "\n", {}),
        ("t.csv", "\ufeff" + GOOD, {}),
        ("t.csv", GOOD.rstrip("\n"), {}),
        ("t.tsv", GOOD.replace(",", "\t"), {}),
        ("t.txt", GOOD.replace(",", ";"), {"delimiter": ";"}),
        ("t.csv", GOOD.encode("utf-16"), {"encoding": "utf-16"}),
        ("t.csv", GOOD.replace("Ann", '"Ann"'), {}),
        ("t.csv", GOOD.replace("Ann", "'Ann'"), {"quote": "'"}),
        ("t.csv", GOOD.partition("\n")[2], {"names": ["name", "age", "score"]}),
        ("t.csv", GOOD.replace("name,age,score", "a,b,c"), {"names": ["name", "age", "score"], "header": True}),
        ("t.csv", "| a comment, more\n" + GOOD, {"skip_rows": 1}),
        ("t.csv", GOOD.replace(",", ", "), {"skip_initial_space": True}),
        ("t.csv", GOOD.replace(",,", ",NA,"), {"na_values": ["NA"]}),
        ("t.csv.gz", gzip.compress(GOOD.encode()), {}),
        ("packed", gzip.compress(GOOD[:20].encode()) + gzip.compress(GOOD[20:].encode()), {}),
        ("t.csv.bz2", bz2.compress(GOOD.encode()), {}),
        ("t.csv.xz", lzma.compress(GOOD.encode()), {}),
        ("t.csv.zst", pa.compress(GOOD.encode(), "zstd", asbytes=True), {"compression": "zstd"}),
        ("t.csv", GOOD.replace("\n", ",x\n").replace("score,x", "score,rest"), {"columns": ["name", "age", "score"]}),
    ],
)
def test_the_same_table_in_many_spellings(lab: Any, name: str, content: str | bytes, options: dict[str, Any]) -> None:
    """Line ends, marks, delimiters, quotes, headers, encodings and packings are spelling: the content is one, and so is the digest."""
    done = lab.file(name, content, **options)
    assert done.table.to_pydict() == ROWS
    assert done.facts["digest"] == lab.file("plain.csv", GOOD).facts["digest"]


def test_quoted_fields_hold_anything(acquire_csv: Callable[..., Any]) -> None:
    """Delimiters, quotes and line breaks inside quotes belong to the value."""
    done = acquire_csv('a,b\n"x,y",1\n"say ""hi""",2\n"two\nlines",3\n')
    assert done.table["a"].to_pylist() == ["x,y", 'say "hi"', "two\nlines"]


def test_initial_space_inside_quotes_stays(acquire_csv: Callable[..., Any]) -> None:
    """Blanks behind a delimiter go, also before a quote; blanks inside quotes stay."""
    done = acquire_csv('a,  b\n 1,   " x, y"\n2, plain\n', skip_initial_space=True)
    assert done.table.to_pydict() == {"a": [1, 2], "b": [" x, y", "plain"]}


@pytest.mark.parametrize("block", [1, 2, 3, 7, 50])
def test_initial_space_across_blocks(block: int) -> None:
    """Where a block is cut does not matter."""
    from mtf_acquisition.formats.stream import without_initial_space

    text = b' a,  b, "q, ""  x",c  d\n  e, "  f\n  g",   h,\n'
    pieces = (text[at : at + block] for at in range(0, len(text), block))
    assert b"".join(without_initial_space(pieces, b",", b'"')) == b'a,b,"q, ""  x",c  d\ne,"  f\n  g",h,\n'


def test_a_quote_inside_a_plain_field_is_a_character(acquire_csv: Callable[..., Any]) -> None:
    """An inch mark is no open quote."""
    assert acquire_csv('a,b\n5" pipe,1\nx,2\n').table["a"].to_pylist() == ['5" pipe', "x"]


def test_na_values_hold_for_every_type(acquire_csv: Callable[..., Any]) -> None:
    """A marker of missing values does not make a column of numbers one of text."""
    done = acquire_csv("a,b,c\n1,x,true\n?,?,?\n3,y,false\n", na_values="?")
    assert done.types == {"a": "int64", "b": "utf8", "c": "bool"}
    assert [column.null_count for column in done.table.columns] == [1, 1, 1]


def test_no_header_and_no_names(acquire_csv: Callable[..., Any]) -> None:
    """Columns are numbered."""
    assert acquire_csv("1,x\n2,y\n", header=False).table.to_pydict() == {"column_1": [1, 2], "column_2": ["x", "y"]}


def test_a_single_column_stays_one_when_it_is_said(acquire_csv: Callable[..., Any]) -> None:
    """An explicit delimiter is the user's word."""
    assert acquire_csv("a\nx;y\nu;v\n", delimiter=",").table.to_pydict() == {"a": ["x;y", "u;v"]}


def test_empty_file(lab: Any) -> None:
    """Zero bytes, and nothing but line breaks."""
    assert "empty" in refused(lab, b"").message
    assert "empty" in refused(lab, b"\n\n").message


def test_header_only(lab: Any) -> None:
    """A header without a row is no table."""
    assert "no row" in refused(lab, "a,b\n").message
    assert "no row" in refused(lab, "a,b\n\n\n").message


def test_ragged_rows_name_the_line(lab: Any) -> None:
    """The line is counted in the file: behind a header, a skipped line and a value of two lines."""
    error = refused(lab, '# x\na,b\n"1\n1",2\n3,4,5\n6,7\n', skip_rows=1)
    assert "line 5 has 3 fields, and the table has 2 columns" in error.message
    assert error.found == "3,4,5"
    assert "line 3 has 1 field" in refused(lab, "a,b\n1,2\n3\n").message


def test_a_ragged_row_far_behind(lab: Any) -> None:
    """Also in a later block."""
    error = refused(lab, "a,b\n" + "12345678,abcdefgh\n" * 300_000 + "1,2,3\n")
    assert "line 300,002 has 3 fields" in error.message


def test_a_comment_in_front(lab: Any) -> None:
    """A first line of another width is guessed to be a comment."""
    error = refused(lab, "|1x3 Cross validator\n1,2\n3,4\n", names=["a", "b"])
    assert "skip_rows" in str(error.fix)


def test_nul_bytes(lab: Any) -> None:
    """A NUL names its line."""
    assert "line 3 holds a NUL byte" in refused(lab, b"a,b\n1,2\n3,\0\n").message


def test_binary_garbage(lab: Any) -> None:
    """Known formats are named, unknown ones are no text."""
    assert "Excel" in refused(lab, b"PK\x03\x04" + bytes(range(256)) * 10).message
    assert "PNG" in refused(lab, b"\x89PNG\r\n\x1a\n" + bytes(range(256))).message
    assert "pickle" in refused(lab, b"\x80\x04\x95" + bytes(range(256))).message
    error = refused(lab, bytes(range(1, 256)) * 100)
    assert "utf-8" in error.message or "column" in error.message


def test_open_quote(lab: Any) -> None:
    """A quote that is never closed would swallow the rest; its line is named."""
    error = refused(lab, 'a,b\n1,x\n2,"y\n3,z\n4,w\n')
    assert "line 3" in error.message
    assert error.field == "dataset.source.quote"
    far = refused(lab, "a,b\n" + "1,abc\n" * 10 + '2,"y\n' + "3,some more text\n" * 600_000)
    assert "line 12" in far.message


def test_a_line_without_end(lab: Any) -> None:
    """A row longer than a block is told as that, not as an open quote."""
    assert "line 3 is longer than 2 MiB" in refused(lab, "a,b\n1,2\n1," + "x" * 6_000_000 + "\n3,4\n").message


def test_quotes_that_mean_nothing(acquire_csv: Callable[..., Any]) -> None:
    """`quote: ""` reads quotes as characters."""
    assert acquire_csv('a,b\n1,x\n2,"y\n', quote="").table["b"].to_pylist() == ["x", '"y']


def test_unknown_encoding(lab: Any) -> None:
    """The specification is wrong, and common encodings are listed."""
    error = refused(lab, GOOD, encoding="utf-9")
    assert isinstance(error, SpecError)
    assert error.field == "dataset.source.encoding"
    assert "latin-1" in error.message
    assert isinstance(refused(lab, GOOD, encoding="rot13"), SpecError)


def test_undecodable_bytes(lab: Any) -> None:
    """The line is named, and the option that helps."""
    error = refused(lab, "a,b\n1,x\n2,caf\xe9\n".encode("latin-1"))
    assert "line 3 is not utf-8" in error.message
    assert error.field == "dataset.source.encoding"
    assert lab.file("t.csv", "a,b\n2,caf\xe9\n".encode("latin-1"), encoding="latin-1").table["b"].to_pylist() == ["caf\xe9"]
    assert "line 2 is not ascii" in refused(lab, "a,b\n2,\xe9\n", encoding="ascii").message
    assert "utf-16" in refused(lab, GOOD.encode("utf-16")).message.lower()


def test_duplicate_and_empty_names(lab: Any) -> None:
    """Columns must be told apart."""
    assert "same name: `a`" in refused(lab, "a,b,a\n1,2,3\n").message
    assert "column 2 of 3 has no name" in refused(lab, "a,,c\n1,2,3\n").message
    assert "index=False" in str(refused(lab, ",b\n0,2\n").fix)


def test_long_names(lab: Any) -> None:
    """A name of 5,000 characters is refused in one line."""
    error = refused(lab, "a," + "x" * 5000 + "\n1,2\n")
    assert "5,000 characters" in error.message
    assert len(str(error.found)) < 250


def test_wrong_delimiter(lab: Any) -> None:
    """One column, where another delimiter would split, is told with that delimiter."""
    error = refused(lab, GOOD.replace(",", ";"))
    assert 'delimiter: ";"' in str(error.fix)
    assert error.field == "dataset.source.delimiter"
    assert '"\\t"' in str(refused(lab, GOOD.replace(",", "\t")).fix)


def test_names_that_do_not_fit(lab: Any) -> None:
    """Another number of names than fields."""
    error = refused(lab, "1,2,3\n", names=["a", "b"])
    assert error.field == "dataset.source.names"
    assert "2 names" in error.message


def test_truncated_and_false_packing(lab: Any) -> None:
    """A cut or broken packed file says so; a name that lies too."""
    packed = gzip.compress(("a,b\n" + "1,2\n" * 100_000).encode())
    assert "ends too early" in refused(lab, packed[: len(packed) // 2], name="t.csv.gz").message
    assert "ends too early" in refused(lab, lzma.compress(GOOD.encode())[:-20], name="t.csv.xz").message
    assert "ends too early" in refused(lab, bz2.compress(GOOD.encode())[:-10], name="t.csv.bz2").message
    zst = pa.compress(GOOD.encode() * 1000, "zstd", asbytes=True)
    assert "ends too early" in refused(lab, zst[:-20], name="t.csv.zst").message
    assert "its name says gzip" in refused(lab, GOOD, name="t.csv.gz").message
    assert "not packed with bz2" in refused(lab, GOOD, compression="bz2").message


def test_unknown_packing(lab: Any) -> None:
    """An unknown word is a wrong specification; an unknown packing is named."""
    assert refused(lab, GOOD, compression="lz77").field == "dataset.source.compression"
    assert "lz4" in refused(lab, b"\x04\x22\x4d\x18" + b"x" * 50).message


def test_unknown_column(lab: Any) -> None:
    """`columns` names columns of the file."""
    error = refused(lab, GOOD, columns=["nom"])
    assert error.field == "dataset.source.columns"
    assert "name, age, score" in str(error.found)


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
# Minimal quotes with a bare line feed are no format: Python's writer leaves a carriage return unquoted there.
SPELLINGS = st.sampled_from([(csv.QUOTE_ALL, "\n"), (csv.QUOTE_ALL, "\r\n"), (csv.QUOTE_MINIMAL, "\r\n")])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8), SPELLINGS)
def test_what_python_writes_is_read_back(lab: Any, rows: list[tuple[str, str]], spelling: tuple[Any, str]) -> None:
    """Any text survives a CSV file that Python's own writer made; empty text is missing."""
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, quoting=spelling[0], lineterminator=spelling[1])
    writer.writerows([("a", "b"), *rows])
    table = lab.file("t.csv", sink.getvalue(), types={"a": "utf8", "b": "utf8"}).table
    assert list(zip(*table.to_pydict().values(), strict=True)) == [(a or None, b or None) for a, b in rows]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_no_bytes_crash(lab: Any, content: bytes) -> None:
    """Whatever a file holds, it is a table or gets a sentence."""
    for name in ("t.csv", "t.jsonl", "t.parquet", "t"):
        with contextlib.suppress(DataError, SpecError):
            lab.file(name, content)


def test_a_full_disk_is_an_os_error(lab: Any) -> None:
    """What the platform turns into a problem keeps its number: a size limit stands for a full disk."""
    rng = random.Random(0)
    text = "a,b\n" + "".join(f"{rng.random()},{rng.random()}\n" for _ in range(70_000))
    lab.write("t.csv", text)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(OSError, match="large") as caught:
            lab.acquire({"type": "file", "path": "t.csv"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.errno == errno.EFBIG

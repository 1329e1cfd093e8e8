"""Paths: what a `file` source may read, and what it says when it cannot."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mtf.errors import DataError, MtfError, SpecError
from mtf.plugins import SourceContext
from mtf.storage.store import hash_file
from mtf_acquisition import memo
from mtf_acquisition.stage import STAGE


def error(lab: Any, path: str, **changes: Any) -> MtfError:
    with pytest.raises(MtfError) as caught:
        lab.acquire({"type": "file", "path": path}, context=replace(lab.context, **changes))
    assert caught.value.field == "dataset.source.path"
    assert caught.value.fix
    return caught.value


def test_missing_folder_and_empty(lab: Any) -> None:
    """A missing file names the nearest one, a folder and an empty file are told."""
    lab.write("penguins.csv", "a,b\n1,2\n")
    lab.write("empty.csv", "")
    (lab.folder / "sub").mkdir()
    missing = error(lab, "pinguins.csv")
    assert isinstance(missing, DataError)
    assert "did you mean `penguins.csv`" in str(missing.fix)
    assert "is a folder" in error(lab, "sub").message
    assert "is empty" in error(lab, "empty.csv").message
    assert "does not exist" in error(lab, "nowhere/at/all.csv").message


def test_a_pipe_is_no_file(lab: Any) -> None:
    """A named pipe would block for ever."""
    os.mkfifo(lab.folder / "pipe")
    assert "no regular file" in error(lab, "pipe").message


def test_a_long_name(lab: Any) -> None:
    """5,000 characters are refused by the specification, 3,000 by the file system; both in a line."""
    with pytest.raises(SpecError):
        lab.acquire({"type": "file", "path": "x" * 5000})
    assert len(error(lab, "x" * 3000).message) < 250


def test_without_a_base_paths_are_refused(lab: Any) -> None:
    """A service without an import folder reads no paths, and says what to do."""
    found = error(lab, "t.csv", base=None)
    assert isinstance(found, SpecError)
    assert "MTF_IMPORT_DIR" in str(found.fix)


@pytest.mark.parametrize("path", ["../secret.csv", "sub/../../secret.csv", "{absolute}", "link.csv", "linked/secret.csv"])
def test_a_confined_path_stays_inside(lab: Any, path: str) -> None:
    """Dots, absolute paths and symbolic links do not leave an import folder, nor tell what exists outside."""
    secret = lab.folder.parent / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    (lab.folder / "sub").mkdir()
    (lab.folder / "link.csv").symlink_to(secret)
    (lab.folder / "linked").symlink_to(lab.folder.parent)
    found = error(lab, path.format(absolute=secret))
    assert isinstance(found, SpecError)
    assert "leaves the import folder" in found.message


def test_links_inside_are_followed(lab: Any) -> None:
    """A link that stays inside is fine."""
    lab.write("t.csv", "a,b\n1,2\n")
    (lab.folder / "link.csv").symlink_to(lab.folder / "t.csv")
    assert lab.acquire({"type": "file", "path": "link.csv"}).facts["rows"] == 1


def test_an_unconfined_path_goes_anywhere(lab: Any) -> None:
    """The user's own process reads the user's own files."""
    other = lab.folder.parent / "other.csv"
    other.write_text("a,b\n1,2\n")
    context = replace(lab.context, confined=False)
    assert lab.acquire({"type": "file", "path": "../other.csv"}, context=context).facts["rows"] == 1
    assert lab.acquire({"type": "file", "path": str(other)}, context=context).facts["rows"] == 1


def test_freshness_is_the_content(tmp_path: Path) -> None:
    """The hash follows the content, also when size and time are the same; it is remembered for files that rest."""
    memo._known.clear()
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n")
    context = SourceContext(credentials={}, base=tmp_path, uploads=tmp_path / "data" / "uploads")
    spec = STAGE.validate({"source": {"type": "file", "path": "t.csv"}}).spec
    assert STAGE.freshness(spec, context) == hash_file(path)[0]
    assert not (tmp_path / "data").exists()
    os.utime(path, ns=(1, 1))
    first = STAGE.freshness(spec, context)
    assert (tmp_path / "data" / "memo" / "file-hashes.json").exists()
    memo._known.clear()
    assert STAGE.freshness(spec, context) == first
    path.write_text("a,b\n1,3\n")
    assert STAGE.freshness(spec, context) != first


def test_a_broken_memo_costs_time_alone(tmp_path: Path) -> None:
    """A memo that is no JSON, or cannot be written, is as good as none."""
    memo._known.clear()
    (tmp_path / "memo").mkdir()
    (tmp_path / "memo" / "file-hashes.json").write_text("{")
    path = tmp_path / "t.csv"
    path.write_text("a")
    os.utime(path, ns=(1, 1))
    context = SourceContext(credentials={}, base=tmp_path, uploads=tmp_path / "uploads")
    assert memo.content_hash(path, context) == hash_file(path)[0]


def test_a_file_that_changes_meanwhile(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of one file and half of another is no version."""
    from mtf_acquisition.formats import table

    lab.write("t.csv", "a,b\n1,2\n")
    real = table.read_table

    def read(blob: Any, args: Any) -> Any:
        yield from real(blob, args)
        lab.write("t.csv", "a,b\n1,2\n3,4\n")

    monkeypatch.setattr(table, "read_table", read)
    assert "changed while it was read" in error(lab, "t.csv").message


def test_uploads(lab: Any, tmp_path: Path) -> None:
    """An upload is found by digest, its name helps with the format, its freshness is its digest; an unknown one is told."""
    lab.uploads = tmp_path / "uploads"
    lab.uploads.mkdir()
    (lab.uploads / "draft").write_text("a\tb\n1\t2\n")
    digest = hash_file(lab.uploads / "draft")[0]
    (lab.uploads / "draft").rename(lab.uploads / digest)
    source = {"type": "upload", "digest": digest, "name": "t.tsv"}
    assert lab.acquire(source).table.to_pydict() == {"a": [1], "b": [2]}
    assert STAGE.freshness(STAGE.validate({"source": source}).spec, lab.context) == digest
    with pytest.raises(DataError, match="no such file"):
        lab.acquire({"type": "upload", "digest": "0" * 64})
    with pytest.raises(SpecError):
        lab.acquire({"type": "upload", "digest": "../../etc/passwd"})

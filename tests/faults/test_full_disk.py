"""A file system that is full fails the run with that reason and publishes nothing."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtf.embedded import Embedded


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A home whose artifacts lie on a real file system of 48 KiB."""
    home = tmp_path / "home"
    (home / "artifacts").mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", str(home / "artifacts")], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("only root may mount a file system")
    try:
        yield home
    finally:
        subprocess.run(["umount", "--lazy", str(home / "artifacts")], check=True)


def test_full_disk_is_named_and_nothing_is_half_written(small_disk: Path, root: Path) -> None:
    """The run ends as failed by the platform, says that the disk is full, and no manifest names a file that is not whole."""
    from mtf.spec import read

    folder = root / "examples" / "diamonds"
    with Embedded(small_disk) as house:
        view = house.submit(read(folder / "run.yaml"), base=folder)
        for _ in house.events(view.id):
            pass
        view = house.get(view.id)
    assert view.status == "failed"
    assert view.problem is not None
    assert view.problem.exit_code == 4
    assert "space" in view.problem.detail.lower() or "full" in view.problem.detail.lower()
    assert list((small_disk / "artifacts").rglob("manifest.json")) == []
    assert list((small_disk / "artifacts").rglob("*.parquet")) == []

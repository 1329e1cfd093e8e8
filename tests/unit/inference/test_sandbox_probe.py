"""The machine's level is told by locking a process down, not by guessing from the kernel's version."""

import sys

import pytest

from mtf.cli.doctor import examine
from mtf_inference.sandbox.probe import probe
from mtf_inference.sandbox.ranks import RANK


def test_the_level_is_a_known_one_and_doctor_shows_it() -> None:
    """`mtf doctor` looks at the sandbox without failing, and shows the level that the probe reached."""
    level = probe()
    assert RANK[level] >= RANK["process"]
    finding = next(each for each in examine() if each.what == "sandbox")
    assert finding.text.startswith(level)


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are Linux's")
def test_doctor_has_a_finding_for_every_part() -> None:
    """Python, libraries, services, storage, sandbox and gateway are all looked at."""
    found = {each.what for each in examine()}
    assert {"python", "numpy", "service gateway", "service inference", "storage", "sandbox", "gateway"} <= found

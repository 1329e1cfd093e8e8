"""The sandbox: levels, the filter's decisions, and the tables behind it."""

from __future__ import annotations

import errno
import os
import re
import struct
import time
from pathlib import Path
from typing import Any

import pytest

from mtf import plugins
from mtf.errors import PlatformError, SpecError
from mtf_inference.host import Guest
from mtf_inference.loaders.arguments import NoArgs
from mtf_inference.loaders.pickles import PickleLoader
from mtf_inference.loaders.skops import SkopsLoader
from mtf_inference.policy import Policy, settled
from mtf_inference.sandbox import landlock, seccomp, syscalls

HEADERS = {"x86_64": "/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "aarch64": "/usr/include/asm-generic/unistd.h"}
KERNEL = landlock.version() > 0
ALLOW, KILL = "allow", "kill"


def decide(program: bytes, machine: str, number: int, *args: int) -> str | int:
    """An independent reading of classic BPF: `allow`, `kill`, or the errno that the call gets."""
    data = struct.pack("<IIQ6Q", number, seccomp.ARCHITECTURES[machine][1], 0, *(args + (0,) * 6)[:6])
    code = [struct.unpack_from("<HBBI", program, 8 * index) for index in range(len(program) // 8)]
    accumulator = position = 0
    while True:
        operation, true, false, value = code[position]
        position += 1
        if operation == 0x20:
            accumulator = struct.unpack_from("<I", data, value)[0]
        elif operation == 0x06:
            return ALLOW if value == 0x7FFF0000 else KILL if value == 0x80000000 else int(value) & 0xFFFF
        else:
            hit = {0x15: accumulator == value, 0x25: accumulator > value, 0x45: bool(accumulator & value)}[operation]
            position += true if hit else false


@pytest.mark.parametrize("machine", seccomp.ARCHITECTURES)
def test_the_filter_refuses_its_table_and_allows_what_python_needs(machine: str) -> None:
    """Each call of the table answers EPERM; reading, mapping, threads and ends of processes are free."""
    column, program = seccomp.ARCHITECTURES[machine][0], seccomp.program(machine, pid=77)
    for name, numbers in syscalls.REFUSED.items():
        if numbers[column]:
            assert decide(program, machine, numbers[column]) == errno.EPERM, name
    free = {"x86_64": (0, 1, 3, 9, 10, 11, 12, 24, 39, 60, 202, 231), "aarch64": (57, 63, 64, 93, 94, 98, 172, 214, 215, 222, 226)}
    assert {decide(program, machine, number) for number in free[machine]} == {ALLOW}


@pytest.mark.parametrize("machine", seccomp.ARCHITECTURES)
def test_the_filter_judges_by_arguments(machine: str) -> None:
    """Threads, own signals and reading are allowed; processes, other signals and writing are not."""
    column, program = seccomp.ARCHITECTURES[machine][0], seccomp.program(machine, pid=77)
    number = {name: numbers[column] for name, numbers in syscalls.JUDGED.items()}

    def says(name: str, *args: int) -> str | int:
        return decide(program, machine, number[name], *args)

    assert says("clone", 0x3D0F00) == ALLOW
    assert says("clone", 0x1200011) == errno.EPERM
    assert says("clone3") == errno.ENOSYS
    assert says("openat2") == errno.ENOSYS
    assert says("kill", 77) == says("tgkill", 77) == ALLOW
    assert says("kill", 78) == says("kill", 0) == says("kill", 0xFFFFFFFF) == errno.EPERM
    assert says("prlimit64", 0) == says("prlimit64", 77) == ALLOW
    assert says("prlimit64", 1) == errno.EPERM
    assert says("openat", 0, 0, os.O_RDONLY | os.O_CLOEXEC) == ALLOW
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_CREAT, os.O_TRUNC, os.O_APPEND, os.O_TMPFILE):
        assert says("openat", 0, 0, flags) == errno.EPERM
    assert says("fcntl", 3, 8) == says("fcntl", 3, 10) == errno.EPERM
    assert says("fcntl", 3, 1) == says("ioctl", 3, 0x5401) == says("prctl", 15) == ALLOW
    assert says("ioctl", 3, 0x5412) == says("prctl", 1) == errno.EPERM


def test_foreign_and_future_calls_find_no_door() -> None:
    """Another architecture's calls kill; x32's and later kernels' answer ENOSYS."""
    program = seccomp.program("x86_64", pid=1)
    foreign = struct.pack("<HBBI", 0x20, 0, 0, 4) + program[8:]
    assert program.startswith(foreign[:8])
    assert decide(program, "x86_64", 0x40000000) == decide(program, "x86_64", 451) == errno.ENOSYS
    assert decide(seccomp.program("aarch64", pid=1).replace(struct.pack("<I", 0xC00000B7), struct.pack("<I", 1)), "aarch64", 63) == KILL


@pytest.mark.parametrize("machine", HEADERS)
def test_the_table_agrees_with_the_kernels_headers(machine: str) -> None:
    """Every number is the one that the kernel's own header gives the name."""
    path = Path(HEADERS[machine])
    if not path.exists():
        pytest.skip("the kernel's headers are not installed here")
    found = {name: int(number) for name, number in re.findall(r"#define\s+__NR(?:3264)?_(\w+)\s+(\d+)\s*$", path.read_text(), re.MULTILINE)}
    column = seccomp.ARCHITECTURES[machine][0]
    for name, numbers in {**syscalls.REFUSED, **syscalls.JUDGED}.items():
        assert numbers[column] == found.get(name, 0), name
    assert max(numbers[column] for numbers in syscalls.REFUSED.values()) <= syscalls.NEWEST


@pytest.mark.skipif(not KERNEL, reason="this kernel has no Landlock")
@pytest.mark.parametrize(
    ("layers", "level"), [({"landlock", "seccomp"}, "strict"), ({"landlock"}, "partial"), ({"seccomp"}, "partial"), (set(), "process")]
)
def test_the_level_tells_which_layers_hold(tmp_path: Path, layers: set[str], level: str) -> None:
    """Both layers are `strict`, one is `partial`, none is `process`; what is lacking is named."""
    path = tmp_path / "model.skops"
    path.write_bytes(b"")
    arguments: dict[str, Any] = {"regression": True, "memory": 1 << 30, "cpus": 1.0, "deadline": time.monotonic() + 20}
    with Guest(plugins.load("loader", "skops"), path, NoArgs(), layers=frozenset(layers), **arguments) as guest:
        assert guest.level == level
        assert len(guest.lacking) == 2 - len(layers)


def test_require_opens_nothing_below_strict() -> None:
    """`require` refuses partial and process; `prefer` takes them, but for pickles, which need strict always."""
    require, prefer = Policy("require"), Policy("prefer", allow_pickle=True)
    for level in ("partial", "process"):
        with pytest.raises(PlatformError, match=f"reached the level `{level}`"):
            settled(require, SkopsLoader(), level, ["landlock: no"])
        with pytest.raises(PlatformError, match="`strict` is needed"):
            settled(prefer, PickleLoader(), level, [])
        settled(prefer, SkopsLoader(), level, [])
    settled(require, PickleLoader(), "strict", [])


def test_a_container_serves_only_its_loaders() -> None:
    """A loader outside MTF_INFERENCE_LOADERS is refused, with the container that serves it."""
    with pytest.raises(SpecError, match="`inference-remote` serves it"):
        Policy(loaders=("skops", "onnx")).admit(plugins.load("loader", "endpoint"))
    with pytest.raises(SpecError, match="`inference` serves it"):
        Policy(loaders=("endpoint",)).admit(SkopsLoader())
    with pytest.raises(SpecError, match="switched off"):
        Policy().admit(PickleLoader())
    Policy(allow_pickle=True).admit(PickleLoader())

"""A model that attacks ends its own run with a clear error, and harms nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from mtf.errors import LimitError, ModelError, MtfError, SpecError
from mtf_inference.sandbox import landlock
from mtf_inference.sandbox.kernel import MACHINE
from tests.faults.hostile import ROWS, model, predictions, score

pytestmark = pytest.mark.skipif(
    landlock.version() == 0 or MACHINE not in {"x86_64", "aarch64"},
    reason="pickles are opened in the strict sandbox only, which this kernel lacks",
)

FORBIDDEN = {
    "socket": ("import socket; socket.socket()", "open a socket"),
    "address": ("import socket; socket.getaddrinfo('example.com', 80)", "look up a host name"),
    "program": ("import subprocess; subprocess.run(['true'])", "start a program"),
    "shell": ("assert os.system('true') == 0, 'refused'", None),
    "fork": ("os.fork()", "start a process"),
    "exec": ("os.execv('/bin/true', ['true'])", "start a program"),
    "write": ("open('/tmp/mtf-hostile', 'w')", "write the file /tmp/mtf-hostile"),
    "delete": ("os.remove('/etc/hostname')", "delete a file"),
    "folder": ("os.mkdir('/tmp/mtf-hostile')", "make a folder"),
    "read": ("open('/etc/passwd').read()", "read the file /etc/passwd"),
    "kill": ("os.kill(os.getppid(), 9)", "send a signal to a process"),
    "kill group": ("os.killpg(os.getppid(), 9)", "send a signal to a process"),
    "parent's memory": ("open(f'/proc/{os.getppid()}/mem', 'rb').read(1)", "read the file /proc/"),
    "parent's environment": ("open(f'/proc/{os.getppid()}/environ', 'rb').read()", "read the file /proc/"),
    "parent's descriptors": ("os.listdir(f'/proc/{os.getppid()}/fd')", "read the file /proc/"),
}


@pytest.mark.parametrize("deed", FORBIDDEN)
@pytest.mark.parametrize("when", ["load", "predict"])
def test_a_forbidden_deed_is_refused_and_named(tmp_path: Path, deed: str, when: str) -> None:
    """Whatever the model tries while it is opened or while it scores, the error says what it was."""
    code, named = FORBIDDEN[deed]
    path = model(tmp_path, load=code) if when == "load" else model(tmp_path, predict=code)
    with pytest.raises(ModelError) as caught:
        score(tmp_path, path)
    assert named is None or named in caught.value.message
    assert not Path("/tmp/mtf-hostile").exists()


NATIVE = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
def refused(what, number, *args):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in args])
    assert result == -1 and ctypes.get_errno() in (errno.EPERM, errno.ENOSYS, errno.EACCES), f"{what} gave {result}"
parent = os.getppid()
"""

SYSCALLS = """
import platform
arm = platform.machine() == "aarch64"
refused("socket", 198 if arm else 41, 1, 1, 0)
refused("socketpair", 199 if arm else 53, 1, 1, 0, (ctypes.c_int * 2)())
refused("ptrace", 117 if arm else 101, 16, parent, 0, 0)
refused("process_vm_readv", 270 if arm else 310, parent, 0, 0, 0, 0, 0)
refused("pidfd_open", 434, parent, 0)
refused("kill", 129 if arm else 62, parent, 0)
refused("kill all", 129 if arm else 62, -1, 0)
refused("tkill", 130 if arm else 200, parent, 0)
refused("tgkill", 131 if arm else 234, parent, parent, 0)
refused("prlimit of the parent", 261 if arm else 302, parent, 0, (ctypes.c_uint64 * 2)(1, 1), None)
refused("io_uring_setup", 425, 4, (ctypes.c_char * 120)())
refused("userfaultfd", 282 if arm else 323, 0)
refused("memfd_create", 279 if arm else 319, ctypes.c_char_p(b"x"), 0)
refused("bpf", 280 if arm else 321, 0, 0, 0)
refused("perf_event_open", 241 if arm else 298, 0, 0, -1, -1, 0)
refused("unshare", 97 if arm else 272, 0x10000000)
refused("setns", 268 if arm else 308, 3, 0)
refused("mount", 40 if arm else 165, ctypes.c_char_p(b"x"), ctypes.c_char_p(b"/"), 0, 0, 0)
refused("keyctl", 219 if arm else 250, 0, 0, 0, 0, 0)
refused("clone without CLONE_THREAD", 220 if arm else 56, 17, 0, 0, 0, 0)
refused("clone3", 435, (ctypes.c_uint64 * 8)(), 64)
refused("openat2", 437, -100, ctypes.c_char_p(b"/tmp/x"), (ctypes.c_uint64 * 3)(65), 24)
refused("a call newer than the filter", 463, 0)
refused("setsid", 157 if arm else 112)
refused("fcntl F_SETOWN", 25 if arm else 72, 3, 8, parent)
refused("prctl PR_SET_PDEATHSIG", 167 if arm else 157, 1, 0, 0, 0, 0)
refused("truncate", 45 if arm else 76, ctypes.c_char_p(b"/tmp/x"), 0)
"""


def test_native_code_meets_the_same_walls(tmp_path: Path) -> None:
    """System calls made past Python are refused by the kernel, one by one."""
    run = score(tmp_path, model(tmp_path, load=NATIVE + SYSCALLS))
    assert run.outcome.facts["sandbox"] == "strict"
    assert predictions(run) == [0] * ROWS


def test_nothing_of_the_parent_is_inherited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process has no environment, no capability, and no descriptor but the standard three and its socket."""
    monkeypatch.setenv("MTF_TEST_SECRET", "hunter2")
    with (tmp_path / "open").open("w"):
        code = """
        seen = {int(name) for name in os.listdir('/proc/self/fd')}
        assert len(seen - {0, 1, 2}) <= 2, seen
        assert not [name for name in os.environ if 'THREADS' not in name], os.environ
        assert b'hunter2' not in open('/proc/self/environ', 'rb').read()
        status = open('/proc/self/status').read()
        assert 'CapEff:\\t0000000000000000' in status, status
        assert 'NoNewPrivs:\\t1' in status, status
        """
        run = score(tmp_path, model(tmp_path, predict=code))
    assert predictions(run) == [0] * ROWS
    assert os.environ["MTF_TEST_SECRET"] == "hunter2"


def test_threads_are_allowed(tmp_path: Path) -> None:
    """A model may compute in threads; only processes are refused."""
    code = """
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda n: 'b', range(len(rows))))
    """
    assert predictions(score(tmp_path, model(tmp_path, predict=code))) == [1] * ROWS


def test_a_refusal_that_the_model_swallows_is_reported(tmp_path: Path) -> None:
    """A model that goes on after a refusal keeps its predictions, and the run carries a warning."""
    run = score(tmp_path, model(tmp_path, predict="try:\n    __import__('socket').socket()\nexcept OSError:\n    pass"))
    assert predictions(run) == [0] * ROWS
    assert "the model tried to open a socket; the sandbox refused" in run.outcome.warnings


@pytest.mark.parametrize("code", ["import time; time.sleep(60)", "while True: pass", "os.kill(os.getpid(), 19)"])
@pytest.mark.parametrize("when", ["load", "predict"])
def test_a_model_that_hangs_meets_its_deadline(tmp_path: Path, code: str, when: str) -> None:
    """Sleeping, spinning or stopped: the job ends in time, with a limit as the reason."""
    path = model(tmp_path, load=code) if when == "load" else model(tmp_path, predict=code)
    began = time.monotonic()
    with pytest.raises(LimitError, match="did not answer within"):
        score(tmp_path, path, timeout=1.5)
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("when", ["load", "predict"])
def test_a_model_that_eats_memory_hits_its_limit(tmp_path: Path, when: str) -> None:
    """Memory beyond the limit is a LimitError that names the limit."""
    code = "hoard = [bytearray(1 << 26) for _ in range(100)]"
    path = model(tmp_path, load=code) if when == "load" else model(tmp_path, predict=code)
    with pytest.raises(LimitError, match="memory") as caught:
        score(tmp_path, path, memory=200 << 20)
    assert "200 MiB" in caught.value.message


ENDINGS = {
    "os._exit(3)": "exit code 3",
    "os._exit(0)": "exit code 0",
    "sys.exit('bye')": "SystemExit",
    "raise KeyboardInterrupt": "KeyboardInterrupt",
    "os.abort()": "SIGABRT",
    "import ctypes; ctypes.string_at(0)": "SIGSEGV",
    "raise RuntimeError('no \\x1b[31m luck' * 9999)": "RuntimeError",
    "def deep(): deep()\ndeep()": "RecursionError",
    "class Bad(Exception):\n    def __str__(self): os._exit(7)\nraise Bad": "exit code 7",
}


@pytest.mark.parametrize("when", ["load", "predict"])
@pytest.mark.parametrize("code", ENDINGS)
def test_the_way_a_model_dies_is_told(tmp_path: Path, code: str, when: str) -> None:
    """Exit codes, signals and exceptions end the run with a short ModelError."""
    path = model(tmp_path, load=code) if when == "load" else model(tmp_path, predict=code)
    with pytest.raises(ModelError) as caught:
        score(tmp_path, path)
    assert ENDINGS[code] in caught.value.message
    assert len(caught.value.message) < 2000
    assert "\x1b" not in caught.value.message


def test_garbage_on_the_standard_streams_is_harmless(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What a model prints goes nowhere and disturbs nothing."""
    code = "print('x' * 100_000)\nsys.stderr.write('y' * 100_000)\nos.write(1, b'\\x00\\xff')\nos.write(2, b'z')"
    assert predictions(score(tmp_path, model(tmp_path, load=code, predict=code))) == [0] * ROWS
    assert capfd.readouterr() == ("", "")


WIRE = """
import struct, json
pair = max(int(name) for name in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{name}'))
def frame(header, body=b'', magic=b'MTF1', length=None, size=None):
    data = header if isinstance(header, bytes) else json.dumps(header).encode()
    head = struct.pack('<4sIQ', magic, len(data) if length is None else length, len(body) if size is None else size)
    os.write(pair, head + data + body)
good = {'type': 'predicted', 'rows': 6, 'kind': 'codes', 'values': ['a', 'b'], 'columns': 0, 'seconds': 0}
"""

GARBAGE = {
    "noise": "os.write(pair, b'garbage' * 99)",
    "closed": "os.close(pair); __import__('time').sleep(30)",
    "other magic": "frame(good, b'', magic=b'MTF2')",
    "endless header": "frame(b'{}', length=(1 << 32) - 1)",
    "no json": "frame(b'{{{{')",
    "deep json": "frame(b'[' * 200_000)",
    "unknown type": "frame({'type': 'result'})",
    "out of turn": "frame({'type': 'loaded', 'seconds': 0})",
    "ready again": "frame({'type': 'ready', 'level': 'strict'})",
    "huge body": "frame(good, size=1 << 62)",
    "short body": "frame(good, b'1234')",
    "long body": "frame(good, bytes(25))",
    "other rows": "frame({**good, 'rows': 1 << 40}, size=(1 << 40) * 4)",
    "many columns": "frame({**good, 'columns': 1 << 30}, size=6 * (4 + (8 << 30)))",
    "code of no label": "frame(good, struct.pack('<6i', 0, 1, 2, 0, 0, 0))",
    "negative code": "frame(good, struct.pack('<6i', 0, 1, -2, 0, 0, 0))",
    "negative seconds": "frame({**good, 'seconds': -1}, bytes(24))",
    "labels that are objects": "frame({**good, 'values': [{}, []]}, bytes(24))",
    "many labels": "frame({**good, 'values': list(range(200_000))}, bytes(24))",
    "regression for classes": "frame({**good, 'kind': 'float64'}, bytes(48))",
    "half a head": "os.write(pair, b'MTF1\\x02'); os._exit(0)",
    "labels without end": "frame({**good, 'values': ['x' * 100_000]}, bytes(24))",
    "a false failure": "frame({'type': 'failed', 'cause': 'model', 'message': 'x' * 30_000})",
}


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_on_the_socket_is_a_model_error(tmp_path: Path, garbage: str) -> None:
    """Whatever bytes the process sends instead of an answer, the parent says so and allocates nothing for it."""
    with pytest.raises(MtfError) as caught:
        score(
            tmp_path,
            model(
                tmp_path,
                load=WIRE + "import builtins; builtins.frame, builtins.good, builtins.pair, builtins.struct = frame, good, pair, struct",
                predict=GARBAGE[garbage] + "\nimport time; time.sleep(30)",
            ),
            timeout=4,
        )
    assert isinstance(caught.value, ModelError | LimitError)
    assert len(caught.value.message) < 1000


def test_a_forged_but_well_formed_answer_is_only_a_prediction(tmp_path: Path) -> None:
    """A model that speaks the protocol itself gains no more than predicting what it likes."""
    with pytest.raises(ModelError, match="labels that the data does not have: '<script>'"):
        score(
            tmp_path,
            model(
                tmp_path,
                load=WIRE + "import builtins; builtins.frame, builtins.good = frame, good",
                predict="frame({**good, 'values': ['<script>']}, bytes(24))",
            ),
        )


def test_pickles_need_the_setting(tmp_path: Path) -> None:
    """Without the setting no byte of a pickle is interpreted."""
    with pytest.raises(SpecError, match="switched off"):
        score(tmp_path, model(tmp_path, load="open('/tmp/mtf-hostile', 'w')"), allow_pickle=False)


def test_the_test_process_stays_free(tmp_path: Path) -> None:
    """The lock-down binds the model's process alone: this one may still write, fork and open sockets."""
    score(tmp_path, model(tmp_path))
    (tmp_path / "free").write_text("yes")
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0

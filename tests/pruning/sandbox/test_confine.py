"""What a confined process can no longer do. Each attempt is made in a fork of this process."""

import ctypes
import errno
import faulthandler
import fcntl
import json
import mmap
import os
import resource
import signal
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pruning.sandbox import confine
from pruning.sandbox.confine import SandboxLimits
from pruning.sandbox.fork_server import missing_sandbox_layers
from pruning.sandbox.privileges import drop_capabilities, libc, succeeded

pytestmark = pytest.mark.threat

SECRET = "the operator's key"
F_SETSIG, F_SETOWN_EX, FIOSETOWN, SIOCSPGRP = 10, 15, 0x8901, 0x8902  # Python does not name them
SMALL = SandboxLimits(memory_bytes=2**28, cpu_seconds=1)

Attempt = Callable[[], object]


def confined(
    attempt: Attempt,
    descriptors: Sequence[int] = (),
    private: Path | None = None,
    readable: Sequence[Path] = (),
) -> tuple[set[str], str]:
    """Return the layers that did not hold in a confined process, and what became of an attempt there.

    That is `done`, the kind of the exception that it raised, or the signal that ended the process.
    """
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.close(reading)
        faulthandler.disable()
        try:
            missing = confine.confine(SMALL, descriptors, private, readable)
            os.write(writing, json.dumps(list(missing)).encode() + b"\n")
            attempt()
            os.write(writing, b"done")
        except BaseException as error:
            os.write(writing, type(error).__name__.encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        missing, _, outcome = pipe.read().partition("\n")
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return set(json.loads(missing)), signal.Signals(-status).name if status < 0 else outcome


@pytest.fixture
def landlock() -> None:
    if "landlock" in missing_sandbox_layers():
        pytest.skip("this kernel has no Landlock")


@pytest.fixture
def network_namespace() -> None:
    if "network namespace" in missing_sandbox_layers():
        pytest.skip("this kernel gives no network of its own")


@pytest.fixture
def other_process() -> Iterator[int]:
    """A process of this user with as few capabilities as a confined one, as a worker's is."""
    ours, theirs = os.pipe()
    if (process := os.fork()) == 0:
        drop_capabilities()
        os.write(theirs, b"ready")
        signal.pause()
        os._exit(0)
    assert os.read(ours, 5) == b"ready"
    os.close(ours)
    os.close(theirs)
    yield process
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)


def refused(number: int) -> Callable[..., Any]:
    """Stands in for a layer that a kernel does not have."""

    def fail(*arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def thread() -> None:
    done: list[bool] = []
    one = threading.Thread(target=lambda: done.append(True))
    one.start()
    one.join(120)
    assert done


@pytest.mark.parametrize(
    "attempt",
    [
        pytest.param(lambda: socket.socket(socket.AF_INET), id="a socket"),
        pytest.param(lambda: socket.socket(socket.AF_UNIX), id="a socket of this machine"),
        pytest.param(os.fork, id="a process"),
        pytest.param(lambda: subprocess.run(["/bin/true"], check=True), id="a program"),
        pytest.param(lambda: os.kill(os.getppid(), 0), id="a signal to another process"),
        pytest.param(lambda: os.memfd_create("hoard"), id="memory without a limit"),
        pytest.param(lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CPU), id="another's limits"),
        pytest.param(lambda: os.pidfd_open(os.getppid()), id="a handle of another process"),
    ],
)
def test_system_calls_that_no_reader_needs_are_refused(attempt: Attempt) -> None:
    missing, outcome = confined(attempt)
    assert "system calls" not in missing
    assert outcome == "PermissionError"


def call_libc(name: str, *arguments: object) -> int:
    """Call a function of the C library. Raises OSError."""
    return succeeded(int(getattr(libc(), name)(*arguments)))


@pytest.mark.parametrize(
    "attempt",
    [
        pytest.param(lambda path: path.chmod(0o777), id="its mode"),
        pytest.param(lambda path: os.chown(path, os.getuid(), os.getgid()), id="its owner"),
        pytest.param(os.utime, id="its times"),
        pytest.param(lambda path: os.removexattr(path, "user.absent"), id="its attributes"),
        pytest.param(
            lambda path: call_libc("inotify_add_watch", call_libc("inotify_init1", 0), bytes(path), 0xFFF),
            id="news of it",
        ),
    ],
)
def test_a_file_that_is_not_opened_is_left_alone(attempt: Callable[[Path], object], tmp_path: Path) -> None:
    (tmp_path / "other").write_text(SECRET)
    missing, outcome = confined(lambda: attempt(tmp_path / "other"))
    assert "system calls" not in missing
    assert outcome == "PermissionError"


@pytest.mark.parametrize(
    "attempt",
    [
        pytest.param(lambda end, process: fcntl.fcntl(end, fcntl.F_SETOWN, process), id="a signal to it"),
        pytest.param(lambda end, process: fcntl.fcntl(end, F_SETSIG, signal.SIGKILL), id="which signal"),
        pytest.param(
            lambda end, process: fcntl.fcntl(end, F_SETOWN_EX, struct.pack("ii", 1, process)),
            id="a signal to it, by a structure",
        ),
        pytest.param(
            lambda end, process: fcntl.ioctl(end, FIOSETOWN, struct.pack("i", process)),
            id="a signal to it, by ioctl",
        ),
        pytest.param(
            lambda end, process: fcntl.ioctl(end, SIOCSPGRP, struct.pack("i", process)),
            id="a signal to its group, by ioctl",
        ),
        pytest.param(
            lambda end, process: os.sched_setaffinity(process, os.sched_getaffinity(process)),
            id="its processors",
        ),
        pytest.param(
            lambda end, process: os.sched_setscheduler(process, os.SCHED_OTHER, os.sched_param(0)),
            id="its scheduler",
        ),
        pytest.param(
            lambda end, process: os.setpriority(
                os.PRIO_PROCESS, process, os.getpriority(os.PRIO_PROCESS, process)
            ),
            id="its priority",
        ),
    ],
)
def test_another_process_of_the_same_user_is_left_alone(
    attempt: Callable[[int, int], object], other_process: int
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        missing, outcome = confined(lambda: attempt(theirs.fileno(), other_process))
    assert "system calls" not in missing
    assert outcome == "PermissionError"


def test_memory_that_others_share_is_left_alone() -> None:
    segment = call_libc("shmget", 0, ctypes.c_size_t(4096), 0o1600)
    try:
        assert confined(lambda: call_libc("shmctl", segment, 0, None))[1] == "PermissionError"
    finally:
        call_libc("shmctl", segment, 0, None)  # removed; fails if the confined process has done that


def test_a_confined_process_still_works() -> None:
    assert confined(lambda: os.set_inheritable(1, True))[1] == "done"
    assert confined(lambda: fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, 3))[1] == "done"
    assert confined(thread)[1] == "done"
    assert confined(lambda: bytearray(2**20))[1] == "done"
    assert confined(lambda: resource.getrlimit(resource.RLIMIT_AS))[1] == "done"
    assert confined(lambda: __import__("wsgiref.simple_server"))[1] == "done", "the installation can be read"


def test_limits_of_memory_time_and_files(tmp_path: Path) -> None:
    # By mmap, because an earlier test may have freed as much, which malloc would give out again.
    assert confined(lambda: mmap.mmap(-1, 2**29))[1] == "OSError"

    def loop() -> None:
        while True:
            pass

    assert confined(loop)[1] == "SIGXCPU"
    with (tmp_path / "large").open("wb") as file:
        assert confined(lambda: os.pwrite(file.fileno(), b"x", 2**40), [file.fileno()])[1] == "OSError"
    assert confined(lambda: resource.setrlimit(resource.RLIMIT_CPU, (99, 99)))[1] == "ValueError"
    assert confined(os.abort)[1] == "SIGABRT"


@pytest.mark.usefixtures("landlock")
def test_no_file_but_those_that_were_given_can_be_opened(tmp_path: Path) -> None:
    given, other, private = tmp_path / "given", tmp_path / "other", tmp_path / "private"
    given.write_text("mine")
    other.write_text(SECRET)
    private.mkdir()
    parent = f"/proc/{os.getpid()}"
    with given.open() as file:

        def read_given() -> None:
            assert Path(f"/proc/self/fd/{file.fileno()}").read_text() == "mine"

        def replace_own() -> None:
            (private / "settings").write_text("{}")
            (private / "settings").unlink()

        def attempt(action: Attempt) -> str:
            return confined(action, [file.fileno()], private)[1]

        assert attempt(read_given) == "done"
        assert attempt(replace_own) == "done"
        for path in (other, "/etc/passwd", f"{parent}/environ", f"{parent}/maps", f"{parent}/cmdline"):
            assert Path(path).read_bytes()
            assert attempt(Path(path).read_bytes) == "PermissionError"
        assert attempt(lambda: os.open(f"{parent}/mem", os.O_RDONLY)) == "PermissionError"
        assert attempt(lambda: list(tmp_path.iterdir())) == "PermissionError"
        assert attempt(lambda: given.write_text("theirs")) == "PermissionError"
        assert attempt(given.unlink) == "PermissionError"
        assert attempt(lambda: (tmp_path / "new").write_text("")) == "PermissionError"
        assert attempt(lambda: (private / "link").symlink_to(other)) == "PermissionError"


@pytest.mark.usefixtures("landlock")
def test_what_is_named_readable_is_read_and_not_changed(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    given, other = tmp_path / "model" / "config.json", tmp_path / "other"
    given.write_text("{}")
    other.write_text(SECRET)

    def attempt(action: Attempt) -> str:
        return confined(action, [], None, [tmp_path / "model"])[1]

    assert attempt(given.read_text) == "done"
    assert attempt(lambda: Path("/dev/null").write_text("gone")) == "done"
    assert attempt(lambda: list(given.parent.iterdir())) == "done"
    assert attempt(other.read_text) == "PermissionError"
    assert attempt(lambda: given.write_text("[]")) == "PermissionError"
    assert attempt(given.unlink) == "PermissionError"
    assert attempt(lambda: (given.parent / "new").write_text("")) == "PermissionError"


@pytest.mark.usefixtures("landlock")
def test_no_file_can_be_made_changed_or_removed_once_nothing_must_be_written(tmp_path: Path) -> None:
    (tmp_path / "settings").write_text("{}")

    def after(action: Callable[[], object]) -> str:
        def attempt() -> None:
            (tmp_path / "settings").write_text("{}")
            confine.deny_writes()
            assert (tmp_path / "settings").read_text() == "{}"
            action()

        return confined(attempt, [], tmp_path)[1]

    assert after(thread) == "done"
    assert after(lambda: (tmp_path / "settings").write_text("[]")) == "PermissionError"
    assert after(lambda: os.truncate(tmp_path / "settings", 0)) == "PermissionError"
    assert after(lambda: (tmp_path / "hoard").write_text("")) == "PermissionError"
    assert after((tmp_path / "settings").unlink) == "PermissionError"
    assert [path.name for path in tmp_path.iterdir()] == ["settings"]


def test_no_byte_can_be_written_without_landlock_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confine, "restrict_reads", refused(errno.ENOSYS))
    monkeypatch.setattr(confine, "deny_changes", refused(errno.ENOSYS))

    def attempt() -> None:
        confine.deny_writes()
        (tmp_path / "hoard").write_text("a")

    assert confined(attempt, [], tmp_path)[1] == "OSError"
    assert (tmp_path / "hoard").stat().st_size == 0


@pytest.mark.usefixtures("network_namespace")
@pytest.mark.parametrize("name", ["environ", "mem"])
def test_its_parents_environment_and_memory_are_closed_without_landlock_too(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confine, "restrict_reads", refused(errno.EOPNOTSUPP))
    path = f"/proc/{os.getpid()}/{name}"
    os.close(os.open(path, os.O_RDONLY))
    missing, outcome = confined(lambda: os.open(path, os.O_RDONLY))
    assert missing == {"landlock"}
    assert outcome == "PermissionError"


@pytest.mark.usefixtures("network_namespace")
def test_nothing_can_be_reached_without_the_filter_of_system_calls_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(confine, "filter_system_calls", refused(errno.ENOSYS))
    monkeypatch.setattr(confine, "restrict_reads", refused(errno.ENOSYS))  # it would refuse TCP as well
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
        missing, outcome = confined(lambda: socket.create_connection(server.getsockname()))
    assert missing == {"landlock", "system calls"}
    assert outcome == "OSError", "the network is unreachable"


def test_a_layer_that_the_kernel_lacks_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confine, "unshare_network", refused(errno.EPERM))
    monkeypatch.setattr(confine, "restrict_reads", refused(errno.ENOSYS))
    missing, outcome = confined(lambda: socket.socket(socket.AF_INET))
    assert missing == {"network namespace", "landlock"}
    assert outcome == "PermissionError"

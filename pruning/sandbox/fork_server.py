"""The fork server: a process without secrets, started by this one, that forks a confined helper per task.

`python -m pruning.sandbox.fork_server` tests whether this kernel confines helpers: a confined process tries
what must fail. It prints the missing layers, each with the reason, as JSON.
"""

import atexit
import errno
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from pruning.sandbox.confine import LAYERS, SandboxLimits, confine

_MAX_MESSAGE_BYTES = 1 << 16
_MAX_DESCRIPTORS = 200
_START_TIMEOUT = 120.0
_ANSWER_TIMEOUT = 60.0
_TEST_TIMEOUT = 60.0

# The locations of Python and its libraries. No other variable is inherited by a helper.
_INHERITED = ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")
_HELPER_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "LC_ALL": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}


class SandboxUnavailable(OSError):
    """This machine cannot start a helper, or cannot confine it as the operator requires."""

    def __init__(self, message: str, number: int = errno.EPERM) -> None:
        """`number`: an errno of the machine, by which a worker recognises its own fault."""
        super().__init__(number, message)


def environment() -> dict[str, str]:
    """Return the environment of a helper."""
    kept = {name: value for name in _INHERITED if (value := os.environ.get(name))}
    return {**kept, **_HELPER_ENVIRONMENT}


class ForkServer:
    """The process that forks helpers, and the connection to it. Thread-safe."""

    def __init__(self) -> None:
        """Start the process. It is ready a second later; the first task waits for that."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-P", "-m", "pruning.sandbox.server", str(theirs.fileno())]
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                command,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        ours.settimeout(_START_TIMEOUT)
        self._connection = ours
        self._ready = False
        self._lock = threading.Lock()

    @property
    def process(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    @contextmanager
    def helper(self, message: Mapping[str, Any], descriptors: Sequence[int]) -> Iterator["HelperProcess"]:
        """Start a helper with these open files, of which the first is its connection. It ends with the body.

        Raises `SandboxUnavailable`.
        """
        with self._lock:
            self._wait_until_ready()
            counted = {**message, "descriptors": len(descriptors)}
            self._send(counted, descriptors)
            answer = self._answer()
        if "process" not in answer:
            raise SandboxUnavailable("a helper process cannot be started", int(answer["error"]))
        helper = HelperProcess()
        try:
            yield helper
        finally:
            with self._lock:
                self._send({"end": answer["process"]}, [])
                helper.status = int(self._answer()["status"])

    def stop(self) -> None:
        """End the process and its helpers."""
        self._connection.close()
        self._process.wait()

    def _wait_until_ready(self) -> None:
        if not self._ready:
            self._ready = self._receive() == b"ready"
            self._connection.settimeout(_ANSWER_TIMEOUT)

    def _send(self, message: Mapping[str, Any], descriptors: Sequence[int]) -> None:
        first, rest = descriptors[:_MAX_DESCRIPTORS], descriptors[_MAX_DESCRIPTORS:]
        try:
            socket.send_fds(self._connection, [json.dumps(message).encode()], first)
            while rest:
                socket.send_fds(self._connection, [b"+"], rest[:_MAX_DESCRIPTORS])
                rest = rest[_MAX_DESCRIPTORS:]
        except OSError as error:
            raise self._kill_process() from error

    def _answer(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._receive())
        return answer

    def _receive(self) -> bytes:
        try:
            content = self._connection.recv(_MAX_MESSAGE_BYTES)
        except OSError as error:
            raise self._kill_process() from error
        if not content:
            raise self._kill_process()
        return content

    def _kill_process(self) -> SandboxUnavailable:
        """Kill the process, so that the next task starts a new one, and return the error."""
        self._process.kill()
        self._process.wait()
        return SandboxUnavailable("the fork server of helpers has ended, or does not answer", errno.EIO)


class HelperProcess:
    """A helper, which ends with the context that started it."""

    status = 0
    """Its exit code, or the negative number of the signal that killed it."""


_lock = threading.Lock()


@cache
def _servers_of(process: int) -> list[ForkServer]:
    started: list[ForkServer] = []

    def stop() -> None:
        for one in started if os.getpid() == process else ():
            one.stop()

    atexit.register(stop)
    return started


def fork_server() -> ForkServer:
    """Return this process's fork server; a new one if there is none or it has ended. Raises OSError."""
    with _lock:
        started = _servers_of(os.getpid())
        if started and not started[0].is_running:
            started.pop().stop()
        if not started:
            started.append(ForkServer())
        return started[0]


@cache
def missing_sandbox_layers() -> Mapping[str, str]:
    """Test it in a new process, once. Return the missing layers with reasons. Raises SandboxUnavailable."""
    command = [sys.executable, "-P", "-m", "pruning.sandbox.fork_server"]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command, env=environment(), capture_output=True, timeout=_TEST_TIMEOUT, check=True
        )
        missing = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise SandboxUnavailable(f"the test of a confined helper failed ({type(error).__name__})") from error
    return {str(layer): str(reason) for layer, reason in missing.items()}


def sandbox_layer_status(missing: Mapping[str, str]) -> dict[str, bool]:
    """Return for each layer whether it is active."""
    return {layer: layer not in missing for layer in LAYERS}


def describe_sandbox_layers(missing: Mapping[str, str]) -> str:
    """Return a line for the log: the active and the missing layers."""
    active = [layer for layer in LAYERS if layer not in missing]
    lacking = [f"{layer} ({reason})" for layer, reason in missing.items()]
    without = f"; without {', '.join(lacking)}" if lacking else ""
    return f"untrusted files are read in a sandbox: {', '.join(active) or 'none'}{without}"


def _main() -> None:
    missing = confine(SandboxLimits())
    attempts: Mapping[str, Callable[[], object]] = {
        "landlock": lambda: Path("/etc/passwd").read_bytes(),
        "system calls": lambda: socket.socket(socket.AF_INET),
        "limits": lambda: bytearray(SandboxLimits().memory_bytes + 2**30),
    }
    for layer, attempt in attempts.items():
        with suppress(OSError, MemoryError):
            attempt()
            missing.setdefault(layer, "has no effect")
    sys.stdout.write(json.dumps(missing))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    _main()

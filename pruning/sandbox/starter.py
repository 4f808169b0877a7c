"""Starts the process that forks helpers, and asks it for one: this side holds the secrets."""

import atexit
import errno
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

_LONGEST_MESSAGE = 1 << 16
_DESCRIPTORS_AT_ONCE = 200
_SECONDS_TO_START = 120.0
_SECONDS_TO_ANSWER = 60.0

# Where Python and its libraries lie. Nothing else of the environment reaches a helper.
_PASSED_ON = ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")
_HELPER_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "LC_ALL": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}


class NoSandbox(OSError):
    """This machine cannot start a helper, or not one that is confined as the operator demands."""

    def __init__(self, message: str, number: int = errno.EPERM) -> None:
        """`number`: an errno of the machine, by which a worker knows that the fault is its own."""
        super().__init__(number, message)


def environment() -> dict[str, str]:
    """Return the environment of a helper."""
    kept = {name: value for name in _PASSED_ON if (value := os.environ.get(name))}
    return {**kept, **_HELPER_ENVIRONMENT}


class Starter:
    """The process that forks helpers, and the connection to it. For all threads of this process."""

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
        ours.settimeout(_SECONDS_TO_START)
        self._connection = ours
        self._ready = False
        self._lock = threading.Lock()

    @property
    def process(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def is_usable(self) -> bool:
        """Whether the process lives."""
        return self._process.poll() is None

    @contextmanager
    def helper(self, message: Mapping[str, Any], descriptors: Sequence[int]) -> Iterator["HelperProcess"]:
        """Start a helper with these open files, of which the first is its connection. It ends with the body.

        Raises `NoSandbox`.
        """
        with self._lock:
            self._wait_until_ready()
            counted = {**message, "descriptors": len(descriptors)}
            self._send(counted, descriptors)
            answer = self._answer()
        if "process" not in answer:
            raise NoSandbox("a helper process cannot be started", int(answer["error"]))
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
            self._connection.settimeout(_SECONDS_TO_ANSWER)

    def _send(self, message: Mapping[str, Any], descriptors: Sequence[int]) -> None:
        first, rest = descriptors[:_DESCRIPTORS_AT_ONCE], descriptors[_DESCRIPTORS_AT_ONCE:]
        try:
            socket.send_fds(self._connection, [json.dumps(message).encode()], first)
            while rest:
                socket.send_fds(self._connection, [b"+"], rest[:_DESCRIPTORS_AT_ONCE])
                rest = rest[_DESCRIPTORS_AT_ONCE:]
        except OSError as error:
            raise self._gave_up() from error

    def _answer(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._receive())
        return answer

    def _receive(self) -> bytes:
        try:
            content = self._connection.recv(_LONGEST_MESSAGE)
        except OSError as error:
            raise self._gave_up() from error
        if not content:
            raise self._gave_up()
        return content

    def _gave_up(self) -> NoSandbox:
        """End the process, so that the next task gets a new one."""
        self._process.kill()
        self._process.wait()
        return NoSandbox("the process that starts helpers has ended, or does not answer", errno.EIO)


class HelperProcess:
    """A helper, which has ended once its block has."""

    status = 0
    """How it ended: its exit code, or the negative number of the signal that killed it."""


_lock = threading.Lock()


@cache
def _of(process: int) -> list[Starter]:
    started: list[Starter] = []

    def stop() -> None:
        for one in started if os.getpid() == process else ():
            one.stop()

    atexit.register(stop)
    return started


def starter() -> Starter:
    """Return this process's starter: a new one if there is none, or if it has died. Raises OSError."""
    with _lock:
        started = _of(os.getpid())
        if started and not started[0].is_usable:
            started.pop().stop()
        if not started:
            started.append(Starter())
        return started[0]

"""What the embedded PostgreSQL and Valkey have in common: one child process over one directory.

The child dies with its parent, even one that was killed; a start finds what a killed run has left and stops
it first; two runs never share a directory; the data stays.
"""

import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, ClassVar, Self

LOOPBACK = "127.0.0.1"

_START_SECONDS = 60.0  # a database that was killed replays its log first
_STOP_SECONDS = 15.0


class EmbeddedError(Exception):
    """An embedded server cannot run here; the message says why and what to do."""


class EmbeddedServer(ABC):
    """A server on loopback with a password, kept in a directory of its own.

    `with Server(directory) as server: use(server.url)`, or `start()` and `stop()`. The port is chosen once,
    so that a server which is stopped and started again is found where it was.
    """

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]
    """What makes the server stop at once and cleanly, although clients are connected."""

    def __init__(self, directory: Path, *, port: int | None = None) -> None:
        """`directory` is made by `start`; without a `port` a free one is taken."""
        self.directory = directory.absolute()
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner_lock: IO[str] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients connect, password included."""

    @abstractmethod
    def _prepare(self) -> None:
        """Make the data and the configuration, if they are not there yet."""

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """The server in the foreground."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether the server takes a client with the password."""

    @property
    def pid(self) -> int | None:
        """The server's process, while it is started."""
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        """Whether the server was started and has not exited."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and wait until it answers. Raises `EmbeddedError` where it cannot."""
        if threading.current_thread() is not threading.main_thread():
            # The kernel sends the parent-death signal when the *thread* that made the child ends.
            raise EmbeddedError(f"start {self.name} from the main thread: it would die with any other")
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o711)
        self._owner_lock = self._take_ownership()
        try:
            with (self.directory / "server.lock").open("a+") as server_lock:
                self._stop_leftover(server_lock)
                self._prepare()
                self._process = self._spawn(server_lock)
            self._wait_until_it_answers(self._process)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server and give the directory free; nothing happens where it is not started."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(self.stop_signal)
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._owner_lock is not None:
            self._owner_lock.close()
            self._owner_lock = None

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.directory / f"{self.name}.log"

    def _password(self) -> str:
        """The password, made at the first start, in a file that only its user can read."""
        path = self.directory / "password"
        if not path.exists():
            temporary = path.with_suffix(".new")
            temporary.unlink(missing_ok=True)
            temporary.touch(0o600)
            temporary.write_text(secrets.token_urlsafe(32))
            temporary.rename(path)
        return path.read_text()

    def _take_ownership(self) -> IO[str]:
        lock = (self.directory / "owner.lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise EmbeddedError(
                f"{self.directory} is in use by another process; stop that one, or choose another directory"
            ) from None
        return lock

    def _stop_leftover(self, server_lock: IO[str]) -> None:
        """Stop the server of a run that was killed.

        A server inherits this lock and holds it as long as any process of its own is alive. Whoever owns the
        directory and finds the lock taken has therefore met a leftover, whose process id the file holds.
        """
        patience = time.monotonic() + _STOP_SECONDS
        signalled = False
        while True:
            try:
                fcntl.flock(server_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                server_lock.seek(0)
                pid = server_lock.read()
            if pid and not signalled:
                signal_if_alive(int(pid), self.stop_signal)
                signalled = True
            if time.monotonic() > patience:
                raise EmbeddedError(f"process {pid} of an earlier run does not stop; end it and try again")
            time.sleep(0.05)

    def _spawn(self, server_lock: IO[str]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - a fixed program with our own arguments
                [*dying_with_its_parent(self.stop_signal), *self._command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                # A group of its own: Ctrl-C at the terminal reaches the owner, who stops things in order.
                process_group=0,
                pass_fds=[server_lock.fileno()],
            )
        server_lock.truncate(0)
        server_lock.write(str(process.pid))
        return process

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        patience = time.monotonic() + _START_SECONDS
        while not self._answers():
            if process.poll() is not None:
                raise EmbeddedError(f"{self.name} did not start; its log says:\n{tail(self.log)}")
            if time.monotonic() > patience:
                raise EmbeddedError(f"{self.name} does not answer after {_START_SECONDS:g} s; see {self.log}")
            time.sleep(0.02)


def free_port() -> int:
    """A TCP port on loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def dying_with_its_parent(stop_signal: signal.Signals) -> list[str]:
    """A prefix for a command that gets the signal when the thread that started it is gone."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise EmbeddedError(
            "the embedded servers need Linux with `setpriv` (package util-linux); "
            f"on {sys.platform} set DATABASE_URL and BROKER_URL to servers of your own"
        )
    return [setpriv, "--pdeathsig", stop_signal.name.removeprefix("SIG")]


def signal_if_alive(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may be gone."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def tail(log: Path, lines: int = 20) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])

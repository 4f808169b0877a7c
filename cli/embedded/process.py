"""One child process over one directory: the embedded servers, and the service's own processes beside them.

A child dies with its parent, even with one that was killed; a start finds what a killed run has left, and
stops it first; two runs never share a directory; what lies in it stays.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

_START_SECONDS = 60.0  # a database that was killed replays its log first
_KEPT_LOG_BYTES = 16_000_000


class EmbeddedError(Exception):
    """A part of the stack cannot run here; the message says why and what to do."""


class OwnedProcess(ABC):
    """A program in the foreground, kept in a directory of its own.

    `with Program(directory): ...`, or `start()` and `stop()`, again and again.
    """

    name: str
    stop_signal: signal.Signals = signal.SIGTERM
    """What makes the program stop cleanly and soon, whoever is connected to it."""
    stop_seconds = 15.0
    """How long it may take to do so, before it is killed."""

    def __init__(self, directory: Path) -> None:
        """`directory` is made by `start`."""
        self.directory = directory.absolute()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner_lock: IO[str] | None = None

    @abstractmethod
    def _prepare(self) -> None:
        """Make what the program needs, if it is not there yet."""

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """The program with its arguments."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether the program is ready."""

    def _environment(self) -> Mapping[str, str]:
        return os.environ

    @property
    def pid(self) -> int | None:
        """The process's id, while it is started."""
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        """Whether the program was started and has not exited."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the program and wait until it is ready. Raises `EmbeddedError` where it cannot."""
        if threading.current_thread() is not threading.main_thread():
            # The kernel sends the parent-death signal when the *thread* that made the child ends.
            raise EmbeddedError(f"start {self.name} from the main thread: it would die with any other")
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o711)
        self._owner_lock = self._take_ownership()
        try:
            with (self.directory / "running.lock").open("a+") as running_lock:
                self._stop_leftover(running_lock)
                self._prepare()
                self._process = self._spawn(running_lock)
            self._wait_until_it_answers(self._process)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the program and give the directory free; nothing happens where it is not started."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(self.stop_signal)
            try:
                self._process.wait(self.stop_seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._owner_lock is not None:
            self._owner_lock.close()
            self._owner_lock = None

    def kill(self) -> None:
        """End the program at once. What it leaves undone, its next start mends."""
        if self._process is not None:
            self._process.kill()

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
        """What the program says."""
        return self.directory / f"{self.name}.log"

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

    def _stop_leftover(self, running_lock: IO[str]) -> None:
        """Stop the program of a run that was killed.

        A program inherits this lock and holds it as long as any process of its own is alive. Whoever owns the
        directory and finds the lock taken has therefore met a leftover, whose process id the file holds.
        """
        if self._is_free(running_lock):
            return
        for number, seconds in ((self.stop_signal, self.stop_seconds), (signal.SIGKILL, 5.0)):
            running_lock.seek(0)
            pid = running_lock.read()
            if pid:
                signal_if_alive(int(pid), number)
            patience = time.monotonic() + seconds
            while time.monotonic() < patience:
                if self._is_free(running_lock):
                    return
                time.sleep(0.05)
        raise EmbeddedError(f"process {pid} of an earlier run does not stop; end it and try again")

    @staticmethod
    def _is_free(running_lock: IO[str]) -> bool:
        try:
            fcntl.flock(running_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _spawn(self, running_lock: IO[str]) -> subprocess.Popen[bytes]:
        self._keep_log_small()
        with self.log.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - a fixed program with our own arguments
                [*dying_with_its_parent(self.stop_signal), *self._command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env=self._environment(),
                # A group of its own: Ctrl-C at the terminal reaches the owner, who stops things in order.
                process_group=0,
                pass_fds=[running_lock.fileno()],
            )
        running_lock.truncate(0)
        running_lock.write(str(process.pid))
        return process

    def _keep_log_small(self) -> None:
        if self.log.exists() and self.log.stat().st_size > _KEPT_LOG_BYTES:
            self.log.replace(self.log.with_name(f"{self.log.name}.1"))

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        patience = time.monotonic() + _START_SECONDS
        while not self._answers():
            if process.poll() is not None:
                raise EmbeddedError(f"{self.name} did not start; its log says:\n{tail(self.log)}")
            if time.monotonic() > patience:
                raise EmbeddedError(f"{self.name} does not answer after {_START_SECONDS:g} s; see {self.log}")
            time.sleep(0.02)


def dying_with_its_parent(stop_signal: signal.Signals) -> list[str]:
    """A prefix for a command that gets the signal when the thread that started it is gone."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise EmbeddedError(
            "a stack on one machine needs Linux with the program `setpriv` (package util-linux); "
            f"here ({sys.platform}) run the service's parts on servers of your own"
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

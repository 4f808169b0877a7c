"""A child process with a directory of its own: the base of the embedded servers and the service's processes.

The child dies with its parent, even if the parent is killed. A start first stops what a killed run has left.
Two runs never share a directory. The files in it are kept. An embedded server has a port on loopback and a
password in addition.
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
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from jobs.secret_files import write_secret

_MAX_LOG_BYTES = 16_000_000
_SLOW_SECONDS = 10.0


class EmbeddedError(Exception):
    """A process cannot run here. The message has the reason and what to do."""


class OwnedProcess(ABC):
    """A foreground program that runs in a directory of its own.

    Use it as `with Program(directory): ...`, or call `start()` and `stop()`, any number of times.
    """

    name: str
    stop_signal: signal.Signals = signal.SIGTERM
    """The signal for a clean and quick stop that does not wait for connected clients."""
    start_seconds: float = 180.0  # a database that was killed replays its log first; machines may be busy
    stop_seconds = 15.0
    """Seconds after the signal until the program is killed."""

    def __init__(self, directory: Path) -> None:
        """`directory` is created by `start`."""
        self.directory = directory.absolute()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner_lock: IO[str] | None = None
        self._not_ready = "it does not answer"
        self._log_start = 0

    @abstractmethod
    def _prepare(self) -> None:
        """Create what the program needs, if it is missing."""

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """Return the program with its arguments."""

    @abstractmethod
    def _is_ready(self) -> bool:
        """Return whether the program is ready. If not, `_not_ready` may say why."""

    def _environment(self) -> Mapping[str, str]:
        return os.environ

    @property
    def pid(self) -> int | None:
        """The process id, while the program is started."""
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        """Whether the program was started and has not exited."""
        return self._process is not None and self._process.poll() is None

    @property
    def has_leftover(self) -> bool:
        """Whether the program of an earlier run, which was killed, still runs in the directory."""
        lock = self.directory / "running.lock"
        if not lock.exists():
            return False
        with lock.open("a+") as running_lock:
            return not self._is_free(running_lock)

    @property
    def exited_cleanly(self) -> bool:
        """Whether the program has exited by itself, and not because something failed."""
        return self._process is not None and self._process.poll() == 0

    def start(self) -> None:
        """Start the program and wait until it is ready. Raises `EmbeddedError` if that fails."""
        if threading.current_thread() is not threading.main_thread():
            # The kernel sends the parent-death signal when the thread that started the child ends.
            raise EmbeddedError(
                f"start {self.name} from the main thread: it would die together with any other"
            )
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o711)
        self._owner_lock = self._take_ownership()
        try:
            with (self.directory / "running.lock").open("a+") as running_lock:
                self._stop_leftover(running_lock)
                self._prepare()
                self._process = self._spawn(running_lock)
            self._wait_until_ready(self._process)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the program and release the directory. Does nothing if it is not started."""
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
        """Kill the program. Its next start recovers."""
        if self._process is not None:
            self._process.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def log(self) -> Path:
        """The file with the program's output."""
        return self.directory / f"{self.name}.log"

    @property
    def said(self) -> str:
        """The output of the program since its last start; the log also has that of earlier ones."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

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
        """Stop the program of an earlier run that was killed.

        A program inherits this lock, which stays taken as long as any of its processes is alive. If we own
        the directory and the lock is taken, a leftover is running. The file holds its process id.
        """
        if self._is_free(running_lock):
            return
        for number, seconds in ((self.stop_signal, self.stop_seconds), (signal.SIGKILL, 5.0)):
            running_lock.seek(0)
            pid = running_lock.read()
            if pid:
                signal_if_alive(int(pid), number)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                if self._is_free(running_lock):
                    return
                time.sleep(0.05)
        raise EmbeddedError(f"process {pid} of an earlier run does not stop; kill it and try again")

    @staticmethod
    def _is_free(running_lock: IO[str]) -> bool:
        try:
            fcntl.flock(running_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _spawn(self, running_lock: IO[str]) -> subprocess.Popen[bytes]:
        self._rotate_log()
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            process = subprocess.Popen(  # noqa: S603 - a fixed program with our own arguments
                [*with_parent_death_signal(self.stop_signal), *self._command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env=self._environment(),
                # A process group of its own: Ctrl-C reaches only us, and we stop everything in order.
                process_group=0,
                pass_fds=[running_lock.fileno()],
            )
        running_lock.truncate(0)
        running_lock.write(str(process.pid))
        return process

    def _rotate_log(self) -> None:
        if self.log.exists() and self.log.stat().st_size > _MAX_LOG_BYTES:
            self.log.replace(self.log.with_name(f"{self.log.name}.1"))

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        began = time.monotonic()
        say_at = began + _SLOW_SECONDS
        while not self._is_ready():
            now = time.monotonic()
            if process.poll() is not None:
                raise EmbeddedError(f"{self.name} did not start; {self._log_tail()}")
            if now > began + self.start_seconds:
                raise EmbeddedError(
                    f"{self.name} is not ready after {self.start_seconds:g} s: {self._not_ready}. If this "
                    "machine is busy, start it again when less else runs: it goes on with the same data. "
                    f"Otherwise {self._log_tail()}"
                )
            if now > say_at:
                print_line(f"{self.name} is still starting, after {now - began:.0f} s (log: {self.log})")
                say_at = now + _SLOW_SECONDS
            time.sleep(0.02)

    def _log_tail(self) -> str:
        return f"the end of its log {self.log}:\n" + "\n".join(self.said.splitlines()[-20:])


def print_line(text: str) -> None:
    """Print one line with the time in UTC, as the logs have it, or none on a full disk or a closed pipe."""
    with suppress(OSError):
        print(f"{time.strftime('%H:%M:%SZ', time.gmtime())}  {text}", flush=True)


def with_parent_death_signal(stop_signal: signal.Signals) -> list[str]:
    """Return a command prefix that makes the kernel send the signal once the starting thread has ended."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise EmbeddedError(
            "`pruneserve up` needs Linux with the program `setpriv` (package util-linux); "
            f"on this system ({sys.platform}), run the parts of the service on servers of your own"
        )
    return [setpriv, "--pdeathsig", stop_signal.name.removeprefix("SIG")]


def signal_if_alive(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process, if it still exists."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


LOOPBACK = "127.0.0.1"
_PORTS = range(20_000, 32_768)


class EmbeddedServer(OwnedProcess):
    """A server on loopback with a password: `with Server(directory) as server: use(server.url)`.

    The port is chosen once and kept in a file, so that clients find the server again after a restart.
    """

    def __init__(self, directory: Path, *, port: int | None = None) -> None:
        """`directory` is created by `start`; the default `port` is that of the last start, or a free one."""
        super().__init__(directory)
        self._port_file = None if port else self.directory / "port"
        self.port = port or self._kept_port() or free_port()

    @property
    @abstractmethod
    def url(self) -> str:
        """The URL for clients, with the password."""

    def _prepare(self) -> None:
        """Keep the port. At the first start here, another one is chosen if another program has taken it."""
        if self._port_file is not None:
            if bind_error(self.port) is not None:
                self.port = free_port()
            if self.port != self._kept_port():  # on a full disk, writing would leave the file empty
                self._port_file.write_text(f"{self.port}\n", encoding="ascii")
            self._port_file = None

    def _kept_port(self) -> int | None:
        try:
            port = int((self.directory / "port").read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return None
        return port if port in _PORTS else None

    def _password(self, file: str = "password") -> str:
        """Return a password, which the first start writes to a file that only its user can read."""
        path = self.directory / file
        if not path.exists():
            write_secret(path, secrets.token_urlsafe(32))
        return path.read_text().strip()


def free_port() -> int:
    """Return a TCP port on loopback that is not in use.

    It is below those that outgoing connections get, on Linux and by the IANA: one could take it before its
    server does, or while that starts again.
    """
    while True:
        port = secrets.choice(_PORTS)
        if bind_error(port) is None:
            return port


def bind_error(port: int) -> OSError | None:
    """Return why no server could listen on a TCP port of loopback; None if one could."""
    with socket.socket() as probe:
        # As the servers do, so that connections in TIME_WAIT do not make the port appear taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            return error
    return None

"""Starts `pruneserve up`, finds its processes by their command lines, and sends them signals."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.faults.blackbox.commands import another, is_of, up
from tests.limits import with_limits

TIMEOUT_SECONDS = 900.0
"""A machine with other load takes minutes to drain a flood of messages."""

LEASE_SECONDS = 10.0

SETTINGS = {
    **with_limits(HEARTBEAT_SECONDS=1, LEASE_SECONDS=LEASE_SECONDS),
    "PRUNESERVE_RATE_LIMIT_PER_MINUTE": "1000000",
    "PRUNESERVE_DEVICE": "cpu",
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
}


class Processes:
    """The processes of `pruneserve up`, which restarts each that dies, and further ones."""

    def __init__(self, directory: Path) -> None:
        """`directory`: where data and logs are written."""
        self.data = directory / "data"
        self.models = self.data / "models"
        self._logs = directory
        self._up: subprocess.Popen[bytes] | None = None
        self._further: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start `pruneserve up` and wait until its API is ready."""
        self._up = self._spawn("up", up(self.data, _free_port()), os.environ | SETTINGS)
        self.wait_until((self.data / "address").exists, "pruneserve up")

    def stop(self) -> None:
        """Stop everything, with SIGKILL where SIGTERM does not help."""
        for process in [*self._further, *filter(None, [self._up])]:
            for each in tree(process.pid):
                _send(each, signal.SIGCONT)
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                for each in tree(process.pid):
                    _send(each, signal.SIGKILL)

    def start_another(self, role: str, **environment: str) -> psutil.Process:
        """Start one more process of a role, on the same database, broker and store."""
        own = self.find("scheduler").environ()
        process = self._spawn(f"another-{role}-{len(self._further)}", another(role), own | environment)
        self._further.append(process)
        return psutil.Process(process.pid)

    def find(self, role: str) -> psutil.Process:
        """Return the process of a role among the children of `up`, once it runs."""
        found: list[psutil.Process] = []

        def runs() -> bool:
            assert self._up is not None
            found[:] = [
                each for each in psutil.Process(self._up.pid).children() if is_of(role, _command_line(each))
            ]
            return bool(found)

        self.wait_until(runs, f"a process of the role {role}")
        (process,) = found
        return process

    def child(self, worker: psutil.Process) -> psutil.Process:
        """Return the process in which a worker runs jobs: of its children, the one with the most memory."""
        return max(worker.children(), key=lambda each: each.memory_info().rss)

    @contextmanager
    def not_restarted(self) -> Iterator[None]:
        """Suspend `up` itself, so that what is stopped meanwhile stays down."""
        assert self._up is not None
        os.kill(self._up.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._up.pid, signal.SIGCONT)

    def wait_until(self, reached: Callable[[], bool], awaited: str) -> None:
        """Wait until a condition holds; fail with the ends of all logs if it does not."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not reached():
            assert self._up is None or self._up.poll() is None, self.ends_of_logs()
            assert time.monotonic() < deadline, f"{awaited}: not reached; {self.ends_of_logs()}"
            time.sleep(0.05)

    def ends_of_logs(self) -> str:
        """Return the last lines of every log, for a report."""
        logs = [*self._logs.glob("*.log"), *self.data.glob("*/*.log")]
        return "\n".join(f"{log}:\n{log.read_text(errors='replace')[-2000:]}" for log in logs)

    def _spawn(self, name: str, command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        self.data.mkdir(parents=True, exist_ok=True, mode=0o711)
        with (self._logs / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                # It ends with the tests, also where those are killed. Ctrl-C in a terminal reaches the tests
                # alone, which stop everything in order.
                ["setpriv", "--pdeathsig", "TERM", *command],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._logs,
                process_group=0,
            )


def tree(pid: int) -> list[psutil.Process]:
    """Return a process with all of its descendants, itself first; empty if it does not exist."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def kill(process: psutil.Process) -> None:
    """Send SIGKILL to one process alone: what becomes of its children is the service's affair."""
    _send(process, signal.SIGKILL)


def kill_tree(process: psutil.Process) -> None:
    """Send SIGKILL to a process and its descendants, as if their machine had lost its power."""
    for each in tree(process.pid):
        kill(each)


@contextmanager
def suspended(process: psutil.Process, *, descendants: bool = False) -> Iterator[None]:
    """Send SIGSTOP, and SIGCONT at the end."""
    stopped = tree(process.pid) if descendants else [process]
    for each in stopped:
        _send(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in stopped:
            _send(each, signal.SIGCONT)


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):  # it has just ended by itself
        process.send_signal(number)


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline()).rstrip()
    except psutil.Error:
        return ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

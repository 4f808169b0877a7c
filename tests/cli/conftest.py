"""Servers for the commands to talk to: one that misbehaves on demand, and a whole `pruneserve up`."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from cli.data_directory import DataDirectory
from cli.embedded.process import free_port
from tests.limits import with_limits
from tests.scripted_server import ScriptedServer, scripted_server

PATIENCE_SECONDS = 120.0


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture
def job_id() -> UUID:
    return uuid4()


@dataclass
class Up:
    """A `pruneserve up`, and commands that talk to it as a person's would."""

    data: DataDirectory
    port: int
    process: subprocess.Popen[str]

    def command(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        place = {"PRUNESERVE_URL": f"http://127.0.0.1:{self.port}"}
        key = ["--key-file", str(self.data.api_key)]
        return subprocess.run(
            [*PRUNESERVE, *arguments, *key],
            env=os.environ | place | environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def succeed(self, *arguments: str) -> str:
        done = self.command(*arguments)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{self.logs()}"
        return done.stdout

    def wait_until_ready(self) -> None:
        patience = time.monotonic() + PATIENCE_SECONDS
        while not self.data.address.exists():
            assert self.process.poll() is None, self.logs()
            assert time.monotonic() < patience, self.logs()
            time.sleep(0.05)

    def logs(self) -> str:
        return "\n".join(path.read_text(errors="replace") for path in self.data.root.glob("*/*.log"))


SETTINGS = {
    "PRUNESERVE_DEVICE": "cpu",
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    # Shorter than in life: after a kill, the scheduler waits for a lease before it takes a job back.
    **with_limits(HEARTBEAT_SECONDS=2, LEASE_SECONDS=10),
}
PRUNESERVE = [sys.executable, "-m", "cli.main"]


@contextmanager
def up(
    data: Path,
    *arguments: str,
    port: int | None = None,
    command: Sequence[str] = PRUNESERVE,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Up]:
    """A `pruneserve up` that is ready, stopped at the end if it still runs."""
    port = port or free_port()
    process = subprocess.Popen(
        [*command, "up", "--data", str(data), "--port", str(port), *arguments],
        env={**os.environ, **SETTINGS, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    running = Up(DataDirectory(data), port, process)
    try:
        running.wait_until_ready()
        yield running
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_SECONDS)


def start(data: Path, port: int, **environment: str) -> subprocess.CompletedProcess[str]:
    """An `up` that is expected to end by itself."""
    command = [*PRUNESERVE, "up", "--data", str(data), "--port", str(port)]
    env = os.environ | environment
    return subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )

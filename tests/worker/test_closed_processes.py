"""What another process of the same user can read of one that holds secrets: nothing.

Root may read everything, so where the tests run as root, the processes of these tests become another user.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from mmap import PAGESIZE, mmap
from pathlib import Path
from typing import Any

import pytest
import torch

from jobs.secret_files import close_to_others
from pruning.runtime.process_memory import PeakMemory, keep_peak_memory_resettable
from pruning.sandbox import confine
from pruning.sandbox.confine import SandboxLimits
from tests.stack import directory_store

pytestmark = pytest.mark.threat

NOBODY = 65534
SET_DUMPABLE = 4

OPENED: dict[str, Callable[[Path], object]] = {
    "environ": lambda process: (process / "environ").read_bytes(),
    "maps": lambda process: (process / "maps").read_bytes(),
    "fd": lambda process: list((process / "fd").iterdir()),
    "cwd": lambda process: (process / "cwd").readlink(),
    "mem": lambda process: os.close(os.open(process / "mem", os.O_RDONLY)),
}


def become_ordinary() -> None:
    """Become a user without privileges, and a process that is open, as one is that a user starts."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    ctypes.CDLL(None).prctl(SET_DUMPABLE, 1, 0, 0, 0)


def in_a_fork(action: Callable[[], object]) -> Any:
    """What an action returns in a copy of this process."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            os.write(writing, json.dumps(action()).encode())
        except BaseException as error:
            os.write(writing, json.dumps(repr(error)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return json.loads(said)


@contextmanager
def victim(prepare: Callable[[], object]) -> Iterator[Path]:
    """An ordinary process that waits, once it has prepared itself; its folder in /proc."""
    ours, theirs = os.pipe()
    if (process := os.fork()) == 0:
        try:
            become_ordinary()
            prepare()
            os.write(theirs, b"ready")
            signal.pause()
        finally:
            os._exit(1)
    assert os.read(ours, 5) == b"ready"
    os.close(ours)
    os.close(theirs)
    try:
        yield Path(f"/proc/{process}")
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


def readable(process: Path) -> set[str]:
    """What an ordinary process of the same user can read of another one."""

    def attempt() -> list[str]:
        become_ordinary()
        found = []
        for name, read in OPENED.items():
            try:
                read(process)
                found.append(name)
            except PermissionError:
                continue
        return found

    return set(in_a_fork(attempt))


def test_a_closed_process_shows_nothing_to_its_user() -> None:
    with victim(lambda: None) as process:
        # Some systems keep the memory of a process from all but its debugger (Yama).
        assert readable(process) >= {"environ", "maps", "fd", "cwd"}
    with victim(close_to_others) as process:
        assert readable(process) == set()


def test_a_helper_shows_nothing_to_its_user() -> None:
    """Without the layers, some of which close it as well."""

    def helper() -> None:
        with pytest.MonkeyPatch.context() as patch:
            for layer in ("set_no_new_privileges", "unshare_network", "drop_capabilities"):
                patch.setattr(confine, layer, lambda: None)
            patch.setattr(confine, "restrict_reads", lambda *_: None)
            patch.setattr(confine, "filter_system_calls", lambda: None)
            confine.confine(SandboxLimits())

    with victim(helper) as process:
        assert readable(process) == set()


def test_a_closed_process_reads_its_own_files_and_resets_its_peak(tmp_path: Path) -> None:
    """As the process that runs jobs does: the files of a run are opened by their descriptors in /proc."""

    (tmp_path / "file").write_text("mine")

    def work() -> list[object]:
        with (tmp_path / "file").open() as file:
            become_ordinary()
            keep_peak_memory_resettable()
            close_to_others()
            read = Path(f"/proc/self/fd/{file.fileno()}").read_text()
        memory = PeakMemory(torch.device("cpu"))
        memory.reset()
        with mmap(-1, 2**28) as large:  # from the system: malloc may have as much that was freed
            large[::PAGESIZE] = b"x" * (2**28 // PAGESIZE)
            with_large = memory.peak()
        memory.reset()
        return [read, memory.resettable, with_large - memory.peak() > 200 * 2**20]

    assert in_a_fork(work) == ["mine", True, True]


TELL = """
import ctypes, os
def told(*_, **__):
    print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), flush=True)  # PR_GET_DUMPABLE
    os._exit(0)
"""
PROGRAMS = {
    "api": "import sys, api.__main__ as m; sys.argv[1:] = []; m.Server.run = told; m.main()",
    "scheduler": "import scheduler.__main__ as m; m.Scheduler.run = told; m.main()",
    "worker": "import worker.__main__ as m; m.Parent.wait_until_fit = told; m.main()",
    "up": "import cli.embedded.up as m; from pathlib import Path; m.Api.check_port = m.Postgres = told; "
    "m._start(None, m.DataDirectory(Path.cwd()), 8642, [])",
    "migrate": "import migrations.__main__ as m; m.migrations.upgrade = told; m.main()",
    "manage": "import sys, jobs.manage as m; sys.argv[1:] = ['health', 'worker']; m._run = told; m.main()",
    "a worker's child": "import worker.tasks as m; m.fix_cublas_workspace = told; m.prepare_child()",
}


def dumpable(program: str, environment: dict[str, str]) -> str:
    """What the kernel says of a program once it has started: 1 for a process that is open."""
    command = [sys.executable, "-c", f"{TELL}\n{PROGRAMS[program]}"]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Settings whose secrets lie in files; nothing listens there."""
    (tmp_path / "database").write_text("postgresql://u:p@127.0.0.1:1/x")
    (tmp_path / "broker").write_text("redis://127.0.0.1:1/0")
    for name in ("database", "broker"):
        (tmp_path / name).chmod(0o600)
    return {
        "DATABASE_URL_FILE": str(tmp_path / "database"),
        "BROKER_URL_FILE": str(tmp_path / "broker"),
        "STORE_URL": directory_store(tmp_path),
        "PRUNESERVE_WORK_DIR": str(tmp_path / "work"),
        "TMPDIR": str(tmp_path),
    }


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_with_secrets_is_closed_when_it_starts(program: str, environment: dict[str, str]) -> None:
    assert dumpable(program, environment) == "0"


@pytest.mark.slow
def test_a_worker_stays_open_to_its_children_where_secrets_came_as_variables(
    environment: dict[str, str],
) -> None:
    url = Path(environment.pop("DATABASE_URL_FILE")).read_text()
    assert dumpable("worker", environment | {"DATABASE_URL": url}) == "1"
    assert dumpable("scheduler", environment | {"DATABASE_URL": url}) == "0"

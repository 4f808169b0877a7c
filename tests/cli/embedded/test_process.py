"""What holds for every process that the stack owns, tried on a small one."""

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from cli.embedded import process
from cli.embedded import supervisor as supervision
from cli.embedded.process import EmbeddedError, OwnedProcess
from cli.embedded.supervisor import Supervisor

pytestmark = pytest.mark.slow

STUBBORN = """
import pathlib, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path("ready").touch()
time.sleep(600)
"""
OBEDIENT = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
pathlib.Path("ready").touch()
time.sleep(600)
"""
OWNER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_process import Program, STUBBORN
Program(Path(sys.argv[2]), STUBBORN).start()
print("started", flush=True)
time.sleep(600)
"""

# Each has lines to print, and ends with code 7.
A_LINE = "import os; from cli.embedded.process import print_line; print_line('x'); os._exit(7)"
A_SLOW_START = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from cli.embedded import process
from test_process import OBEDIENT, Program
process._SLOW_SECONDS = 0.0
with Program(Path(sys.argv[2]), "import time; time.sleep(0.2)" + OBEDIENT) as program:
    running = program.running
os._exit(7 if running else 8)
"""
THE_ADDRESS = """
import os, sys
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from cli.data_directory import DataDirectory
from cli.embedded import up
workers = SimpleNamespace(takes_jobs=True, reported=Event())
up._announce(up._Started("http://here", "token", None, ""), workers, DataDirectory(Path(sys.argv[2])), [])
os._exit(7)
"""


class Program(OwnedProcess):
    """Some lines of Python, ready when they have made a file of that name."""

    name = "program"
    stop_seconds = 0.2

    def __init__(self, directory: Path, source: str) -> None:
        super().__init__(directory)
        self._source = source

    def _prepare(self) -> None:
        (self.directory / "ready").unlink(missing_ok=True)

    def _command(self) -> Sequence[str]:
        return [sys.executable, "-c", self._source]

    def _is_ready(self) -> bool:
        return (self.directory / "ready").exists()


def test_a_program_that_ignores_its_stop_signal_is_killed(tmp_path: Path) -> None:
    with Program(tmp_path, STUBBORN) as program:
        assert program.pid is not None
        process = psutil.Process(program.pid)
    assert not process.is_running()


def test_a_program_that_exits_early_is_an_error_with_its_output(
    tmp_path: Path,
) -> None:
    with pytest.raises(EmbeddedError, match="no such luck"):
        Program(tmp_path, "raise SystemExit('no such luck')").start()
    with pytest.raises(EmbeddedError, match="no disk") as second:
        Program(tmp_path, "raise SystemExit('no disk')").start()
    assert "no such luck" not in str(second.value)


def test_a_stopped_program_can_be_started_again(tmp_path: Path) -> None:
    program = Program(tmp_path, STUBBORN)
    for _ in range(2):
        with program:
            assert program.running
        assert not program.running


def test_a_start_kills_what_a_killed_owner_has_left(tmp_path: Path) -> None:
    # The parent-death signal is SIGTERM, which this program ignores: it is left over.
    command = [sys.executable, "-c", OWNER, str(Path(__file__).parent), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "started\n"
        leftover = psutil.Process(int((tmp_path / "running.lock").read_text()))
        owner.send_signal(signal.SIGKILL)
    with Program(tmp_path, STUBBORN) as program:
        assert program.pid != leftover.pid
        assert not leftover.is_running() or leftover.status() == psutil.STATUS_ZOMBIE


def test_a_second_signal_kills_a_program_that_stops_slowly(tmp_path: Path) -> None:
    program = Program(tmp_path, STUBBORN)
    program.stop_seconds = 3600  # longer than any test may take
    supervisor = Supervisor()
    supervisor.start(program)
    impatience = threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT))
    impatience.start()
    supervisor.stop()
    impatience.join()
    assert not program.running


class OnFullDisk(Program):
    """Its first start works, the second meets a full disk, and the third ends the test."""

    def __init__(self, directory: Path, source: str) -> None:
        super().__init__(directory, source)
        self.starts = 0

    def _prepare(self) -> None:
        super()._prepare()
        self.starts += 1
        if self.starts == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self.starts == 3:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("source", "number", "ended"),
    [(STUBBORN, signal.SIGKILL, "has died"), (OBEDIENT, signal.SIGTERM, "has ended in order")],
)
def test_a_restart_that_meets_a_full_disk_is_tried_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    source: str,
    number: signal.Signals,
    ended: str,
) -> None:
    monkeypatch.setattr(supervision, "_CHECK_SECONDS", 0.01)
    monkeypatch.setattr(supervision, "_MAX_PAUSE_SECONDS", 0.01)
    supervisor, program = Supervisor(), OnFullDisk(tmp_path, source)
    supervisor.start(program)
    assert program.pid is not None
    os.kill(program.pid, number)
    with pytest.raises(KeyboardInterrupt):
        supervisor.watch()
    said = " ".join(capsys.readouterr().out.split())
    assert f"program {ended}; restarting it in" in said
    assert "program cannot be started, and is tried again: [Errno 28] No space left on device" in said


class Refusing(Program):
    """Runs, and refuses every connection."""

    def _is_ready(self) -> bool:
        self._not_ready = "permission denied for everybody"
        return False


@pytest.mark.parametrize("to", ["full disk", "closed pipe"])
@pytest.mark.parametrize("printing", [A_LINE, A_SLOW_START, THE_ADDRESS], ids=["line", "start", "address"])
def test_a_line_that_cannot_be_printed_ends_nothing(tmp_path: Path, printing: str, to: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    if to == "full disk":
        os.close(writer)
        writer = os.open("/dev/full", os.O_WRONLY)
    command = [sys.executable, "-c", printing, str(Path(__file__).parent), str(tmp_path)]
    ended = subprocess.run(command, stdout=writer, check=False)
    os.close(writer)
    assert ended.returncode == 7


def test_a_program_that_never_gets_ready_is_an_error_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(process, "_SLOW_SECONDS", 0.5)
    program = Refusing(tmp_path, "import time; print('no rights', flush=True); time.sleep(600)")
    program.start_seconds = 2.0
    reason = (
        r"after 2 s: permission denied for everybody. .*start it again when less else runs.*\n.*no rights"
    )
    with pytest.raises(EmbeddedError, match=reason):
        program.start()
    assert "program is still starting, after " in capsys.readouterr().out

"""What processes hold is counted with their descendants, and without the files that they map."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from pruning.runtime import process_memory
from pruning.runtime.process_memory import held_memory

MEGABYTE = 1_000_000


@pytest.fixture
def run() -> Iterator[Callable[[str], int]]:
    """Runs Python code in a process, and returns its id once the code has printed something."""
    started: list[subprocess.Popen[str]] = []

    def begin(code: str) -> int:
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process.pid

    yield begin
    for process in started:
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
        process.kill()
        process.communicate()


@pytest.mark.threat
def test_memory_of_a_process_and_of_its_descendants_counts(run: Callable[[str], int]) -> None:
    nothing = held_memory(run("print(1, flush=True); input()"))
    hold = "x = b'x' * 60_000_000; print(1, flush=True); input()"
    assert 55 * MEGABYTE < held_memory(run(hold)) - nothing < 75 * MEGABYTE
    inner = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    assert 55 * MEGABYTE < held_memory(run(inner)) - nothing < 95 * MEGABYTE


def test_a_mapped_file_does_not_count(run: Callable[[str], int], tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"x" * 60_000_000)
    code = f"import mmap; f = open({str(file)!r}, 'rb'); m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)"
    process = run(f"{code}; m.rfind(b'y'); print(1, flush=True); input()")
    assert psutil.Process(process).memory_info().rss > 60 * MEGABYTE
    assert held_memory(process) < 40 * MEGABYTE


def test_a_process_that_is_gone_holds_nothing() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    assert held_memory(process.pid) == 0


def test_a_process_whose_threads_cannot_be_listed_counts_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the system has no descriptor left."""
    (tmp_path / "7").mkdir()
    (tmp_path / "7/status").write_text("RssAnon:\t5 kB\n")
    (tmp_path / "7/task").symlink_to("a" * 300)
    monkeypatch.setattr(process_memory, "_PROC", tmp_path)
    assert held_memory(7) == 5 * 1024


# It runs in a process of its own, because other tests leave free memory in the heap.
FREE = """
import json, mmap, os, subprocess, sys
from pathlib import Path
from pruning.runtime.process_memory import free_memory, held_memory

limit = held_memory(os.getpid()) + 100_000_000
file = Path(sys.argv[1])
file.write_bytes(b"x" * 60_000_000)
with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ) as mapped:
    mapped.rfind(b"y")
    with_file = free_memory(limit)
code = "x = b'x' * 60_000_000; print(flush=True); input()"
child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
with_child = free_memory(limit)
child.communicate(b"\\n")
print(json.dumps([with_file, with_child, free_memory(1_000_000)]))
"""


def test_what_is_free_for_a_process_counts_its_children_and_no_mapped_file(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FREE, tmp_path / "weights"], stdout=subprocess.PIPE, text=True, check=True
    )
    with_file, with_child, with_less_than_it_holds = json.loads(done.stdout)
    assert 80 * MEGABYTE < with_file <= 120 * MEGABYTE
    assert with_child < 50 * MEGABYTE
    assert with_less_than_it_holds == 0

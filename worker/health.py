"""Whether the worker of this host is alive: `python -m worker.health`, its container's health check.

A worker's parent process touches a file every two seconds, whatever its job, the database and the broker do:
an outage must not make a supervisor kill a worker in the middle of a job. The file's name has the process, so
that it stands for that process alone: where several workers of this user run, all must be alive, or the one
whose process id is given. Exit code 0, or 1 and what is wrong. Whether the worker takes jobs is another
question, which the database answers: `pruneserve-manage health worker`.
"""

import argparse
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from worker.identity import DIRECTORY_PREFIX, Identity

_NAME = re.compile(r"beat-(\d+)-(\d+)")
_SECONDS_BETWEEN_BEATS = 2.0
_MAX_AGE_SECONDS = 30.0


@contextmanager
def heartbeat_file(worker: Identity) -> Iterator[None]:
    """Touch this worker's file, from a thread of its own."""
    file, stopped = beat_file(worker.shutdown_flag.parent, os.getpid()), threading.Event()

    def beat() -> None:
        while True:
            with suppress(OSError):  # a full disk is no reason to be restarted, and changes no times
                file.touch()
            if stopped.wait(_SECONDS_BETWEEN_BEATS):
                return

    thread = threading.Thread(target=beat, name="beat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
        with suppress(OSError):  # a read-only disk is no reason to end with an error
            file.unlink()


def beat_file(directory: Path, process: int) -> Path:
    """Return the file that a worker's process touches: its name has the process's id and start."""
    return directory / f"beat-{process}-{_started(process) or 0}"


def failure(process: int | None = None) -> str | None:
    """Return what is wrong with the workers of this user that run on this host, or None if all are alive.

    `process`: the id of the one that is asked about. Files of killed workers do not count.
    """
    ages = {at: age for at, age in _ages() if process in (None, at)}
    if not ages:
        asked = "no worker of this user runs" if process is None else f"process {process} is not a worker"
        return f"{asked} on this host"
    for at, age in sorted(ages.items()):
        if age < 0:
            return f"the last heartbeat of the worker {at} is {-age:.0f} s from now: check the clock"
        if age > _MAX_AGE_SECONDS:
            return f"the worker {at} sent no heartbeat for {age:.0f} s"
    return None


def _ages() -> Iterator[tuple[int, float]]:
    """Yield the process of each worker that runs, and how many seconds ago it sent its last heartbeat."""
    for file in Path(tempfile.gettempdir()).glob(f"{DIRECTORY_PREFIX}*/beat-*"):
        named = _NAME.fullmatch(file.name)
        with suppress(OSError):
            if named and _started(int(named[1])) == int(named[2]):
                yield int(named[1]), time.time() - file.stat().st_mtime


def _started(process: int) -> int | None:
    """Return when a process has started, in ticks since the machine has; None if it has ended.

    A later process with the same id has another start.
    """
    try:
        state, *fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state in "ZX" else int(fields[18])


def main() -> None:
    """Exit with 0, or with 1 and the reason."""
    parser = argparse.ArgumentParser(prog="python -m worker.health", description=__doc__.partition("\n")[0])
    parser.add_argument("process", type=int, nargs="?", help="the id of a worker's process; default: of all")
    sys.exit(failure(parser.parse_args().process))


if __name__ == "__main__":
    main()

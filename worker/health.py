"""Is the worker of this host alive? `python -m worker.health`, for the health check of its container.

A worker's parent process touches a file every two seconds, whatever its job, the database and the broker do:
an outage must not make a supervisor kill a worker in the middle of a job. Exit code 0 if such a file is
fresh, or 1 and what is wrong. Whether the worker takes jobs is another question, which the database answers:
`pruneserve-admin health worker`.
"""

import os
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from worker.identity import DIRECTORY_PREFIX, Identity

_NAME = "beat"
_SECONDS_BETWEEN_BEATS = 2.0
_MOST_SECONDS = 30.0


@contextmanager
def beating(worker: Identity) -> Iterator[None]:
    """Touch this worker's file, from a thread of its own."""
    file, stopped = worker.shutdown_flag.parent / _NAME, threading.Event()

    def beat() -> None:
        while True:
            with suppress(OSError):  # a full disk is no reason to be restarted, and changes no times
                file.touch(mode=0o600)
            if stopped.wait(_SECONDS_BETWEEN_BEATS):
                return

    thread = threading.Thread(target=beat, name="beat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
        file.unlink(missing_ok=True)


def wrong() -> str | None:
    """Return what is wrong with the workers of this host, or None if one is alive."""
    ages = []
    for file in Path(tempfile.gettempdir()).glob(f"{DIRECTORY_PREFIX}*/{_NAME}"):
        with suppress(OSError):
            if _is_own(file.parent, stat.S_ISDIR) and _is_own(file, stat.S_ISREG):
                ages.append(time.time() - file.lstat().st_mtime)
    if not ages:
        return "no worker of this user runs on this host"
    if any(0 <= age <= _MOST_SECONDS for age in ages):
        return None
    if (age := min(ages, key=abs)) < 0:
        return f"the worker of this host gave its last sign of life {-age:.0f} s from now: check the clock"
    return f"the worker of this host gave no sign of life for {age:.0f} s"


def _is_own(path: Path, of_its_kind: Callable[[int], bool]) -> bool:
    """Whether nobody but this user and root can have made or touched it: `/tmp` is everybody's."""
    found = path.lstat()
    return of_its_kind(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022


def main() -> None:
    """Exit with 0, or with 1 and the reason."""
    sys.exit(wrong())


if __name__ == "__main__":
    main()

"""Is the worker of this host alive? `python -m worker.health`, for the health check of its container.

A worker's parent process touches a file every two seconds, whatever its job, the database and the broker do:
an outage must not make a supervisor kill a worker in the middle of a job. Exit code 0 if such a file is
fresh, or 1 and what is wrong. Whether the worker takes jobs is another question, which the database answers:
`pruneserve-admin health worker`.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
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
        file.unlink(missing_ok=True)


def wrong() -> str | None:
    """Return what is wrong with the workers of this host, or None if one is alive."""
    ages = []
    for file in Path(tempfile.gettempdir()).glob(f"{DIRECTORY_PREFIX}*/{_NAME}"):
        with suppress(OSError):
            ages.append(time.time() - file.stat().st_mtime)
    if not ages:
        return "no worker runs on this host"
    if min(ages) > _MOST_SECONDS:
        return f"the worker of this host gave no sign of life for {min(ages):.0f} s"
    return None


def main() -> None:
    """Exit with 0, or with 1 and the reason."""
    sys.exit(wrong())


if __name__ == "__main__":
    main()

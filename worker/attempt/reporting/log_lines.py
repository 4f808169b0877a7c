"""Lines of the worker's log that the owner of its job may read: they become events of the job.

What the library says, and warnings of the worker, explain why a job is slow, or computes otherwise than
requested. What other packages say is for the operator: an error of a download or of a trace names hosts of
the internal network, and addresses with a signature. Lines are kept until the run has a moment to record
them, and an attempt has so many at most.
"""

import logging
import re
from collections import deque
from types import TracebackType
from typing import Self

from jobs.monitoring.logs import Hide

_MOST = 100
_LONGEST = 500
_LIBRARY_PREFIX, _WORKER_PREFIX = "pruning.", "worker."
_REPORTED_AS_EVENTS = "worker.run_job"  # how an attempt begins and ends, its events say
_JOB = re.compile(r"^job [0-9a-f-]{36}: ")
_NO_MORE = f"this attempt has logged {_MOST} lines; further ones are in the worker's log alone"


class LogLines(logging.Handler):
    """Takes in what this process logs while it runs one attempt."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._hide = Hide.for_this_process()
        self._waiting: deque[str] = deque()
        self._count = 0

    def __enter__(self) -> Self:
        logging.getLogger().addHandler(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logging.getLogger().removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line, unless events say the same or it is for the operator. No traceback is kept."""
        important = record.name.startswith(_LIBRARY_PREFIX) or (
            record.levelno >= logging.WARNING and record.name.startswith(_WORKER_PREFIX)
        )
        if not important or record.name == _REPORTED_AS_EVENTS or self._count > _MOST:
            return
        self._count += 1
        line = self._hide.without_secrets(_JOB.sub("", record.getMessage()))
        short = line if len(line) <= _LONGEST else f"{line[:_LONGEST]} …"
        self._waiting.append(_NO_MORE if self._count > _MOST else f"{record.levelname.lower()}: {short}")

    def taken(self) -> list[str]:
        """Return the lines since the last call."""
        return [self._waiting.popleft() for _ in range(len(self._waiting))]

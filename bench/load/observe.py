"""What is observed while the service works: processor time by part, connections, delays."""

import math
import os
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

import psutil
import psycopg

_SECONDS = 0.5
_LOOKS_AT_PROCESSES = 10
"""So many looks at the connections for one at the processes: to find all children takes tens of milliseconds,
which simulated workers in this process would wait for."""


class Observer:
    """Looks at the connections twice a second, from `__enter__` to `__exit__`, from a thread of its own."""

    def __init__(self, server_url: str, parts: Mapping[str, Sequence[int]]) -> None:
        """`server_url`: PostgreSQL's own address. `parts`: by name the processes.

        Their children count as well, but not those of this process, which are other parts.
        """
        self._server_url = server_url
        self._parts = parts
        self._spent: dict[tuple[str, int], float] = {}
        self._before: dict[tuple[str, int], float] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look_until_stopped, daemon=True)
        self.seconds = 0.0
        self.most_connections = 0
        self.most_active = 0

    def __enter__(self) -> Self:
        self._look()
        self._before = dict(self._spent)
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds = time.monotonic() - self._began
        self._stopped.set()
        self._thread.join()
        self._look()

    @property
    def cores(self) -> dict[str, float]:
        """By part the processors that it kept busy, on average."""
        spent = dict.fromkeys(self._parts, 0.0)
        for (part, pid), seconds in self._spent.items():
            spent[part] += seconds - self._before.get((part, pid), 0.0)
        return {part: seconds / self.seconds for part, seconds in spent.items()}

    def _look_until_stopped(self) -> None:
        # Of its own: what it asks is no load of the service's.
        with psycopg.connect(self._server_url, autocommit=True, application_name="observer") as connection:
            looks = 0
            while not self._stopped.wait(_SECONDS):
                row = connection.execute(
                    "SELECT count(*), count(*) FILTER (WHERE state = 'active') FROM pg_stat_activity "
                    "WHERE backend_type = 'client backend' AND application_name <> 'observer'"
                ).fetchone()
                assert row is not None
                self.most_connections = max(self.most_connections, row[0])
                self.most_active = max(self.most_active, row[1])
                looks += 1
                if looks % _LOOKS_AT_PROCESSES == 0:
                    self._look()

    def _look(self) -> None:
        for part, pids in self._parts.items():
            for pid in pids:
                with suppress(psutil.NoSuchProcess):
                    process = psutil.Process(pid)
                    children = [] if pid == os.getpid() else process.children(recursive=True)
                    for each in (process, *children):
                        with suppress(psutil.NoSuchProcess):
                            times = each.cpu_times()
                            self._spent[part, each.pid] = times.user + times.system


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that so many percent are not above. NaN if there are none."""
    if not values:
        return float("nan")
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]

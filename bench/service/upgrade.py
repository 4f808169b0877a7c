"""Upgrades a filled database while it is used: `python -m bench.service.upgrade`. Fails where a read waits.

The database is filled at the newest revision, taken down to an older one, and upgraded again. Meanwhile
clients look at single jobs, list them and write to them, and one reads for seconds in a transaction, as
a report or a backup does: a revision must not wait for it, because all others would wait behind the revision.
"""

import argparse
import random
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from sqlalchemy import create_engine

import migrations
from bench.service.seed_jobs import fill
from cli.embedded.postgres import Postgres
from jobs.database import sqlalchemy_url
from jobs.spec.job import JobSpec

_LIMIT_SECONDS = 1.0
_REPORT_SECONDS = 2.0
_SPEC = JobSpec.model_validate({"recipe": {"model": "org/name", "method": "gblm", "sparsity": 0.5}})
_ONE = "SELECT id, state, last_event FROM jobs WHERE id = %s"
_LIST = "SELECT id, state, model FROM jobs WHERE owner = 'ada' ORDER BY id DESC LIMIT 50"
_COUNT = "UPDATE jobs SET last_event = last_event + 1 WHERE id = %s"
_REPORT = "SELECT count(*), pg_sleep(%s) FROM (SELECT FROM jobs LIMIT 1000) AS some_jobs"


@dataclass
class Load:
    """Clients of a database, and how long each of their statements took."""

    url: str
    ids: Sequence[object]
    reads: list[float] = field(default_factory=list)
    writes: list[float] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self, clients: int) -> Callable[[], None]:
        """Start the clients. Returns what stops them."""
        works = [self._client] * clients + [self._reporter]
        threads = [threading.Thread(target=work, args=(number,)) for number, work in enumerate(works)]
        for thread in threads:
            thread.start()

        def stop() -> None:
            self.stopped.set()
            for thread in threads:
                thread.join()

        return stop

    def _client(self, number: int) -> None:
        choose = random.Random(number)  # noqa: S311 - no secret
        with psycopg.connect(self.url, autocommit=True) as connection:
            while not self.stopped.wait(0.01):
                one = choose.choice(self.ids)
                self.reads.append(_seconds(partial(connection.execute, _ONE, (one,))))
                self.reads.append(_seconds(partial(connection.execute, _LIST)))
                self.writes.append(_seconds(partial(connection.execute, _COUNT, (one,))))

    def _reporter(self, number: int) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            while not self.stopped.wait(_REPORT_SECONDS):
                connection.execute(_REPORT, (_REPORT_SECONDS,))


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _row(name: str, waits: Sequence[float]) -> str:
    p50, p99 = (1000 * statistics.quantiles(waits, n=100)[place] for place in (49, 98))
    return f"{name:<8}{len(waits):>9,}{p50:>12.1f}{p99:>12.1f}{1000 * max(waits):>12.1f}"


def main() -> None:
    """Measure, print, and exit with an error if a read took more than a second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--from-revision", default="0013")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--directory", type=Path, default=None, help="where the database lies")
    options = parser.parse_args()
    with TemporaryDirectory(dir=options.directory) as directory, Postgres(Path(directory)) as server:
        migrations.upgrade(server.url)
        engine = create_engine(sqlalchemy_url(server.url))
        with engine.begin() as connection:
            fill(connection, _SPEC, "{}", jobs=options.jobs, queued=options.jobs // 100)
        engine.dispose()
        with psycopg.connect(server.url) as connection:
            ids = [row[0] for row in connection.execute("SELECT id FROM jobs ORDER BY random() LIMIT 1000")]
        migrations.downgrade(server.url, options.from_revision)
        load = Load(server.url, ids)
        stop = load.run(options.clients)
        time.sleep(1)
        try:
            took = _seconds(lambda: migrations.upgrade(server.url))
        finally:
            stop()
    print(f"{options.jobs:,} jobs, {options.from_revision} to {migrations.revisions()[0]} in {took:.1f} s")
    print(f"{'':<8}{'count':>9}{'p50 ms':>12}{'p99 ms':>12}{'longest ms':>12}")
    print(_row("reads", load.reads))
    print(_row("writes", load.writes))
    if max(load.reads) > _LIMIT_SECONDS:
        sys.exit(f"a read took {max(load.reads):.2f} s, and {_LIMIT_SECONDS:g} s is the limit")


if __name__ == "__main__":
    main()

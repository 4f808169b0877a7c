"""What each thing that a worker asks of PostgreSQL costs there: `python -m bench.load.costs`.

Processor time of the server's process and bytes of its log: other programs on the machine hardly change
them.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import psutil
from rich.console import Console
from rich.table import Table
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

import migrations
from bench.load.service import OWNERS, SPEC
from cli.embedded.postgres import Postgres
from jobs.database import engine_from, sessions
from jobs.fleet import dispatch_queue, held_jobs
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.events import StepFinished
from jobs.lifecycle.lifecycle import Claim
from jobs.settings import Settings
from pruning.recipe import Stage

_LEASE_SECONDS = 86_400.0
_REPORT = {"perplexity": {"dense": 1.0, "pruned": 1.0}, "sparsity": {"overall": 0.5}, "zero_shot": []}
_STEP = StepFinished(attempt=1, stage=Stage.PRUNE, step=1, steps=100)
# Of the tables that are updated for as long as a job runs.
_UPDATES = """
SELECT coalesce(sum(n_tup_upd), 0), coalesce(sum(n_tup_hot_upd), 0) FROM pg_stat_user_tables
WHERE relname IN ('jobs', 'leases', 'workers')
"""


@dataclass(frozen=True, slots=True)
class _Counts:
    """What the server has used so far, and what of this process has."""

    server: float
    client: float
    log: int
    updates: int
    hot: int


class _Costs:
    """Does things many times, on one connection, and adds a row for each."""

    def __init__(self, database: sessionmaker[Session], table: Table) -> None:
        self._database = database
        self._table = table
        with database.begin() as session:
            self._server = psutil.Process(session.scalars(text("SELECT pg_backend_pid()")).one())

    def measure(self, name: str, things: int, do: Callable[[Session, int], object], rounds: int = 1) -> None:
        """Do a thing so many times, each in a transaction of its own, as the service does."""
        before = self._counts()
        for number in [*range(things)] * rounds:
            with self._database.begin() as session:
                do(session, number)
        after, count = self._counts(), things * rounds
        updates = after.updates - before.updates
        self._table.add_row(
            name,
            f"{1000 * (after.server - before.server) / count:.2f}",
            f"{1000 * (after.client - before.client) / count:.2f}",
            f"{(after.log - before.log) / count:,.0f}",
            f"{(after.hot - before.hot) / updates:.0%}" if updates else "",
        )

    def _counts(self) -> _Counts:
        with self._database.begin() as session:
            session.execute(text("SELECT pg_stat_force_next_flush()"))
        with self._database.begin() as session:
            updates, hot = session.execute(text(_UPDATES)).one()
            log = session.scalars(text("SELECT pg_current_wal_insert_lsn() - '0/0'")).one()
        return _Counts(_used(self._server), time.process_time(), int(log), int(updates), int(hot))


def _used(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.load.costs", description=__doc__)
    parser.add_argument("--jobs", type=int, default=500)
    jobs = parser.parse_args().jobs
    heads = ("ms of the server", "ms of the client", "bytes of log", "updates that are HOT")
    table = Table("", *heads, title="one of each")
    with TemporaryDirectory() as directory, Postgres(Path(directory)) as server:
        migrations.upgrade(server.url)
        place = {"DATABASE_URL": server.url, "BROKER_URL": "redis://127.0.0.1:1", "STORE_URL": "file:///tmp"}
        engine = engine_from(Settings.model_validate(place), pool_size=1)
        _all(_Costs(sessions(engine), table), jobs)
        engine.dispose()
    Console().print(table)


def _all(costs: _Costs, jobs: int) -> None:
    ids: list[UUID] = []
    claims: list[Claim] = []

    def submit(session: Session, number: int) -> None:
        ids.append(owner_moves.create(session, f"owner-{number % OWNERS}", SPEC).id)

    def claim(session: Session, number: int) -> None:
        claimed = lifecycle.claim(session, ids[number], f"worker-{number}", _LEASE_SECONDS)
        assert claimed is not None
        claims.append(claimed)

    def seen(session: Session, number: int) -> None:
        dispatch_queue.worker_seen(session, f"worker-{number}", "prune")

    costs.measure("submit", jobs, submit)
    costs.measure("a worker registers", jobs, seen)
    costs.measure("presence", jobs, seen, rounds=4)
    costs.measure("claim", jobs, claim)
    costs.measure("beat", jobs, lambda s, n: lifecycle.extend_lease(s, claims[n], _LEASE_SECONDS), rounds=4)
    costs.measure("watch", jobs, lambda s, n: held_jobs.held_by(s, f"worker-{n}"), rounds=4)
    costs.measure("event", jobs, lambda s, n: lifecycle.record(s, claims[n], _STEP), rounds=4)
    costs.measure("success", jobs, lambda s, n: lifecycle.succeed(s, claims[n], _REPORT, []))


if __name__ == "__main__":
    main()

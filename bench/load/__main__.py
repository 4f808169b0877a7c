"""`make load`: measures how many jobs and workers the service carries, and what is exhausted first.

1. Real workers, 1, 2, 4 and 8, whose jobs do nothing but begin and end: jobs per second, the delay of a job
   that finds all of them idle, connections, and which part keeps how many processors busy.
2. A thousand simulated workers in one process, behind PgBouncer with at most 100 connections of the server.

Valid only on a machine that does nothing else: the parts share its processors.
"""

import argparse
import asyncio
import gc
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from bench.load.observe import Observer, percentile
from bench.load.pooler import allow_many_files
from bench.load.service import LoadedService, service
from bench.load.simulated import Fleet
from jobs.placement.classes import UNKNOWN
from jobs.tables import Worker

# So slowly that each job finds all workers idle: one begins two in a second at most.
_TRICKLE, _PAUSE_SECONDS = 50, 1.2
_PATIENCE_SECONDS = 300.0
_WARM_UP_SECONDS = 30.0
_FIRST_PER_SECOND = 10.0  # so many jobs are submitted in a second until four fifths of the workers have one


def main() -> None:
    """Measure, and print two tables."""
    parser = argparse.ArgumentParser(prog="make load", description=__doc__)
    parser.add_argument(
        "--workers", type=int, nargs="*", default=[1, 2, 4, 8], help="numbers of real workers"
    )
    parser.add_argument("--jobs", type=int, default=500, help="jobs for each number of real workers")
    parser.add_argument("--simulated", type=int, default=1000, help="simulated workers; 0 for none")
    parser.add_argument("--connections", type=int, default=100, help="PgBouncer's connections of the server")
    parser.add_argument(
        "--seconds", type=float, default=60, help="how long the simulated workers are measured"
    )
    parser.add_argument("--job-seconds", type=float, default=300, help="how long a simulated job takes")
    asked = parser.parse_args()
    allow_many_files()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # stops what it has started
    console = Console(width=140)
    console.print(f"{os.cpu_count()} processors; load before: {os.getloadavg()[0]:.1f}")
    heads = ("jobs/s", "delay p50 ms", "p99 ms", "connections", "processors kept busy")
    table = Table("workers", *heads, title="real workers, jobs that do nothing")
    for workers in asked.workers:
        table.add_row(str(workers), *_real(workers, asked.jobs))
    if asked.workers:
        console.print(table)
    if asked.simulated:
        console.print(_simulated(asked))


def _real(workers: int, jobs: int) -> list[str]:
    with service() as loaded:
        for _ in range(workers):
            loaded.start("workers", "tests.faults.no_op_worker")
        _wait(lambda: _ready(loaded) == workers)
        before = _warm_up(loaded, workers)
        for number in range(_TRICKLE):
            loaded.submit(number)
            time.sleep(_PAUSE_SECONDS)
        _wait(lambda: loaded.succeeded() == before + _TRICKLE)
        delays = loaded.delays(but=before)
        # In the queue before the first of them is published, so that their submission is no part of the load.
        with Observer(loaded.postgres.url, loaded.pids) as observer:
            for number in range(jobs):
                loaded.submit(number)
            submitted, began = loaded.succeeded(), time.monotonic()
            _wait(lambda: loaded.succeeded() == before + _TRICKLE + jobs)
            took = time.monotonic() - began
        rate = (before + _TRICKLE + jobs - submitted) / took
    return [
        f"{rate:.0f}",
        *(f"{1000 * percentile(delays, percent):.0f}" for percent in (50, 99)),
        str(observer.most_connections),
        _in_words(observer.cores),
    ]


def _warm_up(loaded: LoadedService, workers: int) -> int:
    """Submit jobs until each worker has had one, for which it starts a process, and return how many."""
    given = 0
    while loaded.at_work() < workers:
        loaded.submit(given)
        given += 1
        time.sleep(_PAUSE_SECONDS)
    _wait(lambda: loaded.succeeded() == given)
    return given


def _simulated(asked: argparse.Namespace) -> Table:
    table = Table("", "", title=f"{asked.simulated} simulated workers through PgBouncer")
    with service(server_connections=asked.connections) as loaded:
        assert loaded.pooler is not None
        pooler = loaded.pooler
        loaded.pids["the simulation"] = [os.getpid()]
        fleet = Fleet(loaded.database, pooler.url, loaded.valkey.url, job_seconds=asked.job_seconds)
        busy = 0.8 * asked.simulated
        per_second = busy / asked.job_seconds
        waits, waiting = list[float](), list[int]()
        found: dict[str, Observer] = {}

        def load() -> None:
            """Keep four fifths of the workers busy."""
            _wait(lambda: _ready(loaded) == asked.simulated)
            _submit_for(busy / _FIRST_PER_SECOND, _FIRST_PER_SECOND, loaded, lambda: None)
            _submit_for(_WARM_UP_SECONDS, per_second, loaded, lambda: None)
            # What is there by now stays. To look for garbage in it would stop all workers for a while.
            gc.collect()
            gc.freeze()
            fleet.seen.clear()
            waiting.append(loaded.jobs())
            with Observer(loaded.postgres.url, loaded.pids) as found["observer"]:
                _submit_for(
                    asked.seconds, per_second, loaded, lambda: waits.append(_longest_wait(pooler.pools()))
                )

        asyncio.run(fleet.run(asked.simulated, loaded.postgres.url, load))
        seen, observer = fleet.seen, found["observer"]
        delays = loaded.delays(but=waiting[0])
        rows = {
            "connections of the server, at most": f"{observer.most_connections}, "
            f"{observer.most_active} of them active at once",
            "longest wait of a client for one of them": f"{1000 * max(waits, default=math.nan):.0f} ms",
            "claims per second": f"{seen.claims / observer.seconds:.1f}",
            "beats, presence and watches per second": f"{seen.statements / observer.seconds:.0f}",
            "each of them, p50 and p99": _milliseconds(seen.slowest),
            "how late they begin, p50 and p99": _milliseconds(seen.late),
            "delay of a job, p50 and p99": _milliseconds(delays),
            "delay of an event, p50 and p99": f"{_milliseconds(seen.events)}, of {len(seen.events)}",
            "lost jobs, errors": f"{seen.lost}, {len(seen.errors)} {seen.errors[:3] or ''}",
            "processors kept busy": _in_words(observer.cores),
        }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _submit_for(
    seconds: float, per_second: float, loaded: LoadedService, meanwhile: Callable[[], object]
) -> None:
    began = time.monotonic()
    for number in range(math.ceil(seconds * per_second)):
        loaded.submit(number)
        if number % math.ceil(per_second / 2) == 0:
            meanwhile()
        time.sleep(max(0.0, began + (number + 1) / per_second - time.monotonic()))


def _ready(loaded: LoadedService) -> int:
    """Return how many workers have said what they read."""
    with loaded.database.begin() as session:
        return session.scalar(select(func.count()).where(Worker.queue != UNKNOWN)) or 0


def _wait(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not reached():
        if time.monotonic() > deadline:
            raise SystemExit("the service does not get there: is the machine busy with something else?")
        time.sleep(0.1)


def _longest_wait(pools: list[dict[str, int]]) -> float:
    return max(pool["maxwait"] + pool["maxwait_us"] / 1e6 for pool in pools)


def _milliseconds(seconds: list[float]) -> str:
    return " and ".join(f"{1000 * percentile(seconds, percent):.0f}" for percent in (50, 99)) + " ms"


def _in_words(cores: Mapping[str, float]) -> str:
    ordered = sorted(cores.items(), key=lambda part: -part[1])
    return ", ".join(f"{name} {busy:.2f}" for name, busy in ordered)


if __name__ == "__main__":
    main()

"""`make soak`: kill -9, pauses, flushes and broken shards, at random moments, over many jobs. Seeded.

Prints a table: fault, times injected, jobs in flight, jobs lost, wrong results; exits with 1 where there are
any of the last two. A result is right if it is byte for byte what the library makes of its recipe by itself.
"""

import argparse
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import redis

import migrations
from cli.embedded.postgres import Postgres
from cli.embedded.services import Service
from cli.embedded.valkey import Valkey
from jobs.database import engine_from, sessions
from jobs.settings import Settings
from jobs.spec import JobSpec
from jobs.states import ENDED
from tests.faults.tally import Tally, Undisturbed, table, tally
from tests.small_model import write_small_model
from tests.stack import Stack, environment_of, signal_to, write_calibration

_WORKERS = 2
_JOBS_IN_FLIGHT = 4


class Soak:
    """A service with two workers, and somebody who does not wish it well."""

    def __init__(self, stack: Stack, broker: Valkey, postgres: Postgres, seed: int) -> None:
        """`seed` decides which fault comes when, as far as the machine's own timing lets it."""
        self._stack = stack
        self._broker = broker
        self._postgres = postgres
        self._random = random.Random(seed)  # noqa: S311 - not a secret
        self._workers: list[Service] = []
        self.jobs: list[UUID] = []
        self.injected: dict[str, int] = {}

    def run(self, faults: int) -> None:
        """Inject that many, one after the other, with jobs always in flight."""
        self._stack.start_dispatcher()
        self._workers = [self._stack.start_worker() for _ in range(_WORKERS)]
        kinds = self._kinds()
        for number in range(faults):
            self._keep_busy()
            time.sleep(self._random.uniform(0.5, 6.0))
            name = list(kinds)[number % len(kinds)]
            kinds[name]()
            self.injected[name] = self.injected.get(name, 0) + 1
            print(f"{number + 1}/{faults} {name}", flush=True)

    def _kinds(self) -> dict[str, Callable[[], None]]:
        return {
            "kill -9 of a worker and its child": self._kill_worker,
            "kill -9 of a child": self._kill_child,
            "SIGTERM to a worker": self._stop_worker,
            "FLUSHALL on the broker": self._flush,
            "SIGSTOP of a worker for a lease": self._pause_worker,
            "PostgreSQL killed and started": self._restart_database,
        }

    def _keep_busy(self) -> None:
        in_flight = sum(self._stack.job(job_id).state not in ENDED for job_id in self.jobs)
        for _ in range(_JOBS_IN_FLIGHT - in_flight):
            self.jobs.append(self._stack.submit(self._spec()))

    def _spec(self) -> JobSpec:
        method = self._random.choice(["gblm", "wanda", "gradient", "sparsegpt", "gblm"])
        return self._stack.spec(samples=self._random.choice([64, 400]), windows=100, method=method)

    def _kill_worker(self) -> None:
        position = self._random.randrange(_WORKERS)
        signal_to(self._workers[position], signal.SIGKILL, children=True)
        self._replace(position)

    def _kill_child(self) -> None:
        worker = self._random.choice(self._workers)
        for child in self._stack.children(worker):
            child.kill()

    def _stop_worker(self) -> None:
        position = self._random.randrange(_WORKERS)
        signal_to(self._workers[position], signal.SIGTERM)
        self._replace(position)

    def _pause_worker(self) -> None:
        worker = self._random.choice(self._workers)
        signal_to(worker, signal.SIGSTOP, children=True)
        time.sleep(float(self._stack.environment["PRUNESERVE_LEASE_SECONDS"]) + 2)
        signal_to(worker, signal.SIGCONT, children=True)

    def _flush(self) -> None:
        with redis.Redis.from_url(self._broker.url) as client:
            client.flushall()

    def _restart_database(self) -> None:
        self._postgres.kill()
        self._postgres.stop()
        self._postgres.start()

    def _replace(self, position: int) -> None:
        self._workers[position].stop()
        self._workers[position] = self._stack.start_worker()


def _laid_out(cleanup: ExitStack, root: Path) -> tuple[Stack, Valkey, Postgres]:
    postgres = cleanup.enter_context(Postgres(root / "postgres"))
    broker = cleanup.enter_context(Valkey(root / "valkey"))
    migrations.upgrade(postgres.url)
    write_small_model(root / "models" / "small")
    calibration = root / "data" / "topics.txt"
    write_calibration(calibration)
    settings = Settings(
        DATABASE_URL=postgres.url,
        BROKER_URL=broker.url,
        STORE_URL=f"file://{root}/store",
        work_dir=root / "work",
    )
    environment = environment_of(settings, root / "models" / "small", calibration)
    environment |= {"PRUNESERVE_REPUBLISH_SECONDS": "2", "PRUNESERVE_MAX_LOSSES": "100"}
    database = sessions(engine_from(settings))
    stack = Stack(root / "processes", environment, database, root / "models" / "small", calibration)
    cleanup.callback(lambda: [process.stop() for process in stack.processes])
    return stack, broker, postgres


def _rows(soak: Soak, total: Tally) -> Iterator[Tally]:
    """Faults follow on each other while the same jobs run, so losses belong to all of them together."""
    for name, count in soak.injected.items():
        yield Tally(name, count, total.in_flight, 0, 0)
    yield total


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__.splitlines()[0])
    parser.add_argument("--faults", type=int, default=24, help="how many, in all")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with ExitStack() as cleanup:
        root = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="pruneserve-soak-")))
        stack, broker, postgres = _laid_out(cleanup, root)
        soak = Soak(stack, broker, postgres, options.seed)
        soak.run(options.faults)
        undisturbed = Undisturbed(root / "undisturbed")
        total = tally("all of them", sum(soak.injected.values()), stack, soak.jobs, undisturbed)
        print(f"\nseed {options.seed}\n\n{table([*_rows(soak, total)])}")
    sys.exit(bool(total.lost or total.wrong))


if __name__ == "__main__":
    main()

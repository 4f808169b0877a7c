"""`make soak`: kill -9 in every stage, pauses, flushes and damaged files over many jobs. Seeded.

Prints two tables. Of the faults: times injected, jobs in flight, jobs lost, wrong results; a result is right
if it is byte for byte what the library makes of its recipe by itself. Of the kills: the blocks that were
computed again. Exits with 1 where a job is lost or wrong, or where one kill has cost more than one block.
"""

import argparse
import os
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
import transformers
from sqlalchemy import func, select

import migrations
from cli.embedded.postgres import Postgres
from cli.embedded.services import Service
from cli.embedded.valkey import Valkey
from jobs.database import engine_from, sessions
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.states import ENDED, JobState
from jobs.storage.store import Store
from jobs.tables import Job, JobBlock
from pruning.recipe import Stage
from tests.conftest import S3
from tests.faults.damage import damage, damage_stored
from tests.faults.kills import Kill, durable, shard_name, table_of_kills
from tests.faults.tally import Tally, Undisturbed, table, tally
from tests.faults.wires import UnreliableStore
from tests.small_model import write_small_model
from tests.stack import PATIENCE_SECONDS, Stack, environment_of, signal_to, write_calibration

_WORKERS = 2
_JOBS_IN_FLIGHT = 4
# Upload and keeping a block take a moment, as they do with a real store, so that a kill can hit them.
_STORE_DELAY_SECONDS = 0.05
# How many shards of a stage are kept before the last: where in it a kill may come.
_LAST_SHARD = {Stage.GRADIENTS: 3, Stage.PRUNE: 3}


class Soak:
    """A service with two workers, and somebody who does not wish it well."""

    def __init__(self, stack: Stack, broker: Valkey, postgres: Postgres, store: Store, seed: int) -> None:
        """`seed` decides which fault comes when, as far as the machine's own timing lets it."""
        self._stack = stack
        self._broker = broker
        self._postgres = postgres
        self._store = store
        self._random = random.Random(seed)  # noqa: S311 - not a secret
        self._workers: list[Service] = []
        self._damaged: dict[UUID, set[str]] = {}
        self.jobs: list[UUID] = []
        self.kills: list[Kill] = []
        self.injected: dict[str, int] = {}

    def run(self, rounds: int) -> None:
        """Inject every fault once in each round, in any order, with jobs always in flight."""
        self._stack.start_dispatcher()
        self._workers = [self._start_worker() for _ in range(_WORKERS)]
        kinds = self._kinds()
        begun = time.monotonic()
        for number in range(rounds):
            for name in self._random.sample(list(kinds), len(kinds)):
                self._keep_busy()
                time.sleep(self._random.uniform(0.0, 3.0))
                kinds[name]()
                self.injected[name] = self.injected.get(name, 0) + 1
                print(f"{time.monotonic() - begun:5.0f} s, round {number + 1}/{rounds}: {name}", flush=True)

    def repeated(self) -> list[int]:
        """Of each kill, the blocks that were computed again; once all jobs have ended."""
        return [kill.repeated(self._store, self._damaged.get(kill.job_id, ())) for kill in self.kills]

    def _kinds(self) -> dict[str, Callable[[], object]]:
        return {
            **{f"kill -9 in stage {stage}": lambda stage=stage: self._kill(stage) for stage in Stage},
            "kill -9, and a shard in the store is damaged": self._damage_shard,
            "kill -9, and the state on the disk is damaged": self._damage_state,
            "SIGTERM to a worker": self._stop_worker,
            "SIGSTOP of a worker for a lease": self._pause_worker,
            "FLUSHALL on the broker": self._flush,
            "PostgreSQL killed and started": self._restart_database,
        }

    def _keep_busy(self) -> None:
        with self._stack.database.begin() as session:
            open_jobs = session.scalar(select(func.count()).where(Job.state.not_in(ENDED))) or 0
        for _ in range(_JOBS_IN_FLIGHT - open_jobs):
            self.jobs.append(self._stack.submit(self._spec()))

    def _spec(self) -> JobSpec:
        """With gradients of its own, mostly: jobs on the same windows share them."""
        return self._stack.spec(
            samples=self._random.choice([64, 200]),
            windows=50,
            seed=self._random.randrange(30),
            method=self._random.choice(["gblm", "wanda", "gradient", "sparsegpt", "gblm"]),
        )

    def _kill(self, stage: Stage, *, everyone: bool | None = None, behind: int = 0) -> Kill:
        """Kill a job's process, and its worker too (by chance, if not said), at a random block of the stage.

        `behind`: so many shards of the stage, at least.
        """
        goal = self._random.randint(behind, _LAST_SHARD.get(stage, behind))
        while True:
            job_id, position = self._somebody_in(stage, goal)
            time.sleep(self._random.uniform(0.0, 0.2))
            if kill := self._killed(job_id, position, stage, everyone=everyone):
                self.kills.append(kill)
                return kill

    def _killed(self, job_id: UUID, position: int, stage: Stage, *, everyone: bool | None) -> Kill | None:
        """None: it was quicker, and has left the stage."""
        worker = self._workers[position]
        # It stands still first, so that what is read is how it was at its death.
        signal_to(worker, signal.SIGSTOP, children=True)
        time.sleep(0.1)  # for what it has just asked of the database
        job = self._stack.job(job_id)
        if (job.state, job.stage) != (JobState.RUNNING, stage) or _pid_of(job) != worker.pid:
            signal_to(worker, signal.SIGCONT, children=True)
            return None
        kill = Kill(job_id, job.attempt, stage, durable(self._stack, job_id))
        if self._random.choice([True, False]) if everyone is None else everyone:
            signal_to(worker, signal.SIGKILL, children=True)
            self._replace(position)
        else:
            for child in self._stack.children(worker):
                child.kill()
            signal_to(worker, signal.SIGCONT, children=True)
        return kill

    def _somebody_in(self, stage: Stage, shards: int) -> tuple[UUID, int]:
        """A job in the stage that has kept so many of its shards, and the position of its worker."""
        kept = (
            select(func.count())
            .where(JobBlock.job_id == Job.id, JobBlock.stage == stage)
            .correlate(Job)
            .scalar_subquery()
        )
        there = select(Job).where(Job.state == JobState.RUNNING, Job.stage == stage, kept >= shards)
        patience = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < patience:
            self._keep_busy()
            positions = {worker.pid: position for position, worker in enumerate(self._workers)}
            with self._stack.database.begin() as session:
                for job in session.scalars(there):
                    if (pid := _pid_of(job)) in positions:
                        return job.id, positions[pid]
            time.sleep(0.02)
        raise AssertionError(f"no job comes to shard {shards} of {stage}: {self._stack.logs()}")

    def _damage_shard(self) -> None:
        """Before anybody else has the job: its lease still runs."""
        kill = self._kill(Stage.PRUNE, everyone=True, behind=1)
        with self._stack.database.begin() as session:
            ours = (JobBlock.job_id == kill.job_id, JobBlock.stage == Stage.PRUNE)
            rows = session.scalars(select(JobBlock).where(*ours).order_by(JobBlock.block)).all()
        row = self._random.choice(rows)
        damage_stored(self._store, row.key)
        self._damaged.setdefault(kill.job_id, set()).add(shard_name(row.stage, row.key))

    def _damage_state(self) -> None:
        states: list[Path] = []
        while not states:
            kill = self._kill(Stage.PRUNE, everyone=True, behind=1)
            work = Path(self._stack.environment["PRUNESERVE_WORK_DIR"])
            states = list((work / str(kill.job_id)).glob("*/*/prune/activations-*"))
        for path in states:
            damage(path)

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

    def _start_worker(self) -> Service:
        return self._stack.start("tests.faults.streaming_worker")

    def _replace(self, position: int) -> None:
        self._workers[position].stop()
        self._workers[position] = self._start_worker()


def _pid_of(job: Job) -> int | None:
    """Of the worker that has the job: its name is `<host>-<pid>-<random>`."""
    return int(job.worker.rsplit("-", 2)[1]) if job.worker else None


def _laid_out(cleanup: ExitStack, root: Path) -> tuple[Stack, Valkey, Postgres, Store]:
    postgres = cleanup.enter_context(Postgres(root / "postgres"))
    broker = cleanup.enter_context(Valkey(root / "valkey"))
    s3 = cleanup.enter_context(S3(root / "s3"))
    slow = cleanup.enter_context(UnreliableStore(s3.port, delay_seconds=_STORE_DELAY_SECONDS).serving())
    migrations.upgrade(postgres.url)
    write_small_model(root / "models" / "small")
    calibration = root / "data" / "topics.txt"
    write_calibration(calibration)
    settings = Settings(
        DATABASE_URL=postgres.url, BROKER_URL=broker.url, STORE_URL=s3.url, work_dir=root / "work"
    )
    environment = environment_of(settings, root / "models" / "small", calibration)
    environment |= {**s3.environment, "AWS_ENDPOINT_URL": slow}
    environment |= {
        "PRUNESERVE_REPUBLISH_SECONDS": "2",
        "PRUNESERVE_MAX_LOSSES": "100",  # by chance one job may be hit again and again between two blocks
        "PRUNESERVE_LITTER_SECONDS": "86400",  # the shards of dead attempts are counted at the end
    }
    os.environ.update(s3.environment)
    stack = Stack(
        root / "processes",
        environment,
        sessions(engine_from(settings)),
        root / "models" / "small",
        calibration,
    )
    cleanup.callback(lambda: [process.stop() for process in stack.processes])
    return stack, broker, postgres, Store(s3.url)


def _rows(soak: Soak, total: Tally) -> Iterator[Tally]:
    """Faults follow on each other while the same jobs run, so losses belong to all of them together."""
    for name, count in soak.injected.items():
        yield Tally(name, count, total.in_flight, 0, 0)
    yield total


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="in each, every fault comes once")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    transformers.utils.logging.disable_progress_bar()
    with ExitStack() as cleanup:
        root = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="pruneserve-soak-")))
        stack, broker, postgres, store = _laid_out(cleanup, root)
        soak = Soak(stack, broker, postgres, store, options.seed)
        begun = time.monotonic()
        soak.run(options.rounds)
        undisturbed = Undisturbed(root / "undisturbed")
        total = tally("all of them", sum(soak.injected.values()), stack, soak.jobs, undisturbed)
        repeated = soak.repeated()
        print(f"\nseed {options.seed}, {(time.monotonic() - begun) / 60:.0f} minutes")
        print(f"\n{table([*_rows(soak, total)])}\n\n{table_of_kills(soak.kills, repeated)}")
    sys.exit(bool(total.lost or total.wrong or max(repeated, default=0) > 1))


if __name__ == "__main__":
    main()

"""`make soak`: kill -9 in five stages, suspensions, flushes and damaged files over many jobs. Seeded.

Prints two tables. The first lists the faults: times injected, jobs in flight, jobs lost, wrong results. A
result is right if it equals, byte for byte, what the library alone computes from the recipe. The second lists
the kills, with the blocks that were computed again. Exits with 1 if a job is lost or wrong, or if one kill
cost more than one block, or two of gradients, which are written while the next block computes.
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
from tests.faults.proxies import UnreliableStore
from tests.faults.tally import Tally, Undisturbed, table, tally
from tests.limits import with_limits
from tests.small_model import write_small_model
from tests.stack import LEASE_SECONDS, TIMEOUT_SECONDS, Stack, environment_of, signal_to, write_calibration

_WORKERS = 2
_JOBS_IN_FLIGHT = 4
# Transfers take a moment, as they do with a real store, so that a kill can hit them.
_STORE_DELAY_SECONDS = 0.05
# Those of the jobs here; `make faults` kills in the others, too.
_STAGES = (Stage.RESOLVE, Stage.GRADIENTS, Stage.PRUNE, Stage.EVALUATE, Stage.UPLOAD)
# The last shard of a stage after which a kill may come.
_LAST_SHARD = {Stage.GRADIENTS: 3, Stage.PRUNE: 3}


class Soak:
    """A service with two workers, and the faults that are injected into it."""

    def __init__(self, stack: Stack, broker: Valkey, postgres: Postgres, store: Store, seed: int) -> None:
        """`seed` decides which fault comes when, as far as the machine's timing allows."""
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
        """Inject every fault once per round, in random order, with jobs always in flight."""
        self._stack.start_scheduler()
        self._workers = [self._start_worker() for _ in range(_WORKERS)]
        faults = self._faults()
        started = time.monotonic()
        for number in range(rounds):
            for name in self._random.sample(list(faults), len(faults)):
                self._keep_busy()
                time.sleep(self._random.uniform(0.0, 3.0))
                faults[name]()
                self.injected[name] = self.injected.get(name, 0) + 1
                print(f"{time.monotonic() - started:5.0f} s, round {number + 1}/{rounds}: {name}", flush=True)

    def repeated(self) -> list[int]:
        """Return for each kill the number of blocks computed again. Call it when all jobs have ended."""
        return [kill.repeated(self._store, self._damaged.get(kill.job_id, ())) for kill in self.kills]

    def _faults(self) -> dict[str, Callable[[], object]]:
        return {
            **{f"kill -9 in stage {stage}": lambda stage=stage: self._kill(stage) for stage in _STAGES},
            "kill -9, and a shard in the store is damaged": self._damage_shard,
            "kill -9, and the activation checkpoint is damaged": self._damage_checkpoint,
            "SIGTERM to a worker": self._stop_worker,
            "SIGSTOP of a worker for a lease": self._suspend_worker,
            "FLUSHALL on the broker": self._flush,
            "PostgreSQL killed and started": self._restart_database,
        }

    def _keep_busy(self) -> None:
        with self._stack.database.begin() as session:
            open_jobs = session.scalar(select(func.count()).where(Job.state.not_in(ENDED))) or 0
        for _ in range(_JOBS_IN_FLIGHT - open_jobs):
            self.jobs.append(self._stack.submit(self._spec()))

    def _spec(self) -> JobSpec:
        """Mostly with gradients of its own: only jobs with equal windows share them."""
        return self._stack.spec(
            samples=self._random.choice([64, 200]),
            windows=50,
            seed=self._random.randrange(30),
            method=self._random.choice(["gblm", "wanda", "gradient", "sparsegpt", "gblm"]),
        )

    def _kill(self, stage: Stage, *, whole_worker: bool | None = None, min_shards: int = 0) -> Kill:
        """Kill a job's child at a random block of the stage, but not before `min_shards` of its shards exist.

        `whole_worker` says whether to kill the parent as well; None: by chance.
        """
        shards = self._random.randint(min_shards, _LAST_SHARD.get(stage, min_shards))
        while True:
            job_id, position = self._wait_for_job_in(stage, shards)
            time.sleep(self._random.uniform(0.0, 0.2))
            if kill := self._try_to_kill(job_id, position, stage, whole_worker=whole_worker):
                self.kills.append(kill)
                return kill

    def _try_to_kill(
        self, job_id: UUID, position: int, stage: Stage, *, whole_worker: bool | None
    ) -> Kill | None:
        """Kill the job's child. None: the job had already left the stage."""
        worker = self._workers[position]
        # Suspend it first, so that what is read here is its state at its death.
        signal_to(worker, signal.SIGSTOP, children=True)
        time.sleep(0.1)  # for the queries that it has just sent
        job = self._stack.job(job_id)
        if (job.state, job.stage) != (JobState.RUNNING, stage) or _pid_of(job) != worker.pid:
            signal_to(worker, signal.SIGCONT, children=True)
            return None
        kill = Kill(job_id, job.attempt, stage, durable(self._stack, job_id))
        if self._random.choice([True, False]) if whole_worker is None else whole_worker:
            signal_to(worker, signal.SIGKILL, children=True)
            self._replace(position)
        else:
            for child in self._stack.children(worker):
                child.kill()
            signal_to(worker, signal.SIGCONT, children=True)
        return kill

    def _wait_for_job_in(self, stage: Stage, shards: int) -> tuple[UUID, int]:
        """Wait for a job with so many durable shards of the stage. Return it and its worker's position."""
        durable_shards = (
            select(func.count())
            .where(JobBlock.job_id == Job.id, JobBlock.stage == stage)
            .correlate(Job)
            .scalar_subquery()
        )
        candidates = select(Job).where(
            Job.state == JobState.RUNNING, Job.stage == stage, durable_shards >= shards
        )
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            self._keep_busy()
            positions = {worker.pid: position for position, worker in enumerate(self._workers)}
            with self._stack.database.begin() as session:
                for job in session.scalars(candidates):
                    if (pid := _pid_of(job)) in positions:
                        return job.id, positions[pid]
            time.sleep(0.02)
        raise AssertionError(f"no job reached shard {shards} of {stage}: {self._stack.logs()}")

    def _damage_shard(self) -> None:
        """Damage a shard of a killed job, before another worker gets the job: its lease has not expired."""
        kill = self._kill(Stage.PRUNE, whole_worker=True, min_shards=1)
        with self._stack.database.begin() as session:
            own = (JobBlock.job_id == kill.job_id, JobBlock.stage == Stage.PRUNE)
            rows = session.scalars(select(JobBlock).where(*own).order_by(JobBlock.block)).all()
        row = self._random.choice(rows)
        damage_stored(self._store, row.key)
        self._damaged.setdefault(kill.job_id, set()).add(shard_name(row.stage, row.key))

    def _damage_checkpoint(self) -> None:
        checkpoints: list[Path] = []
        while not checkpoints:
            kill = self._kill(Stage.PRUNE, whole_worker=True, min_shards=1)
            work = Path(self._stack.environment["PRUNESERVE_WORK_DIR"])
            checkpoints = list((work / str(kill.job_id)).glob("*/*/prune/activations-*"))
        for path in checkpoints:
            damage(path)

    def _stop_worker(self) -> None:
        position = self._random.randrange(_WORKERS)
        signal_to(self._workers[position], signal.SIGTERM)
        self._replace(position)

    def _suspend_worker(self) -> None:
        worker = self._random.choice(self._workers)
        signal_to(worker, signal.SIGSTOP, children=True)
        time.sleep(LEASE_SECONDS + 2)
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
    """Return the process id of the job's worker, whose name is `<host>-<pid>-<random>`."""
    return int(job.worker.rsplit("-", 2)[1]) if job.worker else None


def _start_services(cleanup: ExitStack, root: Path) -> tuple[Stack, Valkey, Postgres, Store]:
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
    environment |= with_limits(
        environment,
        MAX_LOST_ATTEMPTS=100,  # one job may be killed many times between two blocks,
        MAX_WORKER_FAULTS=100,  # with its worker or without
        ORPHANED_FILE_SECONDS=86400,  # the shards of lost attempts are counted at the end
    )
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
    """Return a row per fault. Faults hit the same jobs, so lost jobs are counted only in the total."""
    for name, count in soak.injected.items():
        yield Tally(name, count, total.in_flight, 0, 0)
    yield total


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="every fault is injected once per round")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    transformers.utils.logging.disable_progress_bar()
    with ExitStack() as cleanup:
        root = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="pruneserve-soak-")))
        stack, broker, postgres, store = _start_services(cleanup, root)
        soak = Soak(stack, broker, postgres, store, options.seed)
        started = time.monotonic()
        soak.run(options.rounds)
        undisturbed = Undisturbed(root / "undisturbed")
        total = tally("all of them", sum(soak.injected.values()), stack, soak.jobs, undisturbed)
        repeated = soak.repeated()
        print(f"\nseed {options.seed}, {(time.monotonic() - started) / 60:.0f} minutes")
        print(f"\n{table([*_rows(soak, total)])}\n\n{table_of_kills(soak.kills, repeated)}")
    too_many = any(count > kill.allowed for kill, count in zip(soak.kills, repeated, strict=True))
    sys.exit(bool(total.lost or total.wrong or too_many))


if __name__ == "__main__":
    main()

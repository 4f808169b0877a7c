"""One attempt at one job: its claim, and the means that all parts of the attempt share."""

import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy.orm import Session

from jobs import limits
from jobs.clock import boot_time
from jobs.database import DATABASE_UNAVAILABLE, Database, connection_name, engine_from, sessions
from jobs.lifecycle import lifecycle
from jobs.lifecycle.events import EventData
from jobs.lifecycle.lifecycle import Claim
from jobs.notify import QUEUE, notify_on_commit
from jobs.queue import conditions, workers
from jobs.queue.claim import claim_next, hand_back_unanswered
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.storage.errors import NotStored, StoreUnreachable
from jobs.storage.store import Store, StoredFile, attempt_prefix
from pruning.estimate import ModelShape
from pruning.estimate.work import Windows
from pruning.recipe import Stage, is_local
from pruning.resume.hashed_file import HashedFile
from worker import scratch
from worker.attempt.heartbeat import Heartbeat
from worker.attempt.progress import JobProgress, LogLines, StageMetrics
from worker.attempt.resources import Disk
from worker.identity import HeldClaim, Identity, shutdown_on_sigterm
from worker.interrupts import LeaseLost, ShutdownRequested
from worker.retry import retry
from worker.self_test import (
    SelfTestFailed,
    check_directories,
    check_free_disk,
    check_hub_cache,
    check_roots,
)

Result = TypeVar("Result")

Transition = Callable[[Session], bool]
"""A guarded transition of the job's row that ends the attempt. False: its guard refused."""

log = logging.getLogger(__name__)

_CLAIM_TIMEOUT_SECONDS = 60.0
_STORE_TIMEOUT_SECONDS = 60.0


def cache_key(fingerprint: str, *, owner: str | None) -> str:
    """Return the fingerprint, or, with an `owner`, a key that only this owner's jobs look up."""
    if owner is None:
        return fingerprint
    return hashlib.sha256(f"{fingerprint} {owner}".encode()).hexdigest()


class Attempt:
    """A job that this worker has claimed, and everything that lives exactly as long as the claim.

    Each call that leaves this process retries while the database or the store is unavailable, and raises an
    `Interrupted` as soon as the attempt must stop, even in the middle of a wait or of a transfer.
    """

    def __init__(
        self,
        claim: Claim,
        heartbeat: Heartbeat,
        *,
        settings: Settings,
        worker: Identity,
        database: Database,
        store: Store,
    ) -> None:
        """`heartbeat`: of this claim; it never waits for a connection that the run is using."""
        self.claim = claim
        self.heartbeat = heartbeat
        self.settings = settings
        self.worker = worker
        self.database = database
        self.store = store
        self.disk = Disk(settings.work_dir, limits.MIN_FREE_DISK_BYTES)
        self.upload_names: dict[str, str] = {}
        """The names that the owner has given to uploads, by those that the library knows them by."""
        self.process_is_unusable = False
        """Whether the attempt failed in a way after which this process must run no other job."""
        metrics = StageMetrics(settings.device)
        self._lines = LogLines()
        self.progress = JobProgress(
            claim.attempt, record=self.record, check=self.check, metrics=metrics, lines=self._lines
        )

    @cached_property
    def spec(self) -> JobSpec:
        """What to do. Raises `pydantic.ValidationError` for a spec that this version does not accept."""
        return self.claim.spec

    @property
    def hub_token(self) -> str | None:
        """The service's Hub token, if the job's owner may use it."""
        token = self.settings.hub_token
        if token is None or self.claim.owner not in self.settings.hub_token_owners:
            return None
        return token.get_secret_value()

    @property
    def storage_prefix(self) -> str:
        """The prefix in the store under which only this attempt writes."""
        return attempt_prefix(self.claim.job_id, self.claim.attempt)

    def cache_key(self, fingerprint: str) -> str:
        """Return the key under which jobs share what they have computed: with their owner's other jobs.

        With all owners' if the operator allows that, except where the service's Hub token may have read the
        model: others may have no access to it.
        """
        private = self.hub_token is not None and not is_local(self.spec.recipe.model.id)
        shared = self.settings.share_between_owners and not private
        return cache_key(fingerprint, owner=None if shared else self.claim.owner)

    @contextmanager
    def kept_alive(self) -> Iterator[None]:
        """Extend the lease in the background, and hand the job back on SIGTERM."""
        with self._lines, self.heartbeat, shutdown_on_sigterm(self.worker):
            try:
                yield
            finally:
                self.progress.stopped()

    def scratch(self) -> AbstractContextManager[Path]:
        """The attempt's scratch directory, see `worker.scratch`."""
        return scratch.scratch(self.settings.work_dir, self.claim.job_id, self.claim.attempt)

    def check(self) -> None:
        """Raise the reason to stop, if there is one: an `Interrupted`, or `DiskFull`."""
        self.heartbeat.check()
        self.worker.check()
        self.disk.check()

    def transaction(self, action: Callable[[Session], Result]) -> Result:
        """Run `action` in a transaction of its own."""
        return self._transaction(action, self.check)

    def guarded(self, write: Callable[[Session], bool]) -> None:
        """Run a write that the claim guards. If its guard refuses, raise why the job no longer runs here."""
        if not self.transaction(write):
            self.heartbeat.ask()
            raise LeaseLost

    def record(self, event: EventData) -> None:
        """Write an event of the job, and the columns of its row that the event updates."""
        self.guarded(lambda session: lifecycle.record(session, self.claim, event))

    def upload(
        self,
        key: str,
        path: Path,
        *,
        sha256: str | None = None,
        compress: bool = False,
    ) -> StoredFile:
        """Upload a file, whose checksum may be known. Raises `StoreError` where retrying does not help."""
        send = partial(self.store.put_file, key, path, sha256=sha256, compress=compress)
        return self._with_store(lambda: send(on_bytes=lambda count: self.check()))

    def stored_bytes(self, key: str) -> int | None:
        """Return how much a file takes in the store. None: it has no such file."""
        found = self._with_store(lambda: self.store.head(key))
        return None if found is None else found.size

    def download(self, key: str, path: Path, *, size: int | None = None) -> StoredFile:
        """Download a file, whose size may be known, and return its size and SHA-256. Raises `NotStored`."""
        return self._with_store(
            lambda: self.store.download(key, path, size=size, on_bytes=lambda count: self.check())
        )

    def download_verified(self, key: str, path: Path, size: int, sha256: str) -> HashedFile | None:
        """Download a file to `path`. None: the store has no such file, or one with another checksum."""
        try:
            found = self.download(key, path, size=size).sha256
            return HashedFile(path, found) if found == sha256 else None
        except NotStored:
            return None

    def estimate(self, shape: ModelShape) -> None:
        """Estimate the time left, now that the shape of the model is known."""
        machine = self.transaction(lambda session: workers.machine_of(session, self.worker.name))
        estimate = self.spec.estimate(shape, machine)
        tokens = Windows.of_calibration(self.spec.recipe, shape).tokens
        self.progress.expect(estimate.seconds_by_stage, {Stage.GRADIENTS: tokens, Stage.PRUNE: tokens})

    def finish(self, transition: Transition) -> None:
        """End the attempt by `transition`, which a cancel request may overtake. Raises `LeaseLost`."""
        # A shutdown or a full disk must not keep the end from being written, so only the lease is checked.
        check = self.heartbeat.check_lease
        self.progress.record_log_lines(
            lambda line: self._transaction(partial(lifecycle.record, claim=self.claim, event=line), check)
        )
        if self._transaction(transition, check):
            return
        if not self._transaction(lambda session: lifecycle.finish_cancelling(session, self.claim), check):
            raise LeaseLost

    def _transaction(self, action: Callable[[Session], Result], check: Callable[[], None]) -> Result:
        def run() -> Result:
            with self.database.begin() as session:
                return action(session)

        return retry(run, on=DATABASE_UNAVAILABLE, check=check)

    def _with_store(self, transfer: Callable[[], Result]) -> Result:
        # Longer than a server takes to restart. After that the job waits in the queue.
        return retry(transfer, on=(StoreUnreachable,), check=self.check, timeout=_STORE_TIMEOUT_SECONDS)


@contextmanager
def claimed(settings: Settings, worker: Identity, task_id: str) -> Iterator[Attempt | None]:
    """Claim the next job. Yield its attempt, or None if there is none for this worker, or it shuts down.

    `task_id`: the Celery task that runs it, by which the worker's parent knows what is held.
    """
    path = worker.claims_directory / f"{task_id}.json"
    with connected(settings, worker) as database:
        try:
            yield _attempt(database, settings, worker, path)
        finally:  # also where no claim came of it: the child may hold another job when it is overdue
            with suppress(OSError):
                path.unlink()


def _attempt(database: Database, settings: Settings, worker: Identity, path: Path) -> Attempt | None:
    store = Store(settings.store_url)
    try:
        found = _claim(database, settings, worker, path)
    except ShutdownRequested:
        log.info("no job is claimed, the worker is shutting down")
        return None
    if found is None:
        log.info("there is no job for this worker")
        return None
    claim, held = found
    claimed_at = held.lease_ends_at - limits.LEASE_SECONDS
    heartbeat = Heartbeat(database, claim, claimed_at, held.record_extension)
    return Attempt(claim, heartbeat, settings=settings, worker=worker, database=database, store=store)


def _claim(
    database: Database, settings: Settings, worker: Identity, path: Path
) -> tuple[Claim, HeldClaim] | None:
    """Return the claim and its record for the parent: a lease that counts from before the claim.

    A worker whose disk or mount fails is quarantined and claims none: each job would count a fault.
    """
    unfit = _fault(settings)
    unanswered: list[Claim] = []  # they may hold, although the answer to their COMMIT was lost

    def claim() -> tuple[Claim, HeldClaim] | None:
        asked_at = boot_time()
        with database.begin() as session:
            if unfit is not None:
                conditions.quarantine(session, worker.name, unfit)
                notify_on_commit(session, QUEUE)  # it received a message that another worker can use
                return None
            for lost in unanswered:
                hand_back_unanswered(session, lost)
            found = claim_next(session, worker.name, limits.LEASE_SECONDS)
            if found is None:
                return None
            unanswered.append(found)
            ends_at = asked_at + limits.LEASE_SECONDS
            held = HeldClaim(path, found.job_id, found.attempt, found.lease_token, ends_at)
            held.write()
        return found, held

    return retry(claim, on=DATABASE_UNAVAILABLE, check=worker.check, timeout=_CLAIM_TIMEOUT_SECONDS)


def _fault(settings: Settings) -> str | None:
    try:
        check_directories(settings)
        check_hub_cache()
        check_free_disk(settings)
        check_roots(settings)
    except SelfTestFailed as unfit:
        log.error("this worker takes no job: %s", unfit)
        return str(unfit)
    return None


@contextmanager
def connected(settings: Settings, worker: Identity) -> Iterator[Database]:
    """Connect to the database for one attempt."""
    # One connection is kept. The heartbeat, and what is written next to the computation, open another one
    # while it is in use: they must not wait for the run.
    name = connection_name("job", worker.name)
    engine = engine_from(settings, name=name, pool_size=1, max_overflow=2)
    try:
        yield sessions(engine)
    finally:
        engine.dispose()

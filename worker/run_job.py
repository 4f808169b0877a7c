"""The main path of a worker: one job, from its claim to its end.

1. claim the job: from here on a heartbeat keeps its lease, and every write names it
2. run the recipe in a scratch directory, behind the blocks that earlier attempts have finished, telling
   every step of its progress
3. upload the output under the attempt's own prefix
4. write the end: the artifacts become the job's together with its success, or never

At each step the run can learn that it must stop: cancelled, not the owner any more, or the worker shuts down.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import torch
from pydantic import SecretStr
from sqlalchemy.orm import Session, sessionmaker

import pruning.run
from jobs.caches import gradients
from jobs.database import DATABASE_UNAVAILABLE, engine_from, sessions
from jobs.lifecycle import lifecycle
from jobs.lifecycle.lifecycle import Claim
from jobs.queries import queries
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.storage.store import Store, StoreError
from pruning.allowed_roots import Roots
from pruning.errors import Unreachable
from pruning.recipe import is_local
from pruning.report.schema import FILE_NAME as REPORT
from pruning.report.schema import Report
from worker.attempt.artifacts import output_prefix, upload
from worker.attempt.disk import Disk
from worker.attempt.early_stop import ceiling, keeps_model
from worker.attempt.error_report import failure
from worker.attempt.gradient_cache import JobGradientCache
from worker.attempt.heartbeat import Heartbeat
from worker.attempt.inputs import fetch_uploads
from worker.attempt.perplexity_cache import JobPerplexityCache
from worker.attempt.progress import JobProgress
from worker.attempt.resume_store import JobResumeStore
from worker.identity import Identity, stopping_on_sigterm
from worker.interrupts import CancelRequested, LeaseLost, ShuttingDown, Waiting
from worker.retry import retry, retry_once
from worker.scratch import RESUME_STORE, scratch

log = logging.getLogger(__name__)

_CLAIM_PATIENCE_SECONDS = 60.0
_HUB_PATIENCE_SECONDS = 300.0

Ending = Callable[[Session], bool]
"""A move that ends an attempt, with all that it needs. False: the job's guard has refused it."""


def run_job(job_id: UUID, settings: Settings, worker: Identity) -> None:
    """Run a job if it is queued, and write its end, whatever happens to it."""
    # The heartbeat's connection is its own: it must not wait for one that the run is using.
    with _connected(settings) as database, _connected(settings) as heartbeat_database:
        store = Store(settings.store_url)
        try:
            claim, claimed_at = _claim(database, job_id, settings, worker)
        except ShuttingDown:
            return
        if claim is None:
            log.info("job %s: nothing to do, it is not queued", job_id)
            return
        log.info("job %s: attempt %d begins", job_id, claim.attempt)
        disk = Disk(settings.work_dir, settings.min_free_disk_bytes)
        try:
            with (
                Heartbeat(heartbeat_database, claim, settings, claimed_at) as heartbeat,
                stopping_on_sigterm(worker),
            ):
                progress = JobProgress(database, claim, heartbeat, worker, disk)
                ending = _run(claim, settings, database, store, progress)
                _write_end(database, claim, heartbeat, ending)
        except LeaseLost:
            log.warning("job %s: attempt %d is not ours any more", job_id, claim.attempt)
        _discard_unpublished(database, store, claim)


def _claim(
    database: sessionmaker[Session], job_id: UUID, settings: Settings, worker: Identity
) -> tuple[Claim | None, float]:
    """The claim, and the moment on the monotonic clock from which its lease counts."""

    def claim() -> tuple[Claim | None, float]:
        asked_at = time.monotonic()
        with database.begin() as session:
            return lifecycle.claim(session, job_id, worker.name, settings.lease_seconds), asked_at

    return retry(claim, on=DATABASE_UNAVAILABLE, check=worker.check, timeout=_CLAIM_PATIENCE_SECONDS)


def _run(
    claim: Claim,
    settings: Settings,
    database: sessionmaker[Session],
    store: Store,
    progress: JobProgress,
) -> Ending:
    """Do the work. Returns the end that the attempt has come to; raises only `LeaseLost`."""
    try:
        progress.check()
        spec = claim.spec
        with scratch(settings.work_dir, claim.job_id, claim.attempt) as directory:
            fetch_uploads(database, store, claim, spec, directory / "uploads", progress)
            resume_store = JobResumeStore(database, store, claim, directory / RESUME_STORE, progress)
            private = _hub_token(claim.owner, settings) is not None and not is_local(spec.recipe.model.id)
            report = _prune(
                spec,
                claim.owner,
                settings,
                directory,
                progress,
                resume_store,
                JobGradientCache(database, store, claim, directory / "gradients", progress, private=private),
                JobPerplexityCache(database, claim, progress, private=private),
            )
            result = report.model_dump(mode="json")
            only = None if keeps_model(spec, result) else REPORT
            artifacts = upload(store, claim, directory / "output", progress, only=only)
        return lambda session: lifecycle.succeed(session, claim, result, artifacts)
    except CancelRequested:
        return lambda session: lifecycle.finish_cancelling(session, claim)
    except ShuttingDown:
        return lambda session: lifecycle.hand_back(session, claim, "the worker shuts down")
    except Waiting as waiting:
        return _waiting(claim, waiting)
    except LeaseLost:
        raise
    except Exception as error:
        log.warning("job %s: attempt %d failed", claim.job_id, claim.attempt, exc_info=True)
        told = failure(error, claim, Disk(settings.work_dir, settings.min_free_disk_bytes))
        return lambda session: lifecycle.fail(session, claim, told)


def _prune(
    spec: JobSpec,
    owner: str,
    settings: Settings,
    directory: Path,
    progress: JobProgress,
    resume_store: JobResumeStore,
    gradients: JobGradientCache,
    perplexities: JobPerplexityCache,
) -> Report:
    """Run the recipe in `directory`, which holds the uploads, behind the blocks that earlier attempts have
    finished; a Hub that does not answer is waited for.
    """
    token = _hub_token(owner, settings)

    def run() -> Report:
        return pruning.run.run(
            spec.recipe,
            spec.evaluation,
            output=directory / "output",
            roots=Roots(
                settings.model_roots, (*settings.data_roots, directory / "uploads"), settings.task_roots
            ),
            progress=progress,
            save_masks=spec.save_masks,
            hub_token=token.get_secret_value() if token else None,
            device=settings.device,
            ceiling=ceiling(spec),
            resume_store=resume_store,
            gradient_cache=gradients,
            perplexity_cache=perplexities,
            on_shape=lambda shape: progress.expect(spec, shape),
        )

    def run_when_the_hub_answers() -> Report:
        return retry(run, on=(Unreachable,), check=progress.check, timeout=_HUB_PATIENCE_SECONDS)

    # Another program may have been on the same device.
    return retry_once(run_when_the_hub_answers, on=(torch.OutOfMemoryError,), check=progress.check)


def _hub_token(owner: str, settings: Settings) -> SecretStr | None:
    return settings.hub_token if owner in settings.hub_token_owners else None


def _waiting(claim: Claim, waiting: Waiting) -> Ending:
    """Back to the queue, until the other job has computed the gradients or ended."""

    def ending(session: Session) -> bool:
        computing = gradients.still_computing(session, waiting.fingerprint, waiting.job_id)
        reason = "another job is computing the same gradients; this one goes on when they are there"
        return lifecycle.wait_for(session, claim, computing, reason)

    return ending


def _write_end(database: sessionmaker[Session], claim: Claim, heartbeat: Heartbeat, ending: Ending) -> None:
    """Write the end, however long the database is away, as long as the lease holds."""

    def write(end: Ending) -> bool:
        with database.begin() as session:
            return end(session)

    def write_patiently(end: Ending) -> bool:
        return retry(lambda: write(end), on=DATABASE_UNAVAILABLE, check=heartbeat.check_lease)

    if write_patiently(ending):
        return
    # The guard has refused: a cancel came first, or the job is somebody else's.
    if not write_patiently(lambda session: lifecycle.finish_cancelling(session, claim)):
        raise LeaseLost


def _discard_unpublished(database: sessionmaker[Session], store: Store, claim: Claim) -> None:
    """Delete what the attempt has uploaded, unless it is the job's result now.

    The row is asked and not our own memory: a COMMIT whose answer was lost may have been done all the same.
    Where this fails, garbage is left, which no row names.
    """
    try:
        with database.begin() as session:
            published = queries.is_result_of(session, claim.job_id, claim.attempt)
        if not published:
            store.delete_prefix(output_prefix(claim))
    except (*DATABASE_UNAVAILABLE, StoreError) as error:
        log.warning("job %s: output of attempt %d left behind (%s)", claim.job_id, claim.attempt, error)


@contextmanager
def _connected(settings: Settings) -> Iterator[sessionmaker[Session]]:
    engine = engine_from(settings, pool_size=1)
    try:
        yield sessions(engine)
    finally:
        engine.dispose()

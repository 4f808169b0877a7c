"""The main path of a worker: one job, from its claim to its end.

1. claim the job: from here on a heartbeat extends its lease, and every write is guarded by the claim
2. fetch the uploads that it names
3. run its recipe in a scratch directory, resuming after the blocks that earlier attempts have finished
4. upload the output under the attempt's own prefix, except files that earlier attempts have sent
5. end the attempt by one transition; a success publishes the report and the artifacts, or nothing
6. delete what was uploaded, if it is neither the job's result nor of use to another attempt

Between any two steps the attempt may have to stop: the job was cancelled, the worker is shutting down,
another job computes the gradients, the job needs more than this worker has, the lease was lost. `_outcome_of`
turns an interruption or a failure into the transition that ends the attempt. A fault of this worker returns
the job to the queue, and is counted against the worker: see `jobs.queue.conditions`. A Hub or a store that
does not answer returns it as well, until the next try, and the worker takes another job meanwhile. A job that
ran out of memory waits for a larger worker: see `jobs.queue.shortage`. Only a lost lease ends the attempt
without a transition: the job is no longer this worker's.
"""

import json
import logging
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from sqlalchemy import exc
from sqlalchemy.orm import Session

import pruning.pipeline.run
from jobs import limits
from jobs.lifecycle import attempt_files, baselines, lifecycle
from jobs.lifecycle.events import JobError
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.monitoring import logs, traces
from jobs.queue import conditions, shortage, workers
from jobs.queue.resources import Needs
from jobs.settings import Settings
from jobs.spec.gate import Verdict
from jobs.spec.job import JobSpec
from jobs.states import Cause
from jobs.storage.errors import StoreUnreachable
from jobs.storage.owned_files import UnknownReference
from pruning.errors import InvalidInput, Unreachable, is_panic
from pruning.estimate import ModelShape
from pruning.files.frozen_file import AllowedRoots
from pruning.pipeline.evaluate import NO_LIMIT, PerplexityLimit
from pruning.pipeline.resources import DiskTooSmall
from pruning.pipeline.run import RunRequest, Services
from pruning.report import Report
from pruning.runtime.device import is_device_out_of_memory, is_out_of_memory, release_memory
from pruning.sandbox.confine import SandboxLimits
from pruning.sandbox.sandbox import Sandbox
from pruning.version import pruneserve_version
from worker.attempt.attempt import Attempt, Transition, claimed
from worker.attempt.caches import (
    JobGradientCache,
    JobPerplexityCache,
    quota_error,
    refuse_over_quota,
    wait_for_gradients,
)
from worker.attempt.diagnosis import quarantine_without_store, wait_for_room
from worker.attempt.error_report import OUT_OF_MEMORY, is_of_the_network, job_error, with_upload_names
from worker.attempt.resources import DiskFull
from worker.attempt.resume_store import JobResumeStore
from worker.attempt.transfers import discard_unpublished, fetch_uploads, upload_artifacts
from worker.capacity import memory_limit
from worker.identity import Identity
from worker.interrupts import BlockedOnJob, CancelRequested, DoesNotFit, LeaseLost, ShutdownRequested
from worker.retry import wait
from worker.scratch import RESUME_STORE
from worker.self_test import SelfTestFailed, check_device

log = logging.getLogger(__name__)

_OUTAGE_TIMEOUT_SECONDS = 6 * 3600.0  # of waits and tries; a newly finished block starts them again
# A library that fails while it loads may do so again and again, whatever the network does.
_TIMEOUT_WITHOUT_NETWORK_ERROR_SECONDS = 300.0
_SECONDS_UNTIL_MEMORY_IS_FREE = 15.0
_UPLOADS = "uploads"  # the part of an attempt's directory for the uploads that the job names


def run_next(settings: Settings, worker: Identity, task_id: str) -> bool:
    """Claim the next job, if there is one for this worker, run it, and record how the attempt ended.

    Returns whether this process must not run another one, because its device failed.
    """
    return _claim_and_run(settings, worker, task_id) or not _has_released_device()


def _claim_and_run(settings: Settings, worker: Identity, task_id: str) -> bool:
    """Do what `run_next` says, but keep the device's memory."""
    with claimed(settings, worker, task_id) as attempt:
        if attempt is None:
            return False
        claim = attempt.claim
        with (
            logs.log_context(job=str(claim.job_id), attempt=claim.attempt, owner=claim.owner),
            traces.span("attempt", parent=claim.traceparent, job=str(claim.job_id), attempt=claim.attempt),
        ):
            log.info("job %s: attempt %d starts", claim.job_id, claim.attempt)
            try:
                with attempt.kept_alive():
                    _finish(attempt, _outcome_of(attempt))
            except LeaseLost:
                log.warning("job %s: attempt %d has lost its lease", claim.job_id, claim.attempt)
            discard_unpublished(attempt)
        traces.flush()
        return attempt.process_is_unusable


def _has_released_device() -> bool:
    """Release the memory of the device until the next job: the self-test, say, may need it.

    Returns False where the device is broken.
    """
    if not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return True
    try:
        release_memory()
    except RuntimeError:
        log.warning("the device's memory cannot be released", exc_info=True)
        return False
    return True


def _finish(attempt: Attempt, transition: Transition) -> None:
    """End the attempt. An end that the database refuses, for a text in it, becomes a failure."""
    try:
        attempt.finish(transition)
    except exc.DBAPIError as refused:
        claim = attempt.claim
        log.exception("job %s: the end of attempt %d cannot be stored", claim.job_id, claim.attempt)
        error = job_error(refused, claim, attempt.disk)
        attempt.finish(lambda session: lifecycle.fail(session, claim, error))


def _outcome_of(attempt: Attempt) -> Transition:
    """Do the job. Return the transition that ends the attempt; raise only `LeaseLost`."""
    claim = attempt.claim
    try:
        report, verdict, artifacts = _run_and_upload(attempt)
        return lambda session: _succeed(session, attempt, report, verdict, artifacts)
    except LeaseLost:
        raise
    except CancelRequested:
        return lambda session: lifecycle.finish_cancelling(session, claim)
    except ShutdownRequested:
        return lambda session: lifecycle.hand_back(session, claim, "the worker is shutting down")
    except BlockedOnJob as blocked:
        return wait_for_gradients(attempt, blocked)
    except DoesNotFit as short:
        return partial(lifecycle.hand_back, claim=claim, reason=str(short))  # its needs are recorded
    except BaseException as failure:
        if not isinstance(failure, Exception) and not is_panic(failure):
            raise
        log.warning("job %s: attempt %d failed", claim.job_id, claim.attempt, exc_info=True)
        return _after_failure(attempt, failure)


def _after_failure(attempt: Attempt, failure: BaseException) -> Transition:
    """Return the end of an attempt after a fault of the worker, an outage outside, or a job's failure."""
    claim = attempt.claim
    error = with_upload_names(job_error(failure, claim, attempt.disk), attempt.upload_names)
    if error.cause == Cause.WORKER:
        attempt.process_is_unusable = not isinstance(failure, SelfTestFailed | DiskFull | OSError)
        return lambda session: _requeue(session, attempt, error)
    if isinstance(failure, Unreachable | StoreUnreachable):
        patience = _OUTAGE_TIMEOUT_SECONDS
        if isinstance(failure, Unreachable) and not is_of_the_network(failure):
            patience = min(patience, _TIMEOUT_WITHOUT_NETWORK_ERROR_SECONDS)
        requeue = partial(
            lifecycle.requeue_while_unreachable,
            claim=claim,
            error=error,
            patience_seconds=patience,
            what=failure.what,
        )
        unreachable_store = isinstance(failure, StoreUnreachable)
        return quarantine_without_store(requeue, attempt) if unreachable_store else requeue
    if error.type == OUT_OF_MEMORY:
        return partial(
            shortage.requeue_out_of_memory,
            claim=claim,
            worker=attempt.worker.name,
            error=error,
            of_host=not is_device_out_of_memory(failure),
        )
    return lambda session: lifecycle.fail(session, claim, error)


def _succeed(
    session: Session,
    attempt: Attempt,
    report: dict[str, Any] | None,
    verdict: Verdict | None,
    artifacts: list[FinishedArtifact],
) -> bool:
    """Return False if the guard has refused the move. A result over the owner's quota fails the job."""
    if attempt.spec.recipe.norms and (error := quota_error(session, attempt, artifacts)):
        moved = lifecycle.fail(session, attempt.claim, error)
        if moved:  # else they are the next attempt's
            attempt_files.delete_sent_files(session, attempt.claim.job_id)
    else:
        moved = lifecycle.succeed(session, attempt.claim, report, artifacts, verdict)
    if moved:
        conditions.clear_faults(session, attempt.worker.name)
    return moved


def _requeue(session: Session, attempt: Attempt, error: JobError) -> bool:
    """Return the job to the queue, for another worker, and count the fault of this one.

    A job that this version does not accept says nothing of the machine.
    """
    claim, worker = attempt.claim, attempt.worker.name
    moved = lifecycle.requeue_after_fault(session, claim, error, limits.MAX_WORKER_FAULTS)
    counts = error.type != "invalid_input"
    if moved and counts and conditions.record_fault(session, worker, error.message):
        log.error("worker %s is quarantined after faults in a row; the last: %s", worker, error.message)
    return moved


def _run_and_upload(
    attempt: Attempt,
) -> tuple[dict[str, Any] | None, Verdict | None, list[FinishedArtifact]]:
    """Fetch the inputs, run the recipe, upload its output.

    Return the report, if any, the artifacts, and the verdict where that decides which files are kept: a label
    may move while they are sent.
    """
    check_device(attempt.settings.device)
    attempt.check()
    with attempt.scratch() as directory:
        output = directory / "output"
        try:
            fetch_uploads(attempt, directory / _UPLOADS)
            report = _run_recipe(attempt, directory, output)
        except DiskTooSmall as error:
            wait_for_room(attempt, error, directory)
            raise
        verdict = None
        if report and attempt.spec.stop_when_missed:
            verdict = attempt.transaction(lambda session: lifecycle.judged(session, attempt.claim, report))
        keeps_model = verdict is None or verdict.is_met
        return report, verdict, upload_artifacts(attempt, output, report, keeps_model=keeps_model)


def _run_recipe(attempt: Attempt, directory: Path, output: Path) -> dict[str, Any] | None:
    spec, settings = attempt.spec, attempt.settings
    request = RunRequest(
        spec.recipe,
        spec.evaluation,
        output,
        device=settings.device,
        save_masks=spec.save_masks,
        exports=spec.exports,
        limit=_perplexity_limit(spec),
        baseline=_baseline(attempt),
    )
    services = Services(
        progress=attempt.progress,
        roots=AllowedRoots(
            settings.model_roots, (*settings.data_roots, directory / _UPLOADS), settings.task_roots
        ),
        hub_token=attempt.hub_token,
        reading=sandbox(settings, directory),
        resume_store=JobResumeStore(attempt, directory / RESUME_STORE),
        gradient_cache=JobGradientCache(attempt, directory / "gradients"),
        perplexity_cache=JobPerplexityCache(attempt),
        on_shape=partial(_know_shape, attempt),
        min_free_disk_bytes=limits.MIN_FREE_DISK_BYTES,
    )

    try:
        return _report_of(request, services)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        log.warning("job %s: memory ran out; it is tried once more", attempt.claim.job_id)
    # The device may have been full only because another program was using it.
    wait(_SECONDS_UNTIL_MEMORY_IS_FREE, attempt.check)
    release_memory()  # what the first try held; what a library asks for is not torch's to give
    return _report_of(request, services)


def sandbox(settings: Settings, scratch: Path) -> Sandbox:
    """Return a sandbox limited to the job's memory and stall time.

    `scratch`: where private directories are made. What takes too much time is refused before the job has made
    no progress for `limits.STALL_SECONDS`, after which it would be tried again.
    """
    usual = SandboxLimits()
    return Sandbox(
        SandboxLimits(
            memory_bytes=min(usual.memory_bytes, memory_limit(settings)),
            cpu_seconds=max(1, min(usual.cpu_seconds, int(limits.STALL_SECONDS / 4))),
            wall_seconds=min(usual.wall_seconds, limits.STALL_SECONDS / 2),
        ),
        all_layers=settings.sandbox == "require",
        job_memory_bytes=memory_limit(settings),
        scratch=scratch,
    )


def _report_of(request: RunRequest, services: Services) -> dict[str, Any] | None:
    if request.recipe.norms:
        pruning.pipeline.run.keep_gradients(request, services)
        return None
    return pruning.pipeline.run.run(request, services).model_dump(mode="json")


def _baseline(attempt: Attempt) -> Report | None:
    """Return the report that the gate compares with, so that the run refuses another model or text."""
    owner, spec = attempt.claim.owner, attempt.spec
    try:
        found = attempt.transaction(lambda session: baselines.find(session, owner, spec))
    except UnknownReference as error:
        raise InvalidInput(f"{error.named} {error.message}", field=error.field) from error
    if found is None or spec.gate is None:
        return None
    try:
        report = Report.model_validate_json(json.dumps(found.report))
    except ValidationError as error:
        made_by = (found.report.get("environment") or {}).get("pruneserve", "of another version")
        raise InvalidInput(
            f"the baseline is job {found.job_id}, whose report PruneServe {made_by} has written and "
            f"{pruneserve_version()} cannot read: submit that job again and name the new one, or another",
            field="gate.baseline",
        ) from error
    compared = {name: text for name, text in report.domains.items() if name in spec.gate.compared_domains}
    return report.model_copy(update={"domains": compared})


def _perplexity_limit(spec: JobSpec) -> PerplexityLimit:
    """Return the perplexity above which the evaluation stops early, if the job asks for that."""
    if not spec.stop_when_missed or spec.gate is None or spec.gate.export is not None:
        return NO_LIMIT
    over_dense = spec.gate.max_perplexity_increase if spec.gate.baseline is None else None
    bounds = (spec.gate.max_perplexity, over_dense)
    return PerplexityLimit(*(inf if bound is None else bound for bound in bounds))


def _know_shape(attempt: Attempt, shape: ModelShape) -> None:
    live = attempt.transaction(lambda session: workers.live_machines(session, limits.LEASE_SECONDS))
    needs = Needs.of(attempt.spec, shape, live)
    claim, worker = attempt.claim, attempt.worker.name
    if not attempt.transaction(lambda session: shortage.record_needs_if_fits(session, claim, worker, needs)):
        raise DoesNotFit
    attempt.estimate(shape)
    if attempt.spec.recipe.norms:
        refuse_over_quota(attempt, shape)

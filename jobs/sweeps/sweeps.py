"""Sweeps: jobs that were submitted together, and searches that submit one job after the other.

Their jobs are like any other. They share gradients because equal inputs have equal fingerprints; the sweep
does nothing for that.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, defer

from jobs.database import DATABASE_UNAVAILABLE, OTHER_SCHEMA
from jobs.lifecycle import baselines, owner_moves
from jobs.spec.gate import Verdict
from jobs.spec.job import JobSpec
from jobs.states import ENDED, OPEN, JobState, SweepState
from jobs.storage.owned_files import UnknownReference
from jobs.sweeps.bisection import Search
from jobs.sweeps.files import FoundFile, ranked
from jobs.sweeps.target import Target
from jobs.tables import NOW, Job, Sweep, page

log = logging.getLogger(__name__)


def create(
    session: Session,
    owner: str,
    request: dict[str, Any],
    specs: Iterable[JobSpec],
    labels: Mapping[str, str],
    *,
    search: Search | None = None,
    priority: int = 0,
    max_queued: int | None = None,
) -> Sweep:
    """Insert a sweep and all of its jobs, or nothing. Raises what `owner_moves.create` raises.

    With `search`, it is one for the best file of a size: its jobs export what it compares.

    A label as baseline is resolved once, to a job, so that no verdict depends on the order in which the jobs
    end. They have one gate in common.
    """
    specs = list(specs)
    if baseline := baselines.resolve(session, owner, specs[0].gate):
        resolved = {"baseline": str(baseline)}
        gate = specs[0].gate and specs[0].gate.model_copy(update=resolved)
        specs = [spec.model_copy(update={"gate": gate}) for spec in specs]
    owner_moves.check_room(session, owner, max_queued, len(specs))  # before anything is written
    sweep = _insert(session, owner, request, search)
    for spec in specs:
        owner_moves.create(session, owner, spec, labels, priority=priority, sweep_id=sweep.id)
    owner_moves.check_queue_limit(session, owner, max_queued, inserted=len(specs))
    return sweep


def start_search(
    session: Session,
    owner: str,
    request: dict[str, Any],
    base: JobSpec,
    target: Target,
    labels: Mapping[str, str],
    *,
    priority: int = 0,
    max_queued: int | None = None,
) -> Sweep:
    """Insert a search and its first job. All of its jobs are `base` with another sparsity, or structure."""
    search = Search()
    sweep = _insert(session, owner, request, search)
    first = search.next_sparsity(target)
    assert first is not None  # noqa: S101 - a search always measures at least one sparsity
    spec = _probe(base, first, target)
    owner_moves.create(
        session, owner, spec, labels, priority=priority, sweep_id=sweep.id, max_queued=max_queued
    )
    return sweep


def get(session: Session, owner: str, sweep_id: UUID) -> Sweep | None:
    """Return one of the owner's sweeps."""
    return session.scalar(select(Sweep).where(Sweep.id == sweep_id, Sweep.owner == owner))


def newest(session: Session, owner: str, *, before: UUID | None, limit: int) -> Sequence[Sweep]:
    """Return a page of the owner's sweeps, newest first."""
    of_owner = select(Sweep).where(Sweep.owner == owner)
    return session.scalars(page(of_owner, Sweep.id, before, limit)).all()


def jobs_of(session: Session, sweep: Sweep) -> Sequence[Job]:
    """Return the sweep's jobs in the order of their submission."""
    of_sweep = select(Job).where(Job.sweep_id == sweep.id).order_by(Job.id)
    return session.scalars(of_sweep.options(defer(Job.report, raiseload=True))).all()


def answers(session: Session, searches: Iterable[Search]) -> dict[UUID, Job]:
    """Return the job that answers each search so far, by the search's id, for those that have an answer."""
    best = select(Job).where(Job.id.in_([search.best_job for search in searches]))
    found = session.scalars(best.options(defer(Job.report, raiseload=True)))
    return {job.sweep_id: job for job in found if job.sweep_id is not None}


def counts(session: Session, sweep_ids: Collection[UUID]) -> dict[UUID, tuple[int, int]]:
    """Return how many jobs of each sweep have ended, and how many there are so far."""
    ended = func.count().filter(Job.state.in_(ENDED))
    by_sweep = (
        select(Job.sweep_id, ended, func.count()).where(Job.sweep_id.in_(sweep_ids)).group_by(Job.sweep_id)
    )
    rows = session.execute(by_sweep)
    return {sweep_id: (done, total) for sweep_id, done, total in rows if sweep_id is not None}


def cancel(session: Session, owner: str, sweep_id: UUID) -> Sweep | None:
    """Cancel a sweep and its jobs that have not ended. Returns None if the owner has no such sweep."""
    sweep = session.scalar(select(Sweep).where(Sweep.id == sweep_id, Sweep.owner == owner).with_for_update())
    if sweep is not None and sweep.state == SweepState.RUNNING:
        for job in jobs_of(session, sweep):
            with suppress(owner_moves.Conflict):  # it has ended
                owner_moves.cancel(session, owner, job.id)
        _end(sweep, SweepState.CANCELLED)
    return sweep


def advance(session: Session, *, failed: set[UUID] | None = None) -> int:
    """Advance sweeps whose jobs have all ended: submit the next job of a search, or end the sweep.

    `failed`: those that are left out. One that raises an unexpected error is logged and added: it delays no
    other. Returns how many sweeps were taken. Any number of schedulers may do this at once.
    """
    failed = set() if failed is None else failed
    # Of each running sweep one open job is looked up: of NOT EXISTS the planner makes a join that reads all.
    open_job = select(Job.id).where(Job.sweep_id == Sweep.id, Job.state.in_(OPEN)).limit(1).scalar_subquery()
    waiting = session.scalars(
        select(Sweep)
        .where(Sweep.state == SweepState.RUNNING, open_job.is_(None), Sweep.id.not_in(failed))
        .order_by(Sweep.id)
        .limit(20)
        .with_for_update(skip_locked=True)
    ).all()
    for sweep_id, sweep in [(sweep.id, sweep) for sweep in waiting]:
        try:
            with session.begin_nested():
                # Read again under the lock: another scheduler may have submitted a job a moment ago.
                jobs = jobs_of(session, sweep)
                if all(job.state in ENDED for job in jobs):
                    _advance(session, sweep, jobs)
        except (*DATABASE_UNAVAILABLE, *OTHER_SCHEMA):
            raise
        except Exception:
            log.exception("sweep %s cannot be advanced; it is tried again later", sweep_id)
            failed.add(sweep_id)
    return len(waiting)


def _advance(session: Session, sweep: Sweep, jobs: Sequence[Job]) -> None:
    failed = [job for job in jobs if job.state == JobState.FAILED]
    target = Target.model_validate(sweep.request["target"]) if sweep.search is not None else None
    max_bytes = target.max_bytes if target else None
    # Of a search for a file one job is enough: what the model's family refuses is no answer.
    if failed and (max_bytes is None or len(failed) == len(jobs)):
        reason = f"{len(failed)} of {len(jobs)} jobs failed; read their errors, and retry them"
        _end(sweep, SweepState.FAILED, reason)
    elif any(job.state == JobState.CANCELLED for job in jobs):
        _end(sweep, SweepState.CANCELLED)
    elif target is None:
        _end(sweep, SweepState.SUCCEEDED)
    elif max_bytes is not None:
        _choose_file(sweep, max_bytes, jobs)
    else:
        _search_on(session, sweep, target, jobs)


def _choose_file(sweep: Sweep, max_bytes: int, jobs: Sequence[Job]) -> None:
    """End a search for a file by the best one."""
    files = ranked(
        (
            FoundFile(job_id=job.id, on_front=False, **file)
            for job in jobs
            for file in job.exports or ()
            if file["kl"] is not None
        ),
        max_bytes,
    )
    best = next((file for file in files if file.bytes <= max_bytes), None)
    answer = {"best_job": best.job_id, "best_file": best.name} if best else {}
    sweep.search = Search(files=list(files), **answer).model_dump(mode="json")
    if best is None:
        _end(sweep, SweepState.FAILED, f"none of {len(files)} files has at most {max_bytes} bytes")
    else:
        _end(sweep, SweepState.SUCCEEDED)


def _search_on(session: Session, sweep: Sweep, target: Target, jobs: Sequence[Job]) -> None:
    """Submit the next job of a search, or end it."""
    search = Search()
    for job in jobs:
        search = search.after(_searched(job, target), job.id, met=_is_met(job))
    sweep.search = search.model_dump(mode="json")
    sparsity = search.next_sparsity(target)
    if sparsity is not None:
        last = jobs[-1]
        spec = _probe(JobSpec.model_validate(last.spec), sparsity, target)
        try:
            owner_moves.create(
                session,
                sweep.owner,
                spec,
                last.labels,
                priority=last.priority,
                sweep_id=sweep.id,
            )
        except UnknownReference as error:
            reason = f"its next job cannot be submitted: {error.field} {error.named!r} {error.message}"
            _end(sweep, SweepState.FAILED, f"{reason}; submit a new sweep")
    elif search.best_job is None:
        _end(sweep, SweepState.FAILED, f"no {_NAMES[target.over]} from {target.lowest:g} up meets the bound")
    else:
        _end(sweep, SweepState.SUCCEEDED)


_NAMES = {"sparsity": "sparsity", "structure": "share of the parameters"}


def _is_met(job: Job) -> bool:
    return job.gate is not None and Verdict.model_validate(job.gate).is_met


def _searched(job: Job, target: Target) -> float:
    """Return what the search tried with this job."""
    if target.over == "sparsity":
        return job.sparsity
    structure = JobSpec.model_validate(job.spec).recipe.structure
    assert structure is not None  # noqa: S101 - the search has given it one
    assert structure.parameters is not None  # noqa: S101 - as above
    return structure.parameters


def _probe(base: JobSpec, tried: float, target: Target) -> JobSpec:
    fields = base.model_dump(mode="json")
    if target.over == "sparsity":
        fields["recipe"]["sparsity"] = tried
    else:
        fields["recipe"]["structure"] = (fields["recipe"]["structure"] or {}) | {"parameters": tried}
    return JobSpec.model_validate({**fields, "gate": target.gate, "stop_when_missed": True})


def _insert(session: Session, owner: str, request: dict[str, Any], search: Search | None) -> Sweep:
    found = None if search is None else search.model_dump(mode="json")
    sweep = Sweep(owner=owner, request=request, search=found)
    session.add(sweep)
    session.flush()
    session.refresh(sweep)
    return sweep


def _end(sweep: Sweep, state: SweepState, error: str | None = None) -> None:
    sweep.state, sweep.error, sweep.ended_at = state, error, NOW

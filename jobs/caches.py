"""Caches that jobs share, by the fingerprint of the inputs: gradient norms, and measurements of dense models.

The first job that asks for a norm computes it, until it has published it, ended, or been back in the queue
for a while; other jobs that ask in the meantime wait. A job that waits gives up what it was to compute
itself, so that no two jobs wait for each other. A published norm is the shards of its job, where it has
stored them.

A measurement is the loss of each window, and the file of the final states that pruned models are compared by,
which is a finished block of the job that measured them. No job waits for a measurement: jobs that need the
same one at once each make it, with the same result.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from jobs.lifecycle import lifecycle
from jobs.lifecycle.lifecycle import Claim
from jobs.notify import QUEUE, notify_on_commit
from jobs.queue import backlog
from jobs.spec.job import JobSpec
from jobs.tables import NOW, SEARCH_NOW, CachedGradients, CachedPerplexity, GradientShard, Job, JobBlock
from pruning.recipe import GradientNorm, Recipe

_INPUTS = ("model", "structure", "calibration", "layers", "dtype", "gradients")
"""The fields of a recipe that decide its gradient norms."""

Cache = type[CachedGradients] | type[CachedPerplexity]
"""The table of one of the two caches."""


@dataclass(frozen=True, slots=True)
class CachedNorms:
    """The cached shards; no other job computes what the caller's job wants."""

    shards: Mapping[str, Sequence[GradientShard]]  # by fingerprint, in order of blocks
    to_compute: frozenset[str]  # fingerprints of what the caller's job computes


@dataclass(frozen=True, slots=True)
class ComputedElsewhere:
    """Another job is computing a norm that the caller's job wants."""

    fingerprint: str
    job_id: UUID


def find_gradients(
    session: Session, claim: Claim, wanted: Collection[str], later: Collection[str] = ()
) -> CachedNorms | ComputedElsewhere:
    """Return the cached shards of the norms that are wanted, or who computes them.

    The caller does, if no other job does. Norms that other jobs need `later` are for the caller to compute if
    it computes another one anyway, and no other job has them or computes them.
    """
    # In one order, or two jobs could wait for each other's locks.
    entries = [_locked(session, claim, fingerprint) for fingerprint in sorted({*wanted, *later})]
    free = {
        entry.fingerprint
        for entry in entries
        if entry.ready_at is None
        and (entry.job_id == claim.job_id or not _is_computing(session, entry.job_id))
    }
    for entry in entries:
        if entry.fingerprint in wanted and entry.ready_at is None and entry.fingerprint not in free:
            _give_up(session, claim)
            return ComputedElsewhere(entry.fingerprint, entry.job_id)
    to_compute = free if free & {*wanted} else set()
    for entry in entries:
        if entry.fingerprint in to_compute and entry.job_id != claim.job_id:
            _unblock(session, entry.job_id)  # or they would wait for a job that does not compute it
            entry.job_id = claim.job_id
    _give_up(session, claim, free - to_compute)
    ready = [entry.fingerprint for entry in entries if entry.ready_at and entry.fingerprint in wanted]
    session.execute(update(CachedGradients).where(CachedGradients.fingerprint.in_(ready)).values(used_at=NOW))
    return CachedNorms(
        {fingerprint: _shards(session, fingerprint) for fingerprint in ready}, frozenset(to_compute)
    )


def _is_computing(session: Session, job_id: UUID) -> bool:
    return session.scalar(select(Job.id).where(Job.id == job_id, backlog.is_computing(Job))) is not None


def needed_in_sweep(session: Session, job_id: UUID, recipe: Recipe) -> frozenset[GradientNorm]:
    """Return the norms that the jobs of a job's sweep compute from the same inputs as `recipe`."""
    sweep = select(Job.sweep_id).where(Job.id == job_id).scalar_subquery()
    needed: set[GradientNorm] = set()
    for spec in session.scalars(select(Job.spec).where(Job.sweep_id == sweep)):
        with suppress(ValidationError):  # of a method that is not installed here
            other = JobSpec.model_validate(spec).recipe
            if all(getattr(other, field) == getattr(recipe, field) for field in _INPUTS):
                needed |= other.gradient_norms
    return frozenset(needed)


def still_computing(session: Session, fingerprint: str, job_id: UUID) -> UUID | None:
    """Return the job if it is still computing the norms, or None.

    A job that begins to wait asks again in the transaction that records it, so that the norms cannot be
    published in between.
    """
    return session.scalar(
        select(CachedGradients.job_id)
        .where(
            CachedGradients.fingerprint == fingerprint,
            CachedGradients.job_id == job_id,
            CachedGradients.ready_at.is_(None),
        )
        .with_for_update()
    )


def publish_gradients(
    session: Session,
    claim: Claim,
    fingerprint: str,
    stage: str,
    numerics_key: Mapping[str, Any],
    numbers: Mapping[int, int],
) -> bool:
    """Publish the job's finished shards of the stage as a cached norm, and unblock the jobs that wait.

    `numbers`: for each block the number of its shard in the stage. Returns False if the caller does not hold
    its job any more, or was not the one to compute the norm.
    """
    # In the order of ids, in which the jobs of a sweep are cancelled.
    waiting_or_own = (Job.id == claim.job_id) | (Job.blocked_on == claim.job_id)
    session.execute(select(Job.id).where(waiting_or_own).order_by(Job.id).with_for_update())
    if session.scalar(select(Job.id).where(*lifecycle.running_under(claim))) is None:
        return False
    published = session.scalar(
        update(CachedGradients)
        .where(
            CachedGradients.fingerprint == fingerprint,
            CachedGradients.job_id == claim.job_id,
            CachedGradients.ready_at.is_(None),
        )
        .values(ready_at=NOW, used_at=NOW)
        .returning(CachedGradients.fingerprint)
    )
    if published is None:
        return False
    rows = session.scalars(
        select(JobBlock).where(
            JobBlock.job_id == claim.job_id,
            JobBlock.stage == stage,
            JobBlock.block.in_(numbers.values()),
        )
    )
    by_number = {row.block: row for row in rows if row.numerics_key == numerics_key}
    for block, number in numbers.items():
        row = by_number[number]
        session.add(
            GradientShard(fingerprint=fingerprint, block=block, key=row.key, size=row.size, sha256=row.sha256)
        )
    _unblock(session, claim.job_id)
    return True


def limit_gradients(session: Session, most_bytes: int, limit: int) -> int:
    """Drop the least recently used norms while their total exceeds `most_bytes`. Reads all of them.

    The last one that was used stays: one norm of a large model may exceed the limit by itself, and each job
    of a sweep would compute it again.
    """
    if (session.scalar(select(func.sum(GradientShard.size))) or 0) <= most_bytes:
        return 0
    size = (
        select(GradientShard.fingerprint, func.sum(GradientShard.size).label("size"))
        .group_by(GradientShard.fingerprint)
        .subquery()
    )
    newest_first = CachedGradients.used_at.desc()
    ranked = (
        select(
            CachedGradients.fingerprint,
            func.sum(size.c.size).over(order_by=newest_first).label("with_newer"),
            func.row_number().over(order_by=newest_first).label("place"),
        )
        .join(size, size.c.fingerprint == CachedGradients.fingerprint)
        .where(CachedGradients.ready_at.is_not(None))
        .subquery()
    )
    too_much = select(ranked.c.fingerprint).where(ranked.c.with_newer > most_bytes, ranked.c.place > 1)
    return _evict(session, CachedGradients, CachedGradients.fingerprint.in_(too_much), limit)


def _locked(session: Session, claim: Claim, fingerprint: str) -> CachedGradients:
    """Return an entry, made for the caller's job if there was none; locked, so that none is published now."""
    # In one statement: between two of them another transaction could drop the entry.
    entry = upsert(CachedGradients).values(fingerprint=fingerprint, job_id=claim.job_id)
    same = entry.on_conflict_do_update(
        index_elements=[CachedGradients.fingerprint], set_={"fingerprint": fingerprint}
    )
    populate = {"populate_existing": True}
    return session.scalars(same.returning(CachedGradients), execution_options=populate).one()


def _shards(session: Session, fingerprint: str) -> Sequence[GradientShard]:
    of_norm = select(GradientShard).where(GradientShard.fingerprint == fingerprint)
    return session.scalars(of_norm.order_by(GradientShard.block)).all()


def _give_up(session: Session, claim: Claim, fingerprints: Collection[str] | None = None) -> None:
    """Let others compute what the caller's job was to compute: all of it, or some fingerprints."""
    own = delete(CachedGradients).where(
        CachedGradients.job_id == claim.job_id, CachedGradients.ready_at.is_(None)
    )
    if fingerprints is not None:
        own = own.where(CachedGradients.fingerprint.in_(fingerprints))
    if session.scalars(own.returning(CachedGradients.fingerprint)).all():
        _unblock(session, claim.job_id)


def _unblock(session: Session, job_id: UUID) -> None:
    """Let the jobs that wait for this one ask again."""
    session.execute(update(Job).where(Job.blocked_on == job_id).values(blocked_on=None))
    notify_on_commit(session, QUEUE)


def find_perplexity(session: Session, fingerprint: str) -> CachedPerplexity | None:
    """Return the measurement if a job has made it. This counts as a use."""
    return session.scalar(
        update(CachedPerplexity)
        .where(CachedPerplexity.fingerprint == fingerprint)
        .values(used_at=NOW)
        .returning(CachedPerplexity)
    )


def publish_perplexity(
    session: Session,
    claim: Claim,
    fingerprint: str,
    losses: Sequence[float],
    states: str | None,
    *,
    most_bytes: int,
) -> None:
    """Keep a measurement for later jobs. If there is one already, it stays.

    `states`: the SHA-256 of the final states, which the job has stored as a finished block. Larger than
    `most_bytes`, nothing is kept, and nothing if the caller does not hold its job any more.
    """
    if session.scalar(select(Job.id).where(*lifecycle.running_under(claim)).with_for_update()) is None:
        return
    file = {}
    if states is not None:
        block = session.scalars(
            select(JobBlock).where(JobBlock.job_id == claim.job_id, JobBlock.sha256 == states).limit(1)
        ).one_or_none()
        if block is None or block.size > most_bytes:
            return
        file = {"job_id": claim.job_id, "key": block.key, "size": block.size, "sha256": states}
    session.execute(
        upsert(CachedPerplexity)
        .values(fingerprint=fingerprint, losses=[*losses], **file)
        .on_conflict_do_nothing(index_elements=[CachedPerplexity.fingerprint])
    )


def limit_perplexities(session: Session, most_bytes: int, limit: int) -> int:
    """Drop the least recently used while all files exceed `most_bytes`. Reads all of them."""
    if (session.scalar(select(func.sum(CachedPerplexity.size))) or 0) <= most_bytes:
        return 0
    with_newer = select(
        CachedPerplexity.fingerprint,
        func.sum(CachedPerplexity.size).over(order_by=CachedPerplexity.used_at.desc()).label("size"),
    ).where(CachedPerplexity.size.is_not(None))
    ranked = with_newer.subquery()
    too_much = select(ranked.c.fingerprint).where(ranked.c.size > most_bytes)
    return _evict(session, CachedPerplexity, CachedPerplexity.fingerprint.in_(too_much), limit)


def discard(session: Session, cache: Cache, fingerprint: str) -> None:
    """Drop a damaged entry, so that the next job that asks computes it again."""
    _drop(session, cache, [fingerprint])


def evict_unused(session: Session, cache: Cache, days: float, limit: int) -> int:
    """Drop entries unused for `days`."""
    return _evict(session, cache, cache.used_at < SEARCH_NOW - timedelta(days=days), limit)


def _evict(session: Session, cache: Cache, old_enough: ColumnElement[bool], limit: int) -> int:
    published = cache.used_at.is_not(None)
    old = session.scalars(select(cache.fingerprint).where(published, old_enough).limit(limit)).all()
    _drop(session, cache, old)
    return len(old)


def _drop(session: Session, cache: Cache, fingerprints: Sequence[str]) -> None:
    entries = cache.fingerprint.in_(fingerprints)
    # The jobs first: a deletion of a job locks the job before its entries.
    jobs = Job.id.in_(select(cache.job_id).where(entries))
    session.execute(update(Job).where(jobs).values(orphaned_files_since=NOW))
    session.execute(delete(cache).where(entries))

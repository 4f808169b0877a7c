"""The job that a gate compares with: one that it names, or the last of a label that has passed its gate.

The last is the one that was submitted last.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import Select, cast, func, select
from sqlalchemy.dialects.postgresql import JSONPATH
from sqlalchemy.orm import Session

from jobs.database import advisory_lock
from jobs.spec.gate import Gate, GateState
from jobs.spec.job import JobSpec
from jobs.spec.verdict import Baseline
from jobs.states import OPEN, JobState
from jobs.storage.owned_files import UnknownReference
from jobs.tables import Job, JobLabel

_FIELD = "gate.baseline"


def resolve(session: Session, owner: str, gate: Gate | None) -> UUID | None:
    """Return the job that the baseline of a gate stands for at present; None for a gate without one.

    Of its report, which can have megabytes, the database sends names alone.

    Raises UnknownReference where the owner has no such job, or it lacks what the gate compares.
    """
    if gate is None or gate.baseline is None:
        return None
    job_id = session.scalar(_named(owner, gate.baseline))
    if job_id is None:
        raise UnknownReference(_FIELD, gate.baseline, _NO_LABEL if "=" in gate.baseline else _NO_JOB)
    names = (func.jsonb_path_query_array(Job.report, cast(path, JSONPATH)) for path in _NAMES)
    if reason := _lacks(gate, *session.execute(select(*names).where(Job.id == job_id)).one()):
        raise UnknownReference(_FIELD, gate.baseline, f"is job {job_id}, which {reason}")
    return job_id


def find(session: Session, owner: str, spec: JobSpec) -> Baseline | None:
    """Return the baseline of a job; None for a job without one. Raises what `resolve` raises."""
    job_id = resolve(session, owner, spec.gate)
    report = session.scalar(select(Job.report).where(Job.id == job_id)) if job_id else None
    return Baseline(job_id, report) if job_id and report else None


def find_for_verdict(session: Session, owner: str, spec: JobSpec) -> Baseline | None:
    """Return the baseline, or None where there is none any more.

    Verdicts of an owner are serialised until the transaction ends: of two jobs that end at once, the second
    is compared with the first.
    """
    if spec.gate is None or spec.gate.baseline is None:
        return None
    advisory_lock(session, f"baselines of {owner}")
    try:
        return find(session, owner, spec)
    except UnknownReference:
        return None


def in_use(session: Session, owners: Collection[str]) -> dict[UUID, UUID]:
    """Return the jobs that gates of these owners' open jobs compare with now, each with one of those."""
    named = Job.spec["gate"]["baseline"].astext
    open_jobs = select(Job.owner, named, Job.id).where(
        Job.owner.in_(owners), Job.state.in_(OPEN), named.is_not(None)
    )
    users = {(owner, baseline): job_id for owner, baseline, job_id in session.execute(open_jobs)}
    found = {session.scalar(_named(*each)): job_id for each, job_id in users.items()}
    return {baseline: job_id for baseline, job_id in found.items() if baseline is not None}


_NO_LABEL = "is a label of which no job has passed its gate: submit the first one without a baseline"
_NO_JOB = "must be one of your jobs that has pruned a model and succeeded"
_NAMES = ("$.exports[*].name", "$.zero_shot.scores[*].task", "$.domains.keyvalue().key")  # in a report


def _named(owner: str, named: str) -> Select[UUID]:
    name, equals, value = named.partition("=")
    jobs = select(Job.id).where(Job.owner == owner, Job.state == JobState.SUCCEEDED, Job.report.is_not(None))
    if not equals:
        return jobs.where(Job.id == UUID(named))
    labelled = JobLabel.owner == owner, JobLabel.name == name, JobLabel.value == value
    accepted = jobs.join(JobLabel, JobLabel.job_id == Job.id).where(
        *labelled, Job.gate_state == GateState.PASSED
    )
    return accepted.order_by(JobLabel.job_id.desc()).limit(1)


def _lacks(gate: Gate, exports: Sequence[str], tasks: Sequence[str], domains: Sequence[str]) -> str | None:
    if gate.export is not None and gate.export not in exports:
        return "has not exported the file that the gate is on"
    if not gate.max_score_drop.keys() <= set(tasks):
        return "has not measured every task of max_score_drop"
    if missing := [name for name in gate.compared_domains if name not in domains]:
        return f"has not measured the {'domains' if len(missing) > 1 else 'domain'} {', '.join(missing)}"
    return None

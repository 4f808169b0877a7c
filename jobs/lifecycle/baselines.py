"""The job that a gate compares with: one that it names, or the last accepted one with a label."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from jobs.spec.gate import Gate, GateState
from jobs.spec.job import JobSpec
from jobs.spec.verdict import Baseline
from jobs.states import JobState
from jobs.storage.owned_files import UnknownReference
from jobs.tables import Job, JobLabel

_FIELD = "gate.baseline"


def find(session: Session, owner: str, spec: JobSpec) -> Baseline | None:
    """Return the baseline of a job; None for a job without one.

    Raises UnknownReference where the owner has no such job, or it lacks what the gate compares.
    """
    gate = spec.gate
    if gate is None or gate.baseline is None:
        return None
    row = session.execute(_named(owner, gate.baseline)).one_or_none()
    if row is None:
        raise UnknownReference(_FIELD, gate.baseline, _NO_LABEL if "=" in gate.baseline else _NO_JOB)
    if reason := _lacks(gate, row.report):
        raise UnknownReference(_FIELD, gate.baseline, f"is job {row.id}, which {reason}")
    return Baseline(row.id, row.report)


def find_for_verdict(session: Session, owner: str, spec: JobSpec) -> Baseline | None:
    """Return the baseline, or None where there is none any more.

    Verdicts of an owner are serialised until the transaction ends: of two jobs that end at once, the second
    is compared with the first.
    """
    if spec.gate is None or spec.gate.baseline is None:
        return None
    lock = func.hashtextextended(f"baselines of {owner}", 0)
    session.execute(select(func.pg_advisory_xact_lock(lock)))
    try:
        return find(session, owner, spec)
    except UnknownReference:
        return None


_NO_LABEL = "is a label of which no job has passed its gate: submit the first one without a baseline"
_NO_JOB = "must be one of your jobs that has pruned a model and succeeded"


def _named(owner: str, named: str) -> Select[UUID, dict[str, Any]]:
    name, equals, value = named.partition("=")
    succeeded = Job.owner == owner, Job.state == JobState.SUCCEEDED, Job.report.is_not(None)
    jobs = select(Job.id, Job.report).where(*succeeded)
    if not equals:
        return jobs.where(Job.id == UUID(named))
    labelled = JobLabel.owner == owner, JobLabel.name == name, JobLabel.value == value
    accepted = jobs.join(JobLabel, JobLabel.job_id == Job.id).where(
        *labelled, Job.gate_state == GateState.PASSED
    )
    return accepted.order_by(Job.ended_at.desc()).limit(1)


def _lacks(gate: Gate, report: dict[str, Any]) -> str | None:
    if gate.of is not None and all(export["name"] != gate.of for export in report.get("exports", ())):
        return "has not exported the file that the gate is on"
    scores = (report.get("zero_shot") or {"scores": []})["scores"]
    if not gate.max_score_drop.keys() <= {score["task"] for score in scores}:
        return "has not measured every task of max_score_drop"
    domains = [name for name in gate.compared_domains if name not in report.get("domains", {})]
    if domains:
        return f"has not measured the {'domains' if len(domains) > 1 else 'domain'} {', '.join(domains)}"
    return None

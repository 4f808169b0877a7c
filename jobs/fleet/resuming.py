"""Where a job goes on: its finished blocks are used only on a device like the one that has computed them."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from jobs.placement.classes import Classes
from jobs.tables import JobBlock, Worker

_BLOCK_DEVICE = JobBlock.numerics_key["device"].astext
_WORKER_DEVICE = Worker.machine["device"].astext


def classes_to_resume_on(
    session: Session, job_ids: Collection[UUID], classes: Classes
) -> Mapping[UUID, Classes]:
    """Return for each job with finished blocks those classes that have a device like the latest block's."""
    latest = (
        select(JobBlock.job_id, _BLOCK_DEVICE.label("device"))
        .ext(distinct_on(JobBlock.job_id))
        .where(JobBlock.job_id.in_(job_ids), _BLOCK_DEVICE.is_not(None))
        .order_by(JobBlock.job_id, JobBlock.attempt.desc(), JobBlock.finished_at.desc())
    )
    devices = {row.job_id: row.device for row in session.execute(latest)} if job_ids else {}
    having = _classes_by_device(session, set(devices.values())) if devices else {}
    return {
        job_id: {name: classes[name] for name in having.get(device, ()) if name in classes}
        for job_id, device in devices.items()
    }


def _classes_by_device(session: Session, devices: Collection[str]) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    rows = session.execute(
        select(_WORKER_DEVICE.label("device"), Worker.queue).where(_WORKER_DEVICE.in_(devices))
    )
    for row in rows:  # other queues that a worker reads have workers of other classes too
        found[row.device].add(row.queue)
    return found

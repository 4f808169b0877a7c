"""What the live workers compute on, and how fast that is."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from jobs.tables import NOW, Worker
from pruning.estimate import ASSUMED, Machine


def measured(session: Session, worker: str, queue: str, machine: Machine) -> None:
    """A worker has measured its machine; it may not have been seen yet."""
    document = machine.model_dump()
    session.execute(
        insert(Worker)
        .values(name=worker, queue=queue, machine=document)
        .on_conflict_do_update(index_elements=[Worker.name], set_={"machine": document})
    )


def of_worker(session: Session, worker: str) -> Machine:
    """What a worker has measured, or the assumed machine."""
    found = session.scalar(select(Worker.machine).where(Worker.name == worker))
    return ASSUMED if found is None else Machine.model_validate(found)


def slowest_live(session: Session, seen_within: float) -> Machine:
    """Of the workers seen in the last so many seconds, the slowest: any of them may be given the next job.

    The assumed machine where none of them was measured.
    """
    found = session.scalars(
        select(Worker.machine).where(
            Worker.machine.is_not(None), Worker.seen_at > NOW - timedelta(seconds=seen_within)
        )
    )
    machines = [Machine.model_validate(machine) for machine in found]
    return min(machines, key=lambda machine: machine.rate("float32"), default=ASSUMED)

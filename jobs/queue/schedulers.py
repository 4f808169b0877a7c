"""The live schedulers, and since when the broker does not answer them."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, null, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from jobs.tables import NOW, SEARCH_NOW, Scheduler

_SENDING = 0x73656E64  # distinguishes this advisory lock from others


def try_send_lock(session: Session) -> bool:
    """Whether no other scheduler sends messages until this transaction ends.

    Two that did so at once would both count the same workers as idle.
    """
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(_SENDING))))


def record_scheduler_heartbeat(session: Session, name: str, *, reaches_broker: bool = True) -> None:
    """Record the heartbeat of a scheduler, and whether the broker answers it."""
    away = null() if reaches_broker else NOW
    since = null() if reaches_broker else func.coalesce(Scheduler.broker_away_since, NOW)
    session.execute(
        insert(Scheduler)
        .values(name=name, broker_away_since=away)
        .on_conflict_do_update(
            index_elements=[Scheduler.name], set_={"seen_at": NOW, "broker_away_since": since}
        )
    )


def delete_stale_schedulers(session: Session, unseen_for: float) -> None:
    """Remove schedulers without a heartbeat for `unseen_for` seconds."""
    session.execute(delete(Scheduler).where(Scheduler.seen_at < SEARCH_NOW - timedelta(seconds=unseen_for)))


def outage(session: Session, seen_within: float) -> tuple[bool, datetime | None]:
    """Return whether a scheduler is alive, and since when the broker answers none of those that are."""
    alive = Scheduler.seen_at > SEARCH_NOW - timedelta(seconds=seen_within)
    count, reaching, since = session.execute(
        select(
            func.count(),
            func.count().filter(Scheduler.broker_away_since.is_(None)),
            func.max(Scheduler.broker_away_since),
        ).where(alive)
    ).one()
    return count > 0, None if reaching else since

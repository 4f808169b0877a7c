"""Records figures of a transaction once it is committed: what is rolled back has not happened."""

from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from jobs.monitoring.figures import Figure, recorded

_PENDING = "figures"


def record_at_commit(session: Session, figure: Figure, value: float = 1.0, **labels: str) -> None:
    """Record a value when the session's transaction is committed."""
    if recorded():
        session.info.setdefault(_PENDING, []).append((figure, value, labels))


@event.listens_for(Session, "after_commit")
def _record(session: Session) -> None:
    for figure, value, labels in _taken(session):
        figure.record(value, **labels)


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    _taken(session)


def _taken(session: Session) -> list[Any]:
    pending: list[Any] = session.info.pop(_PENDING, [])
    return pending

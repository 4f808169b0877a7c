"""Whether the worker or the scheduler of this machine is alive, by its heartbeats in the database."""

from datetime import timedelta
from typing import Literal

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from jobs import names
from jobs.tables import SEARCH_NOW, Scheduler, Worker

Part = Literal["worker", "scheduler"]


def is_alive(session: Session, part: Part, host: str, seen_within: float) -> bool:
    """Return whether a process of this kind on `host` sent a heartbeat in the last `seen_within` seconds.

    A worker in quarantine counts as none.
    """
    table = Worker if part == "worker" else Scheduler
    found = select(table.name).where(_is_on_host(table, host), _is_recent(table, seen_within))
    if part == "worker":
        found = found.where(Worker.quarantined_at.is_(None))
    return session.scalar(found.limit(1)) is not None


def fault_of(session: Session, host: str, seen_within: float) -> str | None:
    """Return why a live worker on `host` is in quarantine; None if there is no such worker."""
    live = (_is_on_host(Worker, host), _is_recent(Worker, seen_within), Worker.quarantined_at.is_not(None))
    return session.scalar(select(func.coalesce(Worker.fault, "")).where(*live).limit(1))


def _is_on_host(table: type[Worker | Scheduler], host: str) -> ColumnElement[bool]:
    return table.name.regexp_match(names.pattern_of(host))


def _is_recent(table: type[Worker | Scheduler], seen_within: float) -> ColumnElement[bool]:
    return table.seen_at > SEARCH_NOW - timedelta(seconds=seen_within)

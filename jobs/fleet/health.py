"""Is the worker or the dispatcher of this machine alive? The database knows, by its heartbeats."""

from datetime import timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.tables import NOW, Dispatcher, Worker

Part = Literal["worker", "dispatcher"]


def is_alive(session: Session, part: Part, host: str, seen_within: float) -> bool:
    """Return whether a process of this kind on `host` sent a heartbeat in the last `seen_within` seconds.

    A worker in quarantine counts as none.
    """
    table = Worker if part == "worker" else Dispatcher
    here = table.name.regexp_match(f"^{_escaped(host)}-[0-9]+-[0-9a-f]+$")
    recent = table.seen_at > NOW - timedelta(seconds=seen_within)
    found = select(table.name).where(here, recent)
    if part == "worker":
        found = found.where(Worker.quarantined_at.is_(None))
    return session.scalar(found.limit(1)) is not None


def _escaped(host: str) -> str:
    return "".join(letter if letter.isalnum() else f"[{letter}]" for letter in host)

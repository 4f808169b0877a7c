"""Workers, schedulers and queues, and what owners may take of the workers and have used."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from jobs.tables.base import NOW, Base


class Worker(Base):
    """A live worker, by its heartbeat."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(primary_key=True)
    # The queue of the broker that it reads.
    queue: Mapped[str]
    # The queues whose jobs it may run, where the operator has named them; null for every job that fits.
    queues: Mapped[list[str] | None]
    # What it has for a job, once it has declared itself: a `jobs.queue.resources.Capacity`.
    capacity: Mapped[dict[str, Any] | None]
    started_at: Mapped[datetime] = mapped_column(server_default=NOW)
    seen_at: Mapped[datetime] = mapped_column(server_default=NOW)
    # Its device and speed, once measured: a `pruning.estimate.Machine`.
    machine: Mapped[dict[str, Any] | None]
    # By layer of the sandbox whether it holds on this machine, once that was tried.
    sandbox: Mapped[dict[str, Any] | None]
    # See `jobs.queue.conditions`.
    faults: Mapped[int] = mapped_column(server_default="0")
    quarantined_at: Mapped[datetime | None]
    fault: Mapped[str | None]
    # See `jobs.queue.conditions`. One that is drained is cordoned as well.
    cordoned_at: Mapped[datetime | None]
    draining: Mapped[bool] = mapped_column(server_default=text("false"))

    # Room in its pages, so that a heartbeat changes the row in place: no index has `seen_at`.
    __table_args__ = {"postgresql_with": {"fillfactor": 50}}  # noqa: RUF012 - SQLAlchemy reads it


class Queue(Base):
    """A queue that an operator has paused, or has paused once."""

    __tablename__ = "queues"

    name: Mapped[str] = mapped_column(primary_key=True)
    paused_at: Mapped[datetime | None]
    paused_by: Mapped[str | None]


class Scheduler(Base):
    """A live scheduler, by its heartbeat."""

    __tablename__ = "schedulers"

    name: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(server_default=NOW)
    # Since when the broker does not answer it; null while it does.
    broker_away_since: Mapped[datetime | None]


class OwnerShare(Base):
    """What an admin has granted to an owner. One without a row has weight 1 and no limit."""

    __tablename__ = "owner_shares"

    owner: Mapped[str] = mapped_column(primary_key=True)
    weight: Mapped[float] = mapped_column(server_default="1")
    # How many of its jobs may run at once, in all queues; null for any number.
    max_running: Mapped[int | None]

    __table_args__ = (
        CheckConstraint("weight > 0", name="weight"),
        CheckConstraint("max_running >= 0", name="max_running"),
    )


class RecentUse(Base):
    """Device seconds of an owner's ended attempts in a queue, which count half after each half-life.

    `seconds` is what they counted at `at`; see `jobs.lifecycle.usage`.
    """

    __tablename__ = "recent_use"

    owner: Mapped[str] = mapped_column(primary_key=True)
    queue: Mapped[str] = mapped_column(primary_key=True)
    seconds: Mapped[float]
    at: Mapped[datetime] = mapped_column(server_default=NOW)


class DailyUse(Base):
    """What an owner's attempts that ended on one day (UTC) have used."""

    __tablename__ = "daily_use"

    owner: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    queue: Mapped[str] = mapped_column(primary_key=True)
    gpu_seconds: Mapped[float] = mapped_column(server_default="0")
    cpu_seconds: Mapped[float] = mapped_column(server_default="0")

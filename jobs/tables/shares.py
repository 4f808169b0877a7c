"""What owners may take of the workers, and what they have taken."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from jobs.tables.base import NOW, Base


class OwnerShare(Base):
    """What an admin has granted to an owner. One without a row has weight 1 and no limit."""

    __tablename__ = "owner_shares"

    owner: Mapped[str] = mapped_column(primary_key=True)
    weight: Mapped[float] = mapped_column(server_default="1")
    # How many of its jobs may run at once, in all queues; null for any number.
    most_running: Mapped[int | None]
    # Whether its jobs of a priority above 0 may go ahead of other owners' turns.
    may_cross: Mapped[bool] = mapped_column(server_default=text("false"))

    __table_args__ = (
        CheckConstraint("weight > 0", name="weight"),
        CheckConstraint("most_running >= 0", name="most_running"),
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


class QueueTurn(Base):
    """Whether the last job that a class has claimed went ahead of other owners' turns."""

    __tablename__ = "queue_turns"

    queue: Mapped[str] = mapped_column(primary_key=True)
    crossed: Mapped[bool]

"""The lanes of gradients that several workers compute."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from jobs.tables.base import Base


class GradientLane(Base):
    """A lane of a job's calibration windows; see `jobs.lifecycle.lanes`."""

    __tablename__ = "gradient_lanes"

    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    lane: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    # Of the pass of the job's own worker: whoever takes a lane must compute it in the same way.
    numerics_key: Mapped[dict[str, Any]]

    # Who computes it, under which token, since when and until when; the job's own worker without an end.
    worker: Mapped[str | None]
    token: Mapped[UUID | None]
    taken_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]

    # When it was last offered to an idle worker; how many failed at lanes of the job, and which workers can
    # compute none of it, whatever the reason.
    offered_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(server_default="0")
    declined_by: Mapped[list[str]] = mapped_column(server_default="{}")

    # Its sums are durable; they are part of those of the first lanes.
    finished_at: Mapped[datetime | None]
    folded_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_gradient_lanes_open", "job_id", "lane", postgresql_where=text("finished_at IS NULL")),
        Index("ix_gradient_lanes_held_by", "worker", postgresql_where=text("worker IS NOT NULL")),
        # A heartbeat changes a row in place: no index has `expires_at`.
        {"postgresql_with": {"fillfactor": 50}},
    )

"""The statements that the simulated workers of `make load` send are those of the service."""

import math
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from bench.load.observe import percentile
from bench.load.simulated import recorded
from jobs.fleet import dispatch_queue
from jobs.lifecycle import lifecycle
from jobs.lifecycle.lifecycle import Claim
from jobs.tables import NOW, Lease, Worker

Database = sessionmaker[Session]


def test_a_recorded_statement_does_the_same_with_other_values(
    database: Database, database_url: str, submit: Callable[[], UUID]
) -> None:
    with database.begin() as session:
        claim = lifecycle.claim(session, submit(), "w", 60)
        assert claim is not None
        session.execute(update(Lease).values(expires_at=NOW + timedelta(seconds=5)))
    stand_in = Claim(uuid4(), 987_654, uuid4(), "", {})
    presence = recorded(database, lambda session: dispatch_queue.worker_seen(session, "the-worker", "prune"))
    beat = recorded(database, lambda session: lifecycle.extend_lease(session, stand_in, 60))
    own = {stand_in.job_id: claim.job_id, stand_in.lease_token: claim.lease_token}
    parameters = beat.with_values(own)
    parameters |= {name: claim.attempt for name, value in parameters.items() if value == stand_in.attempt}
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(presence.text, presence.with_values({"the-worker": "another"}))
        assert connection.execute(beat.text, parameters).fetchall() == [("running",)]
    with database.begin() as session:
        assert session.scalars(select(Worker.name)).all() == ["another"], "what was recorded is rolled back"
        assert session.scalar(select(Lease.expires_at > NOW + timedelta(seconds=30))) is True


@pytest.mark.parametrize(("percent", "value"), [(50, 50), (99, 99), (100, 100), (0.1, 1)])
def test_percentiles(percent: float, value: int) -> None:
    assert percentile([*range(100, 0, -1)], percent) == value
    assert math.isnan(percentile([], percent))

"""A job that a worker holds."""

import pytest
from sqlalchemy import update

from jobs.database import Database
from jobs.lifecycle import lifecycle
from jobs.lifecycle.events import StepFinished
from jobs.lifecycle.lifecycle import Claim
from jobs.states import JobState
from jobs.tables import Job
from pruning.recipe import Stage
from tests.claims import claimed
from tests.conftest import Submit
from tests.jobs.lifecycle.rows import STORED_ERROR


@pytest.fixture
def claim(database: Database, submit: Submit) -> Claim:
    """A job in the middle of its second attempt, with a loss behind it."""
    job_id = submit()
    with database.begin() as session:
        first = claimed(session, job_id, "w0")
        assert lifecycle.take_back(session, job_id, first.lease_token, "gone", 3) == JobState.QUEUED
    with database.begin() as session:
        session.execute(update(Job).values(blocked_on=job_id, error=STORED_ERROR))
        claim = claimed(session, job_id)
        step = StepFinished(
            attempt=2, stage=Stage.PRUNE, step=3, steps=9, seconds_left=8.5, memory_bytes=10**9
        )
        assert lifecycle.record(session, claim, step)
    return claim

"""Workers that are killed while they train what pruning has left."""

from uuid import UUID

import pytest
from sqlalchemy import func, select

from jobs.tables import JobBlock
from pruning.recipe import Stage
from tests.faults.conftest import Judge
from tests.stack import Stack

pytestmark = pytest.mark.nightly

_MOST_LOST_ATTEMPTS = 2
_TEXT = {"dataset": "builtin", "samples": 4, "sequence_length": 32}


def saved_states(stack: Stack, job_id: UUID) -> int:
    """Return how often the state of the training was saved."""
    with stack.database.begin() as session:
        rows = select(func.count()).where(JobBlock.job_id == job_id, JobBlock.key.like("%/step-%"))
        return session.scalars(rows).one()


def test_a_distillation_killed_more_often_than_a_job_may_be_lost_gets_on(stack: Stack, judge: Judge) -> None:
    stack.limit(MAX_LOST_ATTEMPTS=_MOST_LOST_ATTEMPTS)
    stack.start_scheduler()
    worker = stack.start("tests.faults.saving_worker")
    training = {"tokens": 16_384, "tokens_per_step": 32}
    job_id = stack.submit(stack.spec(method="wanda", calibration=_TEXT, recovery={"distil": training}))
    kills = _MOST_LOST_ATTEMPTS + 1
    for _ in range(kills):
        before = saved_states(stack, job_id)
        stack.wait_until(lambda before=before: saved_states(stack, job_id) > before + 2)
        assert stack.job(job_id).stage == Stage.RECOVER
        (child,) = stack.children(worker)
        child.kill()
    judge("kill -9 in stage recover", kills, [job_id])
    job = stack.job(job_id)
    assert (job.attempt, job.lost_attempts) == (1 + kills, 0)

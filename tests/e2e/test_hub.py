"""A job whose Hub refuses connections, with real processes."""

from pathlib import Path

import pytest
from sqlalchemy import update

from cli.embedded.process import free_port
from jobs.states import JobState
from jobs.tables import NOW, Job
from tests.stack import Stack
from tests.stand_in_hub import StandInHub

pytestmark = pytest.mark.nightly


@pytest.mark.parametrize("store_url", ["directory"], indirect=True)
def test_another_job_runs_while_the_hub_refuses_connections_and_the_first_runs_once_it_answers(
    stack: Stack, tmp_path: Path
) -> None:
    port = free_port()
    stack.start_scheduler()
    stack.start_worker(
        HF_HUB_OFFLINE="0", HF_ENDPOINT=f"http://127.0.0.1:{port}", HF_HOME=str(tmp_path / "huggingface")
    )
    waiting = stack.submit(stack.spec(model="maker/tiny"))
    job = stack.wait_for(waiting, lambda job: job.next_try_at is not None)
    assert "the Hub did not deliver maker/tiny" in str(job.waiting_for)
    other = stack.wait_for_end(stack.submit(stack.spec(method="magnitude")))
    assert other.state == JobState.SUCCEEDED, other.error
    assert stack.job(waiting).state in (JobState.QUEUED, JobState.RUNNING)  # it waits, or is tried again

    with StandInHub(stack.model, port).serving():
        with stack.database.begin() as session:
            session.execute(update(Job).where(Job.id == waiting).values(next_try_at=NOW))
        job = stack.wait_for_end(waiting)
    assert (job.state, job.lost_attempts) == (JobState.SUCCEEDED, 0), job.error
    assert job.attempt >= 2

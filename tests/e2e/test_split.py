"""A job whose gradients two workers of a service compute, to which the dispatcher offers its lanes.

That they have the bits of one worker's is shown by `tests.worker.split_gradients`.
"""

import pytest

from jobs.lifecycle.events import LogMessage
from jobs.states import JobState
from tests.stack import Stack


@pytest.mark.parametrize("store_url", ["s3"], indirect=True)
def test_an_idle_worker_is_sent_the_job_of_another_and_helps(stack: Stack) -> None:
    stack.environment["PRUNESERVE_SPLIT_GRADIENTS"] = "always"
    stack.start_dispatcher()
    stack.start_worker()
    stack.start_worker()
    job_id = stack.submit(stack.spec(samples=800, lanes=16))
    job = stack.wait_for_end(job_id)
    assert (job.state, job.attempt) == (JobState.SUCCEEDED, 1), job.error
    told = [event.data.message for event in stack.events(job_id) if isinstance(event.data, LogMessage)]
    assert any("helps with the gradients" in message for message in told)

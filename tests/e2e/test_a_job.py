"""A job from its row to its artifacts, through real processes."""

from pathlib import Path

from jobs.states import JobState

from .conftest import Stack


def test_a_job_is_run_and_its_model_can_be_loaded(stack: "Stack", store_url: str, tmp_path: Path) -> None:
    stack.start_dispatcher()
    stack.start_worker()
    job_id = stack.submit(stack.spec())
    job = stack.wait_for_end(job_id)
    print([(e.kind, e.data) for e in stack.events(job_id)], job.error, stack.logs())
    assert job.state == JobState.SUCCEEDED

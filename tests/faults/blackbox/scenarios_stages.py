"""A job whose process is killed in the middle of each stage."""

import pytest

from tests.faults.blackbox.processes import kill
from tests.faults.blackbox.recipes import FULL, STAGES
from tests.faults.blackbox.service import Job, Service
from tests.faults.blackbox.verdict import Judge

pytestmark = pytest.mark.slow

TRIES = 5


@pytest.mark.parametrize("stage", STAGES)
def test_a_kill_in_a_stage(service: Service, judge: Judge, stage: str) -> None:
    kill_in(service, judge, stage)


def kill_in(service: Service, judge: Judge, stage: str) -> None:
    """Submit jobs until one was killed in the stage: a short one may have ended before the signal arrives."""
    with judge.scenario(f"kill -9 of the child in {stage}") as scenario:
        scenario.most_attempts = 2
        for _ in range(TRIES):
            child = service.processes.child(service.processes.find("worker"))
            job = service.submit(FULL)
            scenario.jobs += [job]
            if service.wait_for_stage(job, stage):
                kill(child)
            service.wait_for_end(job)
            if _was_interrupted_in(service, job, stage):
                return
        pytest.fail(f"no job was in {stage} any more when its process was killed")


def _was_interrupted_in(service: Service, job: Job, stage: str) -> bool:
    """Whether the first attempt has begun the stage, has not finished it, and has begun no other."""
    events = [event["data"] for event in service.events(job)]
    first = [event for event in events if event.get("attempt") == 1]
    begun = [event for event in first if event["kind"] in ("stage_started", "stage_finished")]
    return bool(begun) and (begun[-1]["kind"], begun[-1]["stage"]) == ("stage_started", stage)

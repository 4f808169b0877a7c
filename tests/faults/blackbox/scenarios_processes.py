"""Each process is killed, and suspended, in the middle of a job."""

import time

import psutil
import pytest

from tests.faults.blackbox.processes import Processes, kill, suspended
from tests.faults.blackbox.recipes import FULL
from tests.faults.blackbox.service import Service
from tests.faults.blackbox.verdict import Judge

pytestmark = pytest.mark.slow

# How many attempts a job may take whose process of this kind is killed. Only its own worker's death ends one;
# without a database its worker goes on for as long as its lease lasts.
KILLS = {"API": 1, "scheduler": 1, "valkey": 1, "postgres": 2, "worker": 2, "worker's child": 2}
SUSPENDED_SECONDS = 3.0


@pytest.mark.parametrize("role", KILLS)
def test_kill(service: Service, judge: Judge, role: str) -> None:
    with judge.scenario(f"kill -9 of the {role}") as scenario:
        scenario.most_attempts = KILLS[role]
        job = service.submit(FULL)
        scenario.jobs += [job]
        assert service.wait_for_stage(job, "gradients")
        known = service.idle_workers()
        kill(process_of(service.processes, role))
        if role.startswith("worker"):
            service.wait_for_end(job)
            service.wait_for_idle_worker(known=known)


@pytest.mark.parametrize("role", KILLS)
def test_suspension(service: Service, judge: Judge, role: str) -> None:
    """Shorter than the lease: the attempt goes on."""
    with judge.scenario(f"SIGSTOP of the {role} for {SUSPENDED_SECONDS:g} s") as scenario:
        scenario.most_attempts = 1
        job = service.submit(FULL)
        scenario.jobs += [job]
        assert service.wait_for_stage(job, "gradients")
        with suspended(process_of(service.processes, role), descendants=role == "postgres"):
            time.sleep(SUSPENDED_SECONDS)


def process_of(processes: Processes, role: str) -> psutil.Process:
    """Return a process of `pruneserve up`, or the one in which its worker runs jobs."""
    worker, _, child = role.partition("'s ")
    return processes.child(processes.find(worker)) if child else processes.find(role)

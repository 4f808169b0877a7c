"""Two schedulers, a sick worker, one that is shut down, and one that outlives its lease."""

import shutil
import signal
from pathlib import Path

import pytest

from tests.faults.blackbox.processes import LEASE_SECONDS, kill, kill_tree, suspended, tree
from tests.faults.blackbox.recipes import FULL, SHORT
from tests.faults.blackbox.service import Service
from tests.faults.blackbox.verdict import Judge

pytestmark = pytest.mark.slow


def test_two_schedulers(service: Service, judge: Judge) -> None:
    with judge.scenario("two schedulers, one of them killed, 12 jobs") as scenario:
        another = service.processes.start_another("scheduler")
        owner = service.new_owner()
        with service.another_worker():
            scenario.jobs += [service.submit(SHORT, owner) for _ in range(12)]
            service.wait_for_end(scenario.jobs[4])
            kill(service.processes.find("scheduler"))
            for job in scenario.jobs:
                service.wait_for_end(job)
        kill_tree(another)


def test_a_sick_worker(service: Service, judge: Judge, tmp_path: Path) -> None:
    """Its scratch directory has become a file, as on a disk that is gone. It is quarantined, with no job."""
    with judge.scenario("one sick and one good worker, 20 jobs") as scenario:
        scratch = tmp_path / "scratch"
        owner = service.new_owner()
        with service.another_worker(PRUNESERVE_WORK_DIR=str(scratch)):
            shutil.rmtree(scratch)
            scratch.touch()
            scenario.jobs += [service.submit(SHORT, owner) for _ in range(20)]
            for job in scenario.jobs:
                service.wait_for_end(job)
            faults = [worker["fault"] for worker in service.workers() if worker["state"] == "quarantined"]
    assert len(faults) == 1
    assert "work directory" in faults[0]


def test_a_shutdown_of_a_worker_and_its_children(service: Service, judge: Judge) -> None:
    """As systemd does: each process gets SIGTERM. The job is handed back, which is no lost attempt."""
    with judge.scenario("SIGTERM of the worker and its children") as scenario:
        scenario.most_attempts = 2
        job = service.submit(FULL)
        scenario.jobs += [job]
        assert service.wait_for_stage(job, "gradients")
        for process in tree(service.processes.find("worker").pid):
            process.send_signal(signal.SIGTERM)
        shown = service.wait_for_end(job)
    assert [attempt["outcome"] for attempt in shown["attempts"]] == ["handed_back", "succeeded"]


def test_a_worker_that_outlives_its_lease(service: Service, judge: Judge) -> None:
    """It wakes up while another worker runs its job, and both go on."""
    with judge.scenario(f"SIGSTOP of a worker beyond its lease of {LEASE_SECONDS:g} s") as scenario:
        scenario.most_attempts = 2
        job = service.submit(FULL)
        scenario.jobs += [job]
        assert service.wait_for_stage(job, "gradients")
        with suspended(service.processes.find("worker"), descendants=True):
            other = service.processes.start_another("worker")
            service.wait_for(job, lambda shown: shown["attempt"] == 2 and shown["state"] == "running")
        scenario.jobs += [service.submit(SHORT)]
        for each in scenario.jobs:
            service.wait_for_end(each)
    kill_tree(other)

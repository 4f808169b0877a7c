"""Real workers, one of which loses its work directory: it is quarantined, no job is lost, and it recovers."""

import subprocess
import tempfile
from pathlib import Path
from uuid import UUID

import pytest

from jobs.database import Database
from jobs.queue import conditions
from jobs.states import JobState
from tests.conftest import Submit
from tests.eventually import eventually
from tests.limits import with_limits
from tests.small_disk import mounted
from tests.worker.supervision.conftest import Fleet, Start


@pytest.fixture
def start_in(start: Start) -> Start:
    """Starts a worker with this work directory, which tests itself again every half second."""
    often = with_limits(QUARANTINE_SECONDS=0.5, HEARTBEAT_SECONDS=0.2)
    return lambda work_dir: start("sick_worker", PRUNESERVE_WORK_DIR=str(work_dir), **often)


@pytest.mark.threat
def test_a_sick_worker_loses_no_job_and_takes_jobs_again_once_repaired(
    start_in: Start, fleet: Fleet, submit: Submit, tmp_path: Path
) -> None:
    disk = tmp_path / "sick"
    disk.write_text("a file where a directory should be")
    start_in(disk)
    first = submit()
    fleet.dispatch_until(lambda: [worker.quarantined_at is not None for worker in fleet.workers()] == [True])
    assert fleet.attempts() == 0, "it takes no job before it has passed its first self-test"
    disk.unlink()
    fleet.dispatch_until(lambda: fleet.states([first]) == [JobState.SUCCEEDED])

    disk.rmdir()
    disk.write_text("a file again")
    jobs = [submit() for _ in range(6)]
    fleet.dispatch_until(lambda: fleet.workers()[0].quarantined_at is not None)
    (sick,) = fleet.workers()
    assert "work directory" in (sick.fault or "")
    assert fleet.states(jobs) == [JobState.QUEUED] * 6
    start_in(tmp_path / "well")
    fleet.dispatch_until(lambda: fleet.states(jobs) == [JobState.SUCCEEDED] * 6)
    assert fleet.attempts() == 1 + 3 + 6, "the quarantined worker claimed none of them"

    disk.unlink()
    fleet.dispatch_until(lambda: all(worker.quarantined_at is None for worker in fleet.workers()))
    more: list[UUID] = []

    def claims_again() -> bool:
        more.append(submit())
        return sick.name in fleet.workers_of(more)

    fleet.dispatch_until(claims_again)
    fleet.dispatch_until(lambda: set(fleet.states(more)) == {JobState.SUCCEEDED})


def test_a_drained_worker_ends_in_order_on_a_read_only_disk(
    start_in: Start, fleet: Fleet, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRUNESERVE_METRICS_ADDRESS", "127.0.0.1:0")
    # Of a socket below it the path is limited to 107 bytes.
    with tempfile.TemporaryDirectory() as short, mounted(Path(short, "disk")) as disk:
        monkeypatch.setenv("TMPDIR", str(disk))
        (disk / "work").write_text("a file where a directory should be")
        worker = start_in(disk / "work")
        eventually(lambda: [it.quarantined_at is not None for it in fleet.workers()] == [True])
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with database.begin() as session:
            assert conditions.drain(session, fleet.workers()[0].name)
        assert worker.wait(120) == 0, (tmp_path / "0.log").read_text()

"""A lease is extended, and its loss is noticed: from the database's answer, or else by the clock."""

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime

import pytest

from jobs import limits
from jobs.clock import boot_time
from jobs.database import Database
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.lifecycle import Claim
from jobs.tables import Lease
from tests.eventually import eventually
from worker.attempt.heartbeat import Heartbeat
from worker.interrupts import CancelRequested, LeaseLost


def expires_at(database: Database, claim: Claim) -> datetime:
    with database.begin() as session:
        return session.get_one(Lease, claim.job_id).expires_at


def raises(expected: type[Exception], check: Callable[[], None]) -> bool:
    try:
        check()
    except expected:
        return True
    return False


@pytest.fixture
def heartbeat(database: Database, claim: Claim) -> Heartbeat:
    return Heartbeat(database, claim, boot_time())


def test_the_lease_is_extended_repeatedly(database: Database, claim: Claim, heartbeat: Heartbeat) -> None:
    with heartbeat:
        for _ in range(2):
            before = expires_at(database, claim)
            eventually(lambda before=before: expires_at(database, claim) > before)  # type: ignore[misc]
        heartbeat.check()


def test_after_its_end_the_lease_is_not_extended(
    database: Database, claim: Claim, heartbeat: Heartbeat
) -> None:
    with heartbeat:
        pass
    before = expires_at(database, claim)
    time.sleep(0.2)
    assert expires_at(database, claim) == before


def test_a_cancel_request_is_noticed(database: Database, claim: Claim, heartbeat: Heartbeat) -> None:
    with heartbeat:
        with database.begin() as session:
            owner_moves.cancel(session, claim.owner, claim.job_id)
        eventually(lambda: raises(CancelRequested, heartbeat.check))
        heartbeat.check_lease()


def test_a_job_that_was_taken_away_is_a_lost_lease(
    database: Database, claim: Claim, heartbeat: Heartbeat
) -> None:
    with heartbeat:
        with database.begin() as session:
            lifecycle.take_back(session, claim.job_id, claim.lease_token, "gone", 3)
        eventually(lambda: raises(LeaseLost, heartbeat.check))


def test_without_an_answer_from_the_database_the_lease_ends_by_the_clock(
    database: Database, claim: Claim
) -> None:
    suspended = Heartbeat(database, claim, boot_time() - limits.LEASE_SECONDS)
    with pytest.raises(LeaseLost):
        suspended.check()


def test_it_goes_on_after_its_connections_were_cut(
    database: Database, claim: Claim, heartbeat: Heartbeat, cut_connections: Callable[[], None]
) -> None:
    with heartbeat:
        for _ in range(3):
            cut_connections()
        before = expires_at(database, claim)
        eventually(lambda: expires_at(database, claim) > before)
        heartbeat.check()


def test_asking_gives_the_databases_answer_at_once(
    database: Database, claim: Claim, heartbeat: Heartbeat
) -> None:
    heartbeat.ask()
    with database.begin() as session:
        owner_moves.cancel(session, claim.owner, claim.job_id)
    heartbeat.check()
    with pytest.raises(CancelRequested):
        heartbeat.ask()


def test_a_lease_ends_while_the_machine_is_suspended() -> None:
    """As it seems to a process for which the clock since the boot, and no other one, is an hour further."""
    code = "import sys; from worker.attempt.heartbeat import Heartbeat as Of; "
    code += "Of(None, None, float(sys.argv[1])).check_lease()"
    now = str(time.clock_gettime(time.CLOCK_BOOTTIME))
    run = [sys.executable, "-c", code, now]
    assert subprocess.run(run, check=False).returncode == 0
    suspended = ["unshare", "--time", "--boottime", "3600", "--fork"]
    if subprocess.run([*suspended, "true"], check=False).returncode:
        pytest.skip("only root can make a namespace of clocks (CAP_SYS_ADMIN)")
    ended = subprocess.run([*suspended, *run], check=False, capture_output=True, text=True)
    assert "worker.interrupts.LeaseLost" in ended.stderr

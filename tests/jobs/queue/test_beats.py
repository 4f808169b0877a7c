"""Heartbeats change rows in place (PostgreSQL: HOT), and leases that are not extended are still found."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text, update

from jobs.database import Database
from jobs.lifecycle import lifecycle
from jobs.lifecycle.lifecycle import Claim
from jobs.queue import workers
from jobs.queue.held_jobs import expired_leases
from jobs.states import JobState
from jobs.tables import Lease
from tests.claims import wait_until_blocked
from tests.conftest import Submit

WORKERS = 40
BEATS = 50


@pytest.fixture
def claims(database: Database, submit: Submit) -> list[Claim]:
    found = []
    for number in range(WORKERS):
        job_id = submit()
        with database.begin() as session:
            found.append(lifecycle.claim(session, job_id, f"w{number}", 30))
    return [claim for claim in found if claim is not None]


def updates(database: Database, table: str) -> tuple[int, int]:
    """How many updates of a table there were, and how many of them in place."""
    with database.begin() as session:
        session.execute(text("SELECT pg_stat_clear_snapshot()"))
        counts = text("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = :table")
        row = session.execute(counts, {"table": table}).one()
        return row.n_tup_upd, row.n_tup_hot_upd


def test_more_than_nine_tenths_of_the_beats_change_a_row_in_place(
    database: Database, claims: list[Claim]
) -> None:
    for _ in range(BEATS):
        for number, claim in enumerate(claims):
            with database.begin() as session:
                assert lifecycle.extend_lease(session, claim, 30) == JobState.RUNNING
                workers.record_worker_heartbeat(session, f"w{number}", "cpu")
    with database.begin() as session:
        session.execute(text("SELECT pg_stat_force_next_flush()"))
    for table, beats in {"leases": WORKERS * BEATS, "workers": WORKERS * (BEATS - 1)}.items():
        changed, in_place = updates(database, table)
        assert changed == beats, table
        assert in_place > 0.9 * beats, table
    assert updates(database, "jobs")[0] == 2 * WORKERS, "to be sized and claimed"


def test_leases_that_are_not_extended_are_found_the_longest_expired_first(
    database: Database, claims: list[Claim]
) -> None:
    lost = claims[7].job_id, claims[3].job_id
    with database.begin() as session:
        for seconds, job_id in zip((20, 10), lost, strict=True):
            ago = text(f"now() - interval '{seconds} seconds'")
            session.execute(update(Lease).where(Lease.job_id == job_id).values(expires_at=ago))
    with database.begin() as session:
        assert [lease.job_id for lease in expired_leases(session, 100)] == [*lost]
        assert [lease.job_id for lease in expired_leases(session, 1)] == [lost[0]]


def test_a_lease_that_expires_while_a_beat_waits_is_not_extended(
    database: Database, claims: list[Claim]
) -> None:
    """The guard is evaluated again, by the clock of then, once the lock is there."""
    claim = claims[0]

    def beat() -> JobState | None:
        with database.begin() as session:
            return lifecycle.extend_lease(session, claim, 30)

    soon = text("clock_timestamp() + interval '1 second'")
    with database.begin() as session:
        session.execute(update(Lease).where(Lease.job_id == claim.job_id).values(expires_at=soon))
    with ThreadPoolExecutor(1) as pool:
        with database.begin() as session:
            # A lock alone would not do: PostgreSQL evaluates a guard again where the row was updated.
            session.execute(
                update(Lease).where(Lease.job_id == claim.job_id).values(expires_at=Lease.expires_at)
            )
            waiting = pool.submit(beat)
            wait_until_blocked(database)
            session.execute(text("SELECT pg_sleep(1)"))
        assert waiting.result(30) is None

"""What counts as progress of a job: a block that is finished for the first time, under these numbers."""

from typing import Any

import pytest
from sqlalchemy import update

from jobs.database import Database
from jobs.lifecycle import attempt_files, lifecycle
from jobs.lifecycle.lifecycle import Claim
from jobs.storage.store import StoredFile
from jobs.tables import Job
from tests.claims import take
from tests.conftest import Submit
from tests.jobs.lifecycle.rows import ARTIFACT, REPORT, row_of

AWAY = {"hub": {"since": "2026-01-01T00:00:00+00:00", "tries": 3}}

SHARD = StoredFile("a/key", 3, "ab" * 32)


@pytest.mark.parametrize(
    ("before", "after", "is_progress"),
    [
        (None, {"numerics": 2}, True),
        ({"numerics": 2}, {"numerics": 3}, True),
        ({"numerics": 2}, {"numerics": 2}, False),
        ({"device": "cpu", "numerics": 2}, {"device": "cuda", "numerics": 2}, False),
    ],
    ids=[
        "the first time",
        "after an upgrade",
        "again",
        "by an unlike worker",
    ],
)
def test_a_block_under_new_numerics_is_progress_and_a_repeated_one_is_not(
    database: Database, claim: Claim, before: dict[str, Any] | None, after: dict[str, Any], is_progress: bool
) -> None:
    if before is not None:
        keep(database, claim, before)
    with database.begin() as session:
        session.execute(update(Job).values(lost_attempts=2, outage=AWAY))
    keep(database, claim, after)
    row = row_of(database, claim.job_id)
    assert (row["lost_attempts"], row["unreachable_tries"]) == ((0, 0) if is_progress else (2, 3))
    with database.begin() as session:
        (block,) = attempt_files.finished_blocks(session, claim.job_id)
        assert block.numerics_key == after


def keep(database: Database, claim: Claim, numerics_key: dict[str, Any]) -> None:
    with database.begin() as session:
        assert attempt_files.record_block(session, claim, "prune", 0, SHARD, numerics_key)


def test_blocks_are_forgotten_with_the_success_of_their_job_alone(
    database: Database, submit: Submit, claim: Claim
) -> None:
    other = take(database, submit())
    for each in (claim, other):
        keep(database, each, {"numerics": 1})
    with database.begin() as session:
        assert lifecycle.succeed(session, claim, REPORT, [ARTIFACT])
        assert attempt_files.finished_blocks(session, claim.job_id) == []
        assert len(attempt_files.finished_blocks(session, other.job_id)) == 1

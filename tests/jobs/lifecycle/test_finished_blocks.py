"""What counts as progress of a job: a block that is finished for the first time, under these numbers."""

from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from jobs.lifecycle import finished_blocks
from jobs.lifecycle.lifecycle import Claim
from jobs.storage.store import StoredFile
from jobs.tables import Job
from tests.jobs.lifecycle.rows import row_of

Database = sessionmaker[Session]

SHARD = StoredFile("a/key", 3, "ab" * 32)


@pytest.mark.parametrize(
    ("before", "after", "is_progress"),
    [
        (None, {"numerics": 2}, True),
        ({"numerics": 2}, {"numerics": 3}, True),
        ({"device": "cpu"}, {"device": "cpu", "numerics": 1}, True),
        ({"numerics": 2}, {"numerics": 2}, False),
        ({"numerics": 3}, {"numerics": 2}, False),
        ({"device": "cpu", "numerics": 2}, {"device": "cuda", "numerics": 2}, False),
    ],
    ids=[
        "the first time",
        "after a release",
        "after a release that is the first to say so",
        "again",
        "by a worker of the release before",
        "by an unlike worker",
    ],
)
def test_a_block_that_a_release_has_made_another_is_progress_and_one_that_is_lost_again_is_not(
    database: Database,
    claim: Claim,
    before: dict[str, Any] | None,
    after: dict[str, Any],
    is_progress: bool,
) -> None:
    if before is not None:
        keep(database, claim, before)
    with database.begin() as session:
        session.execute(update(Job).values(lost_attempts=2, unreachable_tries=3))
    keep(database, claim, after)
    row = row_of(database, claim.job_id)
    assert (row["lost_attempts"], row["unreachable_tries"]) == ((0, 0) if is_progress else (2, 3))
    with database.begin() as session:
        (block,) = finished_blocks.finished(session, claim.job_id)
        assert finished_blocks.is_under(block, after)


def test_a_job_between_two_releases_comes_to_an_end(database: Database, claim: Claim) -> None:
    """Each computes the block of the other again, and loses its worker."""
    keep(database, claim, {"device": "cpu", "numerics": 2})
    for losses, numerics in enumerate([3, 2, 3, 2, 2, 3]):
        with database.begin() as session:
            session.execute(update(Job).values(lost_attempts=Job.lost_attempts + 1))
        keep(database, claim, {"device": "cpu", "numerics": numerics})
        assert row_of(database, claim.job_id)["lost_attempts"] == losses  # the first time, 3 was new
        with database.begin() as session:
            (block,) = finished_blocks.finished(session, claim.job_id)
        found = [
            each for each in (2, 3) if finished_blocks.is_under(block, {"device": "cpu", "numerics": each})
        ]
        assert found == [numerics]
    keep(database, claim, {"device": "cpu", "numerics": 4})
    assert row_of(database, claim.job_id)["lost_attempts"] == 0


def keep(database: Database, claim: Claim, numerics_key: dict[str, Any]) -> None:
    with database.begin() as session:
        assert finished_blocks.keep(session, claim, "prune", 0, SHARD, numerics_key)

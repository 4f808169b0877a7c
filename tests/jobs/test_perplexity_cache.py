"""Measurements of dense models: found as they were published, and dropped when unused."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from jobs import caches
from jobs.database import Database
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.attempt_files import named_keys
from jobs.lifecycle.lifecycle import Claim
from jobs.spec.job import JobSpec
from jobs.tables import NOW, CachedPerplexity, Job, JobBlock
from tests.claims import claimed

SPEC = JobSpec.model_validate({"recipe": {"model": "org/name", "method": "gblm", "sparsity": 0.5}})
LIMIT = 1000


@pytest.fixture
def claim(database: Database) -> Claim:
    with database.begin() as session:
        return claimed(session, owner_moves.create(session, "ada", SPEC).id, "worker", 300)


def stored(session: Session, claim: Claim, block: int, sha256: str, size: int) -> str:
    """Record a finished block of the evaluation, and return its key."""
    key = f"jobs/{claim.job_id}/attempts/1/blocks/evaluate/{block}"
    row = {"job_id": claim.job_id, "stage": "evaluate", "block": block, "attempt": 1, "key": key}
    session.execute(insert(JobBlock).values(**row, sha256=sha256, size=size, numerics_key={}))
    return key


def names(session: Session) -> set[str]:
    return set(session.scalars(select(CachedPerplexity.fingerprint)))


def orphaned(session: Session, job_id: UUID) -> bool:
    return session.scalars(select(Job.orphaned_files_since).where(Job.id == job_id)).one() is not None


def test_the_first_measurement_stays_bit_for_bit(database: Database, claim: Claim) -> None:
    values = {"a": [14.370000000000001, 1e-300], "b": [1e300], "c": [2 / 3], "d": []}
    with database.begin() as session:
        key = stored(session, claim, 2, "5a", 300)
    for offset in (0.0, 1.0):
        with database.begin() as session:
            for name, value in values.items():
                states = "5a" if name == "a" and not offset else None
                losses = [loss + offset for loss in value]
                caches.publish_perplexity(session, claim, name, losses, states, most_bytes=LIMIT)
    with database.begin() as session:
        found = {name: caches.find_perplexity(session, name) for name in values}
        assert {name: row and row.losses for name, row in found.items()} == values
        files = {name: row and (row.key, row.size, row.sha256) for name, row in found.items()}
        assert files == {**dict.fromkeys("bcd", (None, None, None)), "a": (key, 300, "5a")}
        assert caches.find_perplexity(session, "e") is None


def test_a_lost_job_and_a_large_or_missing_file_are_not_cached(database: Database, claim: Claim) -> None:
    with database.begin() as session:
        stored(session, claim, 2, "5a", 300)
        for states, limit in (("5a", 299), ("5b", 300)):
            caches.publish_perplexity(session, claim, "a", [1.0], states, most_bytes=limit)
        assert lifecycle.hand_back(session, claim, "for the test")
        caches.publish_perplexity(session, claim, "a", [1.0], "5a", most_bytes=300)
        assert names(session) == set()


def test_a_measurement_in_use_is_not_deleted(database: Database, claim: Claim) -> None:
    with database.begin() as session:
        for name in ("used", "unused", "new"):
            caches.publish_perplexity(session, claim, name, [10.0], None, most_bytes=LIMIT)
        old = update(CachedPerplexity).where(CachedPerplexity.fingerprint != "new")
        session.execute(old.values(used_at=NOW - timedelta(days=31)))
    with database.begin() as session:
        found = caches.find_perplexity(session, "used")
        assert found is not None
        assert found.losses == [10.0]
        assert caches.evict_unused(session, CachedPerplexity, 30, 10) == 1
        assert names(session) == {"used", "new"}


def test_the_least_recently_used_files_go_while_all_exceed_the_limit(
    database: Database, claim: Claim
) -> None:
    with database.begin() as session:
        keys = []
        for number, name in enumerate(("oldest", "older", "new")):
            keys.append(stored(session, claim, 2 + number, name, 400))
            caches.publish_perplexity(session, claim, name, [10.0], name, most_bytes=LIMIT)
        caches.publish_perplexity(session, claim, "no file", [10.0], None, most_bytes=LIMIT)
        for days, name in ((3, "oldest"), (2, "older"), (9, "no file")):
            used = {"used_at": NOW - timedelta(days=days)}
            session.execute(
                update(CachedPerplexity).where(CachedPerplexity.fingerprint == name).values(**used)
            )
    with database.begin() as session:
        session.query(JobBlock).delete()  # as retention does after a success
        session.execute(update(Job).values(orphaned_files_since=None))
        assert named_keys(session, claim.job_id) == set(keys)
        assert caches.limit_perplexities(session, 1200, 10) == 0
        assert caches.limit_perplexities(session, 1199, 10) == 1
        assert names(session) == {"older", "new", "no file"}
        assert named_keys(session, claim.job_id) == set(keys[1:])
        assert orphaned(session, claim.job_id)


def test_a_damaged_measurement_is_dropped_with_its_file(database: Database, claim: Claim) -> None:
    with database.begin() as session:
        stored(session, claim, 2, "5a", 400)
        caches.publish_perplexity(session, claim, "a", [10.0], "5a", most_bytes=LIMIT)
        session.query(JobBlock).delete()
        caches.discard(session, CachedPerplexity, "a")
        assert (names(session), named_keys(session, claim.job_id)) == (set(), set())
        assert orphaned(session, claim.job_id)

"""Perplexities of dense models: found as they were offered, and dropped when nobody uses them."""

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from jobs.caches import perplexities
from jobs.tables import NOW, CachedPerplexity

Database = sessionmaker[Session]


def test_the_first_perplexity_stays_bit_for_bit(database: Database) -> None:
    values = {"a": 14.370000000000001, "b": 1e300, "c": 2 / 3, "d": 17.0}
    for offset in (0.0, 1.0):
        with database.begin() as session:
            for name, value in values.items():
                perplexities.offer(session, name, value + offset)
    with database.begin() as session:
        assert {name: perplexities.find(session, name) for name in values} == values
        assert perplexities.find(session, "e") is None


def test_a_perplexity_in_use_is_not_deleted(database: Database) -> None:
    with database.begin() as session:
        for name in ("used", "unused", "new"):
            perplexities.offer(session, name, 10.0)
        old = update(CachedPerplexity).where(CachedPerplexity.fingerprint != "new")
        session.execute(old.values(used_at=NOW - timedelta(days=31)))
    with database.begin() as session:
        assert perplexities.find(session, "used") == 10.0
        assert perplexities.forget(session, 30, 10) == 1
        assert set(session.scalars(select(CachedPerplexity.fingerprint))) == {"used", "new"}

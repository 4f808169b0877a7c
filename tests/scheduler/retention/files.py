"""Files in the store, and the rows that name them."""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import func, insert, select, text

from jobs.database import Database
from jobs.lifecycle.lifecycle import Claim
from jobs.storage.store import Store
from jobs.tables import (
    Artifact,
    DeletedJob,
    IdempotencyKey,
    JobBlock,
    SentFile,
)
from tests import claims

LONG_AGO = text("clock_timestamp() - interval '100 days'")


REPORT = {"perplexity": {"dense": 10.0, "pruned": 12.5}, "sparsity": {"overall": 0.5}}


Put = Callable[[UUID, int, str], str]


def take(database: Database, job_id: UUID) -> Claim:
    return claims.take(database, job_id, "w1", 3000)


def keep_block(database: Database, claim: Claim, block: int, key: str) -> None:
    with database.begin() as session:
        row = {"job_id": claim.job_id, "stage": "prune", "block": block, "attempt": claim.attempt, "key": key}
        session.execute(insert(JobBlock).values(**row, sha256="00" * 32, size=5, numerics_key={}))


def stored(store: Store) -> set[str]:
    return {found.key for found in store.list("jobs")}


Counted = JobBlock | Artifact | DeletedJob | IdempotencyKey | SentFile


def rows(database: Database, table: type[Counted]) -> int:
    with database.begin() as session:
        return session.scalars(select(func.count()).select_from(table)).one()

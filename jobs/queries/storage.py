"""What owners have in the store: every file that a row names, once, by what it is.

Several rows may name one file. A norm that a running job has published for others is a finished block of that
job as well, until it ends. Files that no row names any more do not count: the scheduler deletes them.
"""

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Row,
    String,
    case,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from jobs.storage import gradient_files
from jobs.tables import (
    Artifact,
    CachedGradients,
    CachedPerplexity,
    GradientShard,
    Job,
    JobBlock,
    SentFile,
    Upload,
)
from pruning.recipe import GRADIENTS_ONLY


class Kind(StrEnum):
    """What a file is. A file that is two things at once is the first of them."""

    ARTIFACTS = "artifacts"
    NORMS = "norms"
    CACHES = "caches"
    FINISHED_BLOCKS = "finished_blocks"
    UPLOADS = "uploads"


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes in the store, by what they are. `norms` are those that an owner keeps, `uploads` texts."""

    artifacts: int = 0
    norms: int = 0
    caches: int = 0
    finished_blocks: int = 0
    uploads: int = 0

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """Build it from the sums of a row."""
        return cls(**{field.name: int(getattr(row, field.name) or 0) for field in fields(cls)})

    @property
    def total(self) -> int:
        """All of them."""
        return self.artifacts + self.norms + self.caches + self.finished_blocks + self.uploads


def stored_by(session: Session, owner: str) -> Stored:
    """Return what is stored of an owner. What is in a cache belongs to the owner whose job has made it."""
    files = _once(_files(owner))
    return Stored.of(session.execute(select(*_sums(files))).one())


def _files(owner: str) -> CompoundSelect[Any]:
    """Return every name of an owner's files by a row: kind, key and size."""
    of_a_result = case((Job.method == GRADIENTS_ONLY, Kind.NORMS), else_=Kind.ARTIFACTS)
    of_an_upload = case((Upload.format == gradient_files.FORMAT, Kind.NORMS), else_=Kind.UPLOADS)
    results = select(*_file(of_a_result, Artifact)).join(Job, Job.id == Artifact.job_id)
    norms = (
        select(*_file(literal(Kind.CACHES), GradientShard))
        .join(CachedGradients, CachedGradients.fingerprint == GradientShard.fingerprint)
        .join(Job, Job.id == CachedGradients.job_id)
        .where(CachedGradients.ready_at.is_not(None))
    )
    states = (
        select(*_file(literal(Kind.CACHES), CachedPerplexity))
        .join(Job, Job.id == CachedPerplexity.job_id)
        .where(CachedPerplexity.key.is_not(None))
    )
    blocks = select(*_file(literal(Kind.FINISHED_BLOCKS), JobBlock)).join(Job, Job.id == JobBlock.job_id)
    sent = select(*_file(literal(Kind.FINISHED_BLOCKS), SentFile)).join(Job, Job.id == SentFile.job_id)
    uploads = select(of_an_upload.cast(String).label("kind"), Upload.key, Upload.size).where(
        Upload.owner == owner
    )
    of_jobs = (results, norms, states, blocks, sent)
    return union_all(*(each.where(Job.owner == owner) for each in of_jobs), uploads)


def _file(kind: ColumnElement[str], table: Any) -> tuple[Any, ...]:  # noqa: ANN401 - of whatever names files
    return (
        kind.cast(String).label("kind"),
        table.key.label("key"),
        _stored_size(table).label("size"),
    )


def _stored_size(table: Any) -> ColumnElement[int]:  # noqa: ANN401 - as above
    size: ColumnElement[int] = table.size
    return func.coalesce(table.stored_size, size) if table in (Artifact, SentFile) else size


def _once(files: CompoundSelect[Any]) -> Any:  # noqa: ANN401 - a subquery, whose columns are known by name
    """Return each file once: by the first of the kinds that it is."""
    named = files.subquery()
    rank = case({kind.value: number for number, kind in enumerate(Kind)}, value=named.c.kind)
    return select(named).ext(distinct_on(named.c.key)).order_by(named.c.key, rank).subquery()


def _sums(files: Any) -> list[ColumnElement[Any]]:  # noqa: ANN401 - a subquery as well
    return [func.sum(files.c.size).filter(files.c.kind == kind.value).label(kind.value) for kind in Kind]

"""Files in the store that rows name: how many bytes each owner has, and whether the store has them all.

The second is for a backup that was restored. Several rows may name one file: a norm that a running job has
published for others is a finished block of that job as well, until it ends. Files that no row names do not
count: the scheduler deletes them.
"""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import partial
from typing import Any, Self

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Row,
    Select,
    String,
    case,
    func,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from jobs.storage import gradient_files
from jobs.storage.errors import NotStored, StoreRefused
from jobs.storage.store import Store, StoredFile
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
from pruning.recipe import NORMS_ONLY

_CONCURRENCY = 8


class FileKind(StrEnum):
    """What a file is. A file that is two things at once is the first of them."""

    ARTIFACTS = "artifacts"
    NORMS = "norms"
    CACHES = "caches"
    FINISHED_BLOCKS = "finished_blocks"
    UPLOADS = "uploads"


@dataclass(frozen=True, slots=True)
class StoredBytes:
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


def stored_by(session: Session, owner: str) -> StoredBytes:
    """Return what is stored of an owner. What is in a cache belongs to the owner whose job has made it."""
    return StoredBytes.of(session.execute(select(*_sums(_files(owner).subquery()))).one())


def _files(owner: str) -> CompoundSelect[Any]:
    """Return an owner's files: kind, key and size. One row alone names that of a result or an upload."""
    of_a_result = case((Job.method == NORMS_ONLY, FileKind.NORMS), else_=FileKind.ARTIFACTS)
    of_an_upload = case((Upload.format == gradient_files.FORMAT, FileKind.NORMS), else_=FileKind.UPLOADS)
    results = select(*_file(of_a_result, Artifact)).join(Job, Job.id == Artifact.job_id)
    norms = (
        select(*_file(literal(FileKind.CACHES), GradientShard))
        .join(CachedGradients, CachedGradients.fingerprint == GradientShard.fingerprint)
        .join(Job, Job.id == CachedGradients.job_id)
        .where(CachedGradients.ready_at.is_not(None))
    )
    states = (
        select(*_file(literal(FileKind.CACHES), CachedPerplexity))
        .join(Job, Job.id == CachedPerplexity.job_id)
        .where(CachedPerplexity.key.is_not(None))
    )
    blocks = select(*_file(literal(FileKind.FINISHED_BLOCKS), JobBlock)).join(Job, Job.id == JobBlock.job_id)
    sent = select(*_file(literal(FileKind.FINISHED_BLOCKS), SentFile)).join(Job, Job.id == SentFile.job_id)
    uploads = select(of_an_upload.cast(String).label("kind"), Upload.key, Upload.size).where(
        Upload.owner == owner
    )
    shared = union_all(*(each.where(Job.owner == owner) for each in (norms, states, blocks, sent)))
    return union_all(results.where(Job.owner == owner), _deduplicated(shared), uploads)


def _file(kind: ColumnElement[str], table: Any) -> tuple[Any, ...]:  # noqa: ANN401 - of whatever names files
    return (
        kind.cast(String).label("kind"),
        table.key.label("key"),
        _stored_size(table).label("size"),
    )


def _stored_size(table: Any) -> ColumnElement[int]:  # noqa: ANN401 - as above
    size: ColumnElement[int] = table.size
    return func.coalesce(table.stored_size, size) if table in (Artifact, SentFile) else size


def _deduplicated(files: CompoundSelect[Any]) -> Select[Any]:
    """Return each file once: by the first of the kinds that it is."""
    named = files.subquery()
    rank = case({kind.value: number for number, kind in enumerate(FileKind)}, value=named.c.kind)
    once = select(named).ext(distinct_on(named.c.key)).order_by(named.c.key, rank)
    return select(once.subquery())


def _sums(files: Any) -> list[ColumnElement[Any]]:  # noqa: ANN401 - a subquery as well
    return [func.sum(files.c.size).filter(files.c.kind == kind.value).label(kind.value) for kind in FileKind]


@dataclass(frozen=True, slots=True)
class FileFault:
    """A file that is not what its row says."""

    key: str
    message: str


def named_files(session: Session) -> Sequence[StoredFile]:
    """Return every file that a row names, by key: results, uploads, finished blocks, and what is cached."""
    plain = (
        select(table.key, table.size, table.sha256, null().cast(BigInteger).label("stored_size")).where(
            table.key.is_not(None)
        )
        for table in (JobBlock, GradientShard, CachedPerplexity, Upload)
    )
    results = (
        select(table.key, table.size, table.sha256, table.stored_size) for table in (Artifact, SentFile)
    )
    named: CompoundSelect[Any] = union_all(*results, *plain)
    files = {row.key: StoredFile(*row) for row in session.execute(named)}
    return sorted(files.values(), key=lambda file: file.key)


def file_faults(
    store: Store, files: Sequence[StoredFile], *, sizes_only: bool = False
) -> Iterator[FileFault]:
    """Look at each file in the store, several at once, and yield what is wrong, in their order.

    `sizes_only`: do not read them. Raises `StoreUnreachable`.
    """
    with ThreadPoolExecutor(_CONCURRENCY) as pool:
        messages = pool.map(partial(_fault, store, sizes_only=sizes_only), files)
        for file, message in zip(files, messages, strict=True):
            if message is not None:
                yield FileFault(file.key, message)


def _fault(store: Store, file: StoredFile, *, sizes_only: bool) -> str | None:
    expected = file.size if file.stored_size is None else file.stored_size
    found = store.head(file.key)
    if found is None:
        return "is missing"
    if found.size != expected:
        return f"has {found.size} bytes in place of {expected}"
    if sizes_only:
        return None
    try:
        digest = _digest(store, file)
    except NotStored:
        return "is missing"
    except StoreRefused as error:
        return f"cannot be read: {error}"
    return None if digest == file.sha256 else f"has the SHA-256 {digest} in place of {file.sha256}"


def _digest(store: Store, file: StoredFile) -> str:
    is_plain = file.stored_size is None
    pieces = store.stream(file.key) if is_plain else store.stream_plain(file.key, file.size)
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()

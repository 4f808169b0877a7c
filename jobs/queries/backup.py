"""Whether the store has every file that a row names, as it was written: for a backup that was restored."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import BigInteger, CompoundSelect, null, select, union_all
from sqlalchemy.orm import Session

from jobs.storage.errors import NotStored, StoreRefused
from jobs.storage.store import Store
from jobs.tables import Artifact, CachedPerplexity, GradientShard, JobBlock, SentFile, Upload

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file as a row names it. Size and checksum are of the plain bytes."""

    key: str
    size: int
    sha256: str
    stored_size: int | None
    """Bytes in the store, of a file that is kept compressed."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A file that is not what its row says."""

    key: str
    message: str


def named_files(session: Session) -> Sequence[NamedFile]:
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
    files = {row.key: NamedFile(*row) for row in session.execute(named)}
    return sorted(files.values(), key=lambda file: file.key)


def faults(store: Store, files: Sequence[NamedFile], *, sizes_only: bool = False) -> Iterator[Fault]:
    """Look at each file in the store, several at once, and yield what is wrong, in their order.

    `sizes_only`: do not read them. Raises `StoreUnreachable`.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        messages = pool.map(partial(_fault, store, sizes_only=sizes_only), files)
        for file, message in zip(files, messages, strict=True):
            if message is not None:
                yield Fault(file.key, message)


def _fault(store: Store, file: NamedFile, *, sizes_only: bool) -> str | None:
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


def _digest(store: Store, file: NamedFile) -> str:
    is_plain = file.stored_size is None
    pieces = store.stream(file.key) if is_plain else store.stream_plain(file.key, file.size)
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()

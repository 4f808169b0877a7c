"""Files that owners upload: texts for calibration and evaluation, and gradient norms.

A request names an upload by its id, and a stored job by its content: `sha256:<digest>.<ending>`. So the
fingerprint of a recipe identifies the text itself, and equal texts give equal recipes for all owners.

A file is announced by a row before it is written, so that it is found and deleted if its request dies.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from jobs.spec.job import JobSpec
from jobs.storage import gradient_files
from jobs.storage.owned_files import (
    QuotaExceeded,
    UnknownReference,
    content_reference,
    lock,
    refuse_in_use,
)
from jobs.storage.store import StoredFile
from jobs.tables import NOW, SEARCH_NOW, Artifact, StrayUpload, Upload, page
from pruning.recipe import content_name, is_local, is_upload

TEXT = "txt"

ABANDONED_AFTER = timedelta(days=1)
"""Age at which an incomplete upload is abandoned."""


class UploadExpired(Exception):
    """The file was not announced, or so long ago that it may have been deleted."""


def announce(session: Session, owner: str, key: str, *, size: int, quota: int) -> int:
    """Announce that at most `size` bytes will be written under `key`, and take them from the owner's quota.

    Returns how many there may be: fewer than `size` if the uploads of the owner, with those that are being
    sent, leave less. Raises `QuotaExceeded` if they leave nothing.
    """
    lock(session, owner)
    room = quota - gradient_files.used_bytes(session, owner) - _bytes_in_flight(session, owner)
    if room <= 0:
        raise QuotaExceeded
    session.add(StrayUpload(key=key, owner=owner, size=min(size, room)))
    return min(size, room)


def abandon_upload(session: Session, key: str) -> None:
    """Give back what an announced file takes from its owner's quota, and mark the file for deletion."""
    session.execute(update(StrayUpload).where(StrayUpload.key == key).values(owner=None, size=None))


def new_key(ending: str) -> str:
    """Return where to write a file."""
    return f"uploads/{uuid4()}.{ending}"


def _bytes_in_flight(session: Session, owner: str) -> int:
    """Return the bytes that files of an owner may have which are being sent."""
    in_flight = StrayUpload.owner == owner, StrayUpload.since > SEARCH_NOW - ABANDONED_AFTER
    return int(session.scalar(select(func.coalesce(func.sum(StrayUpload.size), 0)).where(*in_flight)) or 0)


def add(
    session: Session, owner: str, name: str, ending: str, stored: StoredFile, quota: int
) -> tuple[Upload, bool]:
    """Return the upload with the content of `stored`, and whether this call created it.

    An owner has each text once. The file must have been announced; if it does not become the upload, it will
    be deleted. Raises `UploadExpired` and `QuotaExceeded`.
    """
    lock(session, owner)
    known = session.scalar(select(Upload).where(*_has_content(owner, stored.sha256, ending)))
    if known is not None:
        return known, False
    if gradient_files.used_bytes(session, owner) + stored.size > quota:
        raise QuotaExceeded
    announced = delete(StrayUpload).where(StrayUpload.key == stored.key, StrayUpload.owner.is_not(None))
    if session.scalar(announced.returning(StrayUpload.key)) is None:
        raise UploadExpired
    upload = Upload(
        owner=owner, name=name, format=ending, size=stored.size, sha256=stored.sha256, key=stored.key
    )
    session.add(upload)
    session.flush()
    session.refresh(upload)
    return upload, True


def newest(session: Session, owner: str, *, before: UUID | None, limit: int) -> Sequence[Upload]:
    """Return a page of an owner's uploads, newest first."""
    of_owner = select(Upload).where(Upload.owner == owner)
    return session.scalars(page(of_owner, Upload.id, before, limit)).all()


def remove(session: Session, owner: str, upload_id: UUID) -> Upload | None:
    """Delete the row of an upload and mark its file for deletion. Returns None if there is no such upload.

    Raises `InUse` while a job that has not ended names the content. A job that is being submitted holds a
    lock on the row, so this call waits for it and sees it.
    """
    upload = session.scalar(
        select(Upload).where(Upload.id == upload_id, Upload.owner == owner).with_for_update()
    )
    if upload is None:
        return None
    refuse_in_use(session, owner, content_reference(upload.sha256, upload.format))
    session.delete(upload)
    session.add(StrayUpload(key=upload.key))
    return upload


def mark_pending_delete(session: Session, limit: int) -> Sequence[str]:
    """Return the keys of files to delete. None of them can become an upload from now on.

    They take nothing of a quota any more, and come behind all others the next time: what cannot be deleted
    keeps none from its turn.
    """
    overdue = StrayUpload.since < SEARCH_NOW - ABANDONED_AFTER
    found = (
        select(StrayUpload.key)
        .where(or_(StrayUpload.owner.is_(None), overdue))
        .order_by(StrayUpload.since)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    marked = update(StrayUpload).where(StrayUpload.key.in_(found)).values(owner=None, size=None, since=NOW)
    return session.scalars(marked.returning(StrayUpload.key)).all()


def forget_deleted(session: Session, keys: Sequence[str]) -> None:
    """Forget files that were deleted from the store."""
    session.execute(delete(StrayUpload).where(StrayUpload.key.in_(keys)))


def resolve_references(session: Session, owner: str, spec: JobSpec) -> JobSpec:
    """Return the job with its files named by content. Raises `UnknownReference` for one that there is not."""
    stable: dict[str, str] = {}
    for field, dataset in spec.texts:
        if is_upload(dataset) or content_name(dataset):
            upload = _named(session, owner, dataset)
            if upload is None or upload.format == gradient_files.FORMAT:
                raise UnknownReference(field, dataset)
            stable[dataset] = content_reference(upload.sha256, upload.format)
    gradients = spec.recipe.gradients
    if gradients is not None and not is_local(gradients):
        stable[gradients] = gradient_files.resolved(session, owner, spec.recipe)
    return JobSpec.model_validate(_replaced(spec.model_dump(mode="json"), stable)) if stable else spec


@dataclass(frozen=True, slots=True)
class ReferencedFile:
    """A file that a stored job names: the field, the file's name by content, and where it is stored."""

    field: str
    name: str
    key: str | None  # None where the file was deleted
    own_name: str | None  # that its owner has given it
    size: int  # bytes; 0 where it was deleted


def referenced_files(session: Session, owner: str, spec: JobSpec) -> Iterator[ReferencedFile]:
    """Yield the uploads and the gradient norms of a stored job."""
    for field, dataset in spec.texts:
        if (name := content_name(dataset)) is not None:
            yield _referenced(field, name, _named(session, owner, dataset))
    gradients = spec.recipe.gradients or ""
    if (name := content_name(gradients)) is not None:
        yield _referenced("gradients", name, gradient_files.by_content(session, owner, gradients))


def _referenced(field: str, name: str, file: Upload | Artifact | None) -> ReferencedFile:
    if file is None:  # it was deleted
        return ReferencedFile(field, name, None, None, 0)
    return ReferencedFile(field, name, file.key, file.name, file.size)


def _named(session: Session, owner: str, dataset: str) -> Upload | None:
    name = content_name(dataset)
    if name is None:
        wanted = (Upload.owner == owner, Upload.id == UUID(dataset.partition(":")[2]))
    else:
        wanted = _has_content(owner, *name.split("."))
    return session.scalar(select(Upload).where(*wanted).with_for_update(read=True, key_share=True))


def _has_content(owner: str, sha256: str, ending: str) -> tuple[Any, ...]:
    return Upload.owner == owner, Upload.sha256 == sha256, Upload.format == ending


def _replaced(node: Any, stable: Mapping[str, str]) -> Any:  # noqa: ANN401 - any part of a JSON document
    match node:
        case dict():
            return {name: _replaced(value, stable) for name, value in node.items()}
        case list():
            return [_replaced(value, stable) for value in node]
        case str():
            return stable.get(node, node)
    return node

"""Texts that owners upload for calibration and evaluation.

A request names an upload by its id, and a stored job by its content: `sha256:<digest>.<ending>`. So the
fingerprint of a recipe identifies the text itself, and equal texts give equal recipes for all owners.

A file is announced by a row before it is written, so that it is found and deleted if its request dies.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, or_, select, text, update
from sqlalchemy.orm import Session

from jobs.spec.job import JobSpec
from jobs.states import ENDED
from jobs.storage.store import StoredFile
from jobs.tables import SEARCH_NOW, Job, StrayUpload, Upload
from pruning.recipe import content_name, is_upload

ABANDONED_AFTER = timedelta(days=1)
"""Age at which an incomplete upload is abandoned."""


class UnknownUpload(Exception):
    """A job names an upload that its owner does not have, in the field `field`."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} names an upload that does not exist")
        self.field = field


class QuotaExceeded(Exception):
    """The owner's uploads would exceed the quota."""


class Abandoned(Exception):
    """The file was not announced, or so long ago that it may have been deleted."""


class InUse(Exception):
    """A job that has not ended uses the upload."""

    def __init__(self, job_id: UUID) -> None:
        super().__init__(f"job {job_id} uses it")
        self.job_id = job_id


def reference(upload: Upload) -> str:
    """Return the name of the upload's content in a recipe."""
    return f"sha256:{upload.sha256}.{upload.format}"


def used_bytes(session: Session, owner: str) -> int:
    """Return the bytes of all uploads of an owner."""
    used = session.scalar(select(func.coalesce(func.sum(Upload.size), 0)).where(Upload.owner == owner))
    return int(used or 0)


def announce(session: Session, owner: str, key: str, *, size: int, quota: int) -> int:
    """Announce that at most `size` bytes will be written under `key`, and take them from the owner's quota.

    Returns how many there may be: fewer than `size` if the uploads of the owner, with those that are being
    sent, leave less. Raises `QuotaExceeded` if they leave nothing.
    """
    _lock(session, owner)
    room = quota - used_bytes(session, owner) - _bytes_in_flight(session, owner)
    if room <= 0:
        raise QuotaExceeded
    session.add(StrayUpload(key=key, owner=owner, size=min(size, room)))
    return min(size, room)


def give_up(session: Session, key: str) -> None:
    """Give back what an announced file takes from its owner's quota, and mark the file for deletion."""
    session.execute(
        update(StrayUpload).where(StrayUpload.key == key).values(owner=None, size=None, pending_delete=True)
    )


def _bytes_in_flight(session: Session, owner: str) -> int:
    """Return the bytes that files of an owner may have which are being sent."""
    in_flight = StrayUpload.owner == owner, StrayUpload.since > SEARCH_NOW - ABANDONED_AFTER
    return int(session.scalar(select(func.coalesce(func.sum(StrayUpload.size), 0)).where(*in_flight)) or 0)


def _lock(session: Session, owner: str) -> None:
    """Serialise changes of an owner's uploads: no two requests may exceed the quota together."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"uploads of {owner}", 0))))


def add(
    session: Session, owner: str, name: str, ending: str, stored: StoredFile, quota: int
) -> tuple[Upload, bool]:
    """Return the upload with the content of `stored`, and whether this call created it.

    An owner has each text once. The file must have been announced; if it does not become the upload, it will
    be deleted. Raises `Abandoned` and `QuotaExceeded`.
    """
    _lock(session, owner)
    known = session.scalar(select(Upload).where(*_is(owner, stored.sha256, ending)))
    if known is not None:
        return known, False
    if used_bytes(session, owner) + stored.size > quota:
        raise QuotaExceeded
    announced = delete(StrayUpload).where(
        StrayUpload.key == stored.key, StrayUpload.pending_delete.is_(False)
    )
    if session.scalar(announced.returning(StrayUpload.key)) is None:
        raise Abandoned
    upload = Upload(
        owner=owner, name=name, format=ending, size=stored.size, sha256=stored.sha256, key=stored.key
    )
    session.add(upload)
    session.flush()
    session.refresh(upload)
    return upload, True


def newest(session: Session, owner: str, *, before: UUID | None, limit: int) -> Sequence[Upload]:
    """Return a page of an owner's uploads, newest first."""
    query = select(Upload).where(Upload.owner == owner).order_by(Upload.id.desc()).limit(limit)
    return session.scalars(query if before is None else query.where(Upload.id < before)).all()


def get(session: Session, owner: str, upload_id: UUID) -> Upload | None:
    """Return one of the owner's uploads."""
    return session.scalar(select(Upload).where(Upload.id == upload_id, Upload.owner == owner))


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
    names_it = text(
        "jsonb_path_exists(jobs.spec, '$.** ? (@ == $content)', jsonb_build_object('content', :content))"
    )
    user = session.scalar(
        select(Job.id)
        .where(Job.owner == owner, Job.state.not_in(ENDED), names_it.bindparams(content=reference(upload)))
        .limit(1)
    )
    if user is not None:
        raise InUse(user)
    session.delete(upload)
    session.add(StrayUpload(key=upload.key, pending_delete=True))
    return upload


def mark_pending_delete(session: Session, limit: int) -> Sequence[str]:
    """Return the keys of files to delete. None of them can become an upload from now on."""
    overdue = StrayUpload.since < SEARCH_NOW - ABANDONED_AFTER
    found = (
        select(StrayUpload.key)
        .where(or_(StrayUpload.pending_delete, overdue))
        .order_by(StrayUpload.since)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    pending_delete = update(StrayUpload).where(StrayUpload.key.in_(found)).values(pending_delete=True)
    return session.scalars(pending_delete.returning(StrayUpload.key)).all()


def forget_deleted(session: Session, keys: Sequence[str]) -> None:
    """Forget files that were deleted from the store."""
    session.execute(delete(StrayUpload).where(StrayUpload.key.in_(keys)))


def resolved(session: Session, owner: str, spec: JobSpec) -> JobSpec:
    """Return the job with uploads named by content. Raises `UnknownUpload` for one that the owner lacks."""
    stable: dict[str, str] = {}
    for field, dataset in spec.texts:
        if is_upload(dataset) or content_name(dataset):
            upload = _named(session, owner, dataset)
            if upload is None:
                raise UnknownUpload(field)
            stable[dataset] = reference(upload)
    return JobSpec.model_validate(_replaced(spec.model_dump(mode="json"), stable)) if stable else spec


def named(session: Session, owner: str, spec: JobSpec) -> Iterator[tuple[str, str, Upload | None]]:
    """Yield the uploads of a stored job: the field, the file's name by content, and the row if it exists."""
    for field, dataset in spec.texts:
        if (name := content_name(dataset)) is not None:
            yield field, name, _named(session, owner, dataset)


def _named(session: Session, owner: str, dataset: str) -> Upload | None:
    name = content_name(dataset)
    if name is None:
        wanted = (Upload.owner == owner, Upload.id == UUID(dataset.partition(":")[2]))
    else:
        wanted = _is(owner, *name.split("."))
    return session.scalar(select(Upload).where(*wanted).with_for_update(read=True, key_share=True))


def _is(owner: str, sha256: str, ending: str) -> tuple[Any, ...]:
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

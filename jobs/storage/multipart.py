"""Uploads in parts to S3 that can be gone on with after whoever sent them has died.

obstore sends files in parts, but neither names such an upload nor lists what the store has of it. So these go
through botocore.
"""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from jobs.storage.pieces import Heartbeat, awaited
from jobs.storage.s3_client import s3_client

_AT_ONCE = 4

Part = Mapping[str, Any]
"""A part as S3 lists it: its `ETag` and its `Size`."""


class Failed(Exception):
    """The store refused a request or did not answer. `code`: as S3 calls it, or ''."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class Unlisted(Failed):
    """The store lists neither uploads nor their parts, or not to us."""


class Gone(Exception):
    """The store has no such upload: it was aborted or dropped, or completed by somebody else."""


@dataclass(frozen=True, slots=True)
class PendingUpload:
    """An upload in parts that is not complete."""

    key: str
    upload_id: str


class Multipart:
    """The uploads in parts to the keys of a bucket below a prefix."""

    def __init__(self, bucket: str, prefix: str | None) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    def begin(self, key: str) -> PendingUpload:
        """Begin an upload, of which the store keeps every part until it is completed or aborted."""
        with _errors():
            begun = self._client.create_multipart_upload(**self._at(key))
        return PendingUpload(key, begun["UploadId"])

    def send(
        self, upload: PendingUpload, parts: Iterable[bytes], heartbeat: Heartbeat, *, go_on: bool
    ) -> int:
        """Send the parts of a file, complete the upload, and return how many bytes were sent.

        `go_on`: send only the parts that the store lacks. It has one if its ETag is the MD5 of these bytes;
        where ETags are something else, as with keys of KMS, every part is sent. Raises Failed, and Gone also
        where the store cannot replace a part that has other bytes.
        """
        stored, sent = self._parts(upload) if go_on else {}, 0
        tags: list[str] = []
        ahead: deque[Future[tuple[str, int]]] = deque()
        pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="part")

        def take() -> None:
            nonlocal sent
            tag, size = awaited(ahead.popleft(), heartbeat)
            tags.append(tag)
            sent += size

        try:
            for number, part in enumerate(parts, start=1):
                ahead.append(pool.submit(self._put, upload, number, part, stored.get(number)))
                if len(ahead) == _AT_ONCE:
                    take()
            while ahead:
                take()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # a part that hangs must not keep the caller
        self._complete(upload, tags)
        return sent

    def abort(self, upload: PendingUpload) -> None:
        """Delete an upload with its parts. One that is not there is no error."""
        try:
            with _errors():
                self._client.abort_multipart_upload(**self._of(upload))
        except Gone:
            return

    def pending(self, prefix: str) -> Iterator[PendingUpload]:
        """Yield the uploads whose keys begin with a prefix. Raises Unlisted."""
        pages = self._client.get_paginator("list_multipart_uploads")
        # rclone says so until the first upload in parts since it was started.
        with suppress(Gone), _listing(), _errors():
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix + prefix):
                for found in page.get("Uploads", ()):
                    yield PendingUpload(found["Key"].removeprefix(self._prefix), found["UploadId"])

    def _parts(self, upload: PendingUpload) -> Mapping[int, Part]:
        """Return what the store has of an upload, by number. Raises Gone."""
        try:
            with _listing(), _errors():
                pages = self._client.get_paginator("list_parts").paginate(**self._of(upload))
                return {part["PartNumber"]: part for page in pages for part in page.get("Parts", ())}
        except Unlisted:
            return {}

    def _put(
        self, upload: PendingUpload, number: int, content: bytes, stored: Part | None
    ) -> tuple[str, int]:
        """Return the ETag of a part that the store has now, and how many bytes were sent for it."""
        if stored is not None and stored["Size"] == len(content) and _etag(content) == stored["ETag"]:
            return stored["ETag"], 0
        try:
            with _errors():
                put = self._client.upload_part(**self._of(upload), PartNumber=number, Body=content)
        except Failed as error:
            if stored is not None and error.code == "NotImplemented":  # rclone replaces no part
                raise Gone(str(error)) from error
            raise
        return put["ETag"], len(content)

    def _complete(self, upload: PendingUpload, tags: list[str]) -> None:
        """Complete an upload of exactly these parts. Raises Gone if another process has replaced one."""
        parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, start=1)]
        try:
            with _errors():
                self._client.complete_multipart_upload(**self._of(upload), MultipartUpload={"Parts": parts})
        except Gone:
            if self._tag(upload.key) != _etag_of_parts(tags):  # else, only the answer was lost
                raise

    def _tag(self, key: str) -> str | None:
        try:
            with _errors():
                tag: str = self._client.head_object(**self._at(key))["ETag"]
                return tag
        except Failed:
            return None

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + key}

    def _of(self, upload: PendingUpload) -> dict[str, str]:
        return {**self._at(upload.key), "UploadId": upload.upload_id}

    @property
    def _client(self) -> Any:  # noqa: ANN401 - botocore makes its classes at run time
        return s3_client()


_DOES_NOT_LIST = {"AccessDenied", "NotImplemented", "MethodNotAllowed", "InvalidRequest", "403", "405", "501"}
"""The codes of a store that lists neither uploads nor parts, or not to us; without one, the status."""


def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


def _etag_of_parts(tags: list[str]) -> str | None:
    """Return the ETag that a file has if its parts have these, of MD5 sums."""
    try:
        digests = b"".join(bytes.fromhex(tag.strip('"')) for tag in tags)
    except ValueError:
        return None
    return f'"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(tags)}"'


@contextmanager
def _listing() -> Iterator[None]:
    try:
        yield
    except Failed as error:
        if error.code in _DOES_NOT_LIST:
            raise Unlisted(str(error), error.code) from error
        raise


@contextmanager
def _errors() -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in ("NoSuchUpload", "InvalidPart"):
            raise Gone(str(error)) from error
        raise Failed(str(error), code) from error
    except BotoCoreError as error:
        raise Failed(str(error)) from error

"""Addresses at an S3 store under which anybody may fetch one file, for a while and without a key."""

import asyncio
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Any

import httpx

from jobs.storage.s3_client import certificates, s3_client

# Nothing but one byte is asked for, while somebody waits for the answer.
_TIMEOUT = httpx.Timeout(3.0)
_TOTAL_SECONDS = 6.0
_AGAIN_AFTER_SECONDS = 60.0


class Unsigned(Exception):
    """There are no credentials to sign an address with."""


@dataclass(frozen=True, slots=True)
class Links:
    """How such addresses are made."""

    seconds: int
    """For so long a download may be begun."""
    endpoint: str | None = None
    """Where whoever downloads reaches the store, if elsewhere than this process does."""

    def to(self, bucket: str, key: str, disposition: str, encoding: str | None) -> str:
        """Return the address of a file, which the store sends with these as its `Content-` headers.

        Asks no server. Raises `Unsigned`.
        """
        from botocore.exceptions import BotoCoreError

        sent = {
            "ResponseContentDisposition": disposition,
            "ResponseContentType": "application/octet-stream",
            "ResponseCacheControl": "private, no-store",
            **_labelled(encoding),
        }
        try:
            address: str = s3_client(self.endpoint).generate_presigned_url(
                "get_object", Params={"Bucket": bucket, "Key": key, **sent}, ExpiresIn=self.seconds
            )
        except BotoCoreError as error:
            raise Unsigned(str(error)) from error
        return address


class Label:
    """Whether a file arrives with the `Content-Encoding` that its address asks for.

    Otherwise clients would take what is compressed for the file. A store, or a proxy before it, that is found
    to leave the label out is asked again after a minute.
    """

    def __init__(self) -> None:
        self._arrives, self._again_at = False, 0.0
        self._asking = threading.Lock()

    def arrives(self, address: str, encoding: str) -> bool:
        """Whether it is known to. One thread at most waits for an answer, for a few seconds."""
        if self._arrives:
            return True
        if time.monotonic() < self._again_at or not self._asking.acquire(blocking=False):
            return False
        try:
            self._arrives = _sent_as(address) == encoding
            self._again_at = time.monotonic() + _AGAIN_AFTER_SECONDS
        finally:
            self._asking.release()
        return self._arrives


def _sent_as(address: str) -> str | None:
    """Return the label of what an address sends those who download. None: there is none, or nothing comes."""
    try:
        return asyncio.run(_label_in_time(address))
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError):  # a TimeoutError is an OSError
        return None


async def _label_in_time(address: str) -> str | None:
    """Ask for a byte. The time limit holds for the whole answer, however slowly single bytes of it arrive."""
    headers = {"Range": "bytes=0-0", "Accept-Encoding": "zstd"}
    async with (
        asyncio.timeout(_TOTAL_SECONDS),
        httpx.AsyncClient(timeout=_TIMEOUT, verify=_trusted()) as client,
        client.stream("GET", address, headers=headers) as response,
    ):
        return response.headers.get("Content-Encoding") if response.is_success else None


def _trusted() -> ssl.SSLContext | bool:
    found = certificates()
    return ssl.create_default_context(cafile=found) if isinstance(found, str) else found


def _labelled(encoding: str | None) -> dict[str, Any]:
    return {} if encoding is None else {"ResponseContentEncoding": encoding}

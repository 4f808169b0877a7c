"""The directory or the bucket that `STORE_URL` names."""

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from obstore.store import LocalStore, S3Store

from jobs.secret_files import WrongSettings, read_secret

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig, S3Config

_NO_STORE = "STORE_URL must be file:///directory or s3://bucket/prefix"
_RETRY: "RetryConfig" = {"max_retries": 5, "retry_timeout": timedelta(seconds=30)}

STALL = timedelta(seconds=30)
"""Without a byte of an answer; then the store counts as unreachable. The whole answer may take longer."""

SEND = timedelta(minutes=30)
"""For a request that sends much. A stall limit would cut it: the library's runs while a request is sent.

That the other side takes no more bytes is noticed in 30 s, by the TCP_USER_TIMEOUT that the library sets.
"""

_WHOLE_FILE = timedelta(days=1)  # the API fetches one at the pace of its client


def directory_of(url: str) -> Path | None:
    """Return the directory that the URL names; None if it names a bucket, or nothing."""
    parts = _parts_of(url)
    is_directory = parts.scheme == "file" and not parts.netloc and parts.path.startswith("/")
    return Path(unquote(parts.path)) if is_directory else None


def object_store(url: str, given: "S3Config", *, sends_much: bool = False) -> "ObjectStore":
    """Open it, a bucket with the credentials that are given. Raises `WrongSettings` for any other URL.

    `sends_much`: to send requests of more than a few hundred kilobytes, which may take up to `SEND`.

    A directory must exist: one that was made here would pass for the store while its disk is not mounted.
    """
    parts = _parts_of(url)
    if (directory := directory_of(url)) is not None:
        return LocalStore(directory, automatic_cleanup=True)
    if parts.scheme == "s3" and parts.netloc:
        config = given.copy()
        # The library's own limit is 30 s for a whole request with its body, however fast that comes.
        client: ClientConfig = (
            {"timeout": SEND} if sends_much else {"timeout": _WHOLE_FILE, "read_timeout": STALL}
        )
        client["connect_timeout"] = "5s"
        # As other clients of S3 read them.
        if endpoint := os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"):
            config["endpoint"] = endpoint
            client["allow_http"] = endpoint.startswith("http://")
        prefix = parts.path.strip("/") or None
        return S3Store(parts.netloc, prefix=prefix, client_options=client, retry_config=_RETRY, config=config)
    raise WrongSettings(_NO_STORE)


def _parts_of(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:  # a bracket without its other one
        raise WrongSettings(_NO_STORE) from error


def credentials() -> "S3Config":
    """Return those of S3 that variables or files hold. Raises `SecretUnreadable`."""
    found: S3Config = {}
    if key := read_secret("AWS_ACCESS_KEY_ID"):
        found["access_key_id"] = key
    if secret := read_secret("AWS_SECRET_ACCESS_KEY"):
        found["secret_access_key"] = secret
    if token := read_secret("AWS_SESSION_TOKEN"):
        found["session_token"] = token
    return found

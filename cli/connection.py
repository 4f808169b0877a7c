"""Which server a command talks to, and with which key."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from cli.client import Client
from cli.data_directory import DataDirectory, default_data_directory
from cli.terminal import CommandFailed, Exit


def connect(url: str | None, key_file: Path | None) -> Client:
    """A client for the server that was named, else for the one that a local `up` has started."""
    local = DataDirectory(default_data_directory())
    local_url = _read(local.address) if local.address.exists() else None
    url = url or local_url
    if url is None:
        raise CommandFailed(
            "no server: start one with `pruneserve up`, or name one with --url or PRUNESERVE_URL",
            Exit.UNREACHABLE,
        )
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise CommandFailed("the server's URL must start with http:// or https://", Exit.USAGE)
    return Client(url, _key(url, key_file, local, local_url))


def _key(url: str, key_file: Path | None, local: DataDirectory, local_url: str | None) -> str:
    if key_file is not None:
        return _read(key_file)
    if key := os.environ.get("PRUNESERVE_API_KEY"):
        return key
    # The local key is for the local server: it must not be shown to whatever else --url names.
    if local_url is not None and url.rstrip("/") == local_url and local.api_key.exists():
        return _read(local.api_key)
    raise CommandFailed("no API key: give --key-file, or set PRUNESERVE_API_KEY", Exit.USAGE)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(f"cannot read {file}: {error}", Exit.USAGE) from error

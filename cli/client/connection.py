"""Which server a command talks to, and with which key."""

import os
import re
from pathlib import Path
from typing import Annotated

import httpx
import typer

from cli.client.client import Client
from cli.client.data_directory import DataDirectory, default_data_directory
from cli.terminal import CommandFailed, Exit

Url = Annotated[
    str | None,
    typer.Option(
        envvar="PRUNESERVE_URL",
        help="The server's address. Default: the one that `pruneserve up` has started here.",
        show_default=False,
    ),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        help="A file that holds the API key. Default: the variable PRUNESERVE_API_KEY, "
        "else, for the server that `pruneserve up` has started here, its first key.",
        show_default=False,
    ),
]

_KEY = re.compile(r"[!-~]+")


def connect(url: str | None, key_file: Path | None) -> Client:
    """A client for the server that was named, else for the one that a local `up` has started."""
    local = DataDirectory(default_data_directory())
    local_url = _read(local.address) if local.address.exists() else None
    url = (url or local_url or "").rstrip("/")
    if not url:
        raise CommandFailed(
            "no server: start one with `pruneserve up`, or name one with --url or PRUNESERVE_URL",
            Exit.UNREACHABLE,
        )
    if not _is_http(url):
        raise CommandFailed("the server's address must be like https://name or http://name:8642", Exit.USAGE)
    key = _key(key_file, local if url == local_url else None)
    if not _KEY.fullmatch(key):
        raise CommandFailed("the API key must be one line of plain characters: ps_…", Exit.USAGE)
    return Client(url, key)


def _is_http(url: str) -> bool:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return parsed.scheme in ("http", "https") and bool(parsed.host) and (parsed.port or 0) <= 65535


def _key(key_file: Path | None, local: DataDirectory | None) -> str:
    if key_file is not None:
        return _read(key_file)
    if key := os.environ.get("PRUNESERVE_API_KEY"):
        return key
    # The local key is for the local server: it must not be shown to whatever else --url names.
    if local is not None and local.api_key.exists():
        return _read(local.api_key)
    raise CommandFailed("no API key: give --key-file, or set PRUNESERVE_API_KEY", Exit.USAGE)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(f"cannot read {file}: {error}", Exit.USAGE) from error

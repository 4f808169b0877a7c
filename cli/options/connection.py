"""The options --url and --key-file: which server a command talks to, and with which API key."""

import os
from pathlib import Path
from typing import Annotated

import typer

from cli.data_directory import DataDirectory, default_data_directory
from cli.terminal import CommandFailed, Exit
from pruneserve_client import Client

Url = Annotated[
    str | None,
    typer.Option(
        envvar="PRUNESERVE_URL",
        help="The server's address. Default: the server that `pruneserve up` runs on this machine.",
        show_default=False,
    ),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        help="A file with the API key. Default: the variable PRUNESERVE_API_KEY, "
        "or the first key of the server that `pruneserve up` runs on this machine.",
        show_default=False,
    ),
]


def connect(url: str | None, key_file: Path | None) -> Client:
    """Return a client for the given server, or for the one that a local `pruneserve up` has started."""
    local = DataDirectory(default_data_directory())
    local_url = _read(local.address) if local.address.exists() else None
    url = (url or local_url or "").rstrip("/")
    if not url:
        raise CommandFailed(
            "no server: start one with `pruneserve up`, or give its address by --url or PRUNESERVE_URL",
            Exit.UNREACHABLE,
        )
    return Client(url, _key(key_file, local if url == local_url else None))


def _key(key_file: Path | None, local: DataDirectory | None) -> str:
    if key_file is not None:
        return _read(key_file)
    if key := os.environ.get("PRUNESERVE_API_KEY"):
        return key
    # The local key must be sent to the local server only, not to any other that --url names.
    if local is not None and local.api_key.exists():
        return _read(local.api_key)
    raise CommandFailed("no API key: give a file by --key-file, or set PRUNESERVE_API_KEY", Exit.USAGE)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(f"cannot read {file}: {error}", Exit.USAGE) from error

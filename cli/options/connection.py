"""Which server a command connects to, and with which API key: --url and --key-file."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.data_directory import DataDirectory, default_data_directory
from cli.options.common import Command, option, replace_parameter
from cli.options.errors import command_options, describe_error
from cli.terminal import CommandFailed, Exit, clean, err
from pruneserve_client import Client, PruneServeError, Unavailable


def _option(help_text: str) -> Any:  # noqa: ANN401 - what typer takes
    return typer.Option(help=help_text, show_default=False)


URL = Annotated[
    str | None,
    _option(
        "The server's address. Default: the variable PRUNESERVE_URL, or the server that "
        "`pruneserve up` runs on this machine."
    ),
]
KEY_FILE = Annotated[
    Path | None,
    _option(
        "A file with the API key. Default: the variable PRUNESERVE_API_KEY for the address of "
        "--url or PRUNESERVE_URL, or the first key of the server that `pruneserve up` runs here."
    ),
]

# The same options after a command: `pruneserve --help` has the defaults.
_CONNECTION_OPTIONS = (
    option("url", Annotated[str | None, _option("The server's address.")]),
    option("key_file", Annotated[Path | None, _option("A file with the API key (see `pruneserve --help`).")]),
)


@dataclass(frozen=True, slots=True)
class Connection:
    """The connection options before the command, which those after it override."""

    url: str | None = None
    key_file: Path | None = None


def connected(command: Command) -> Command:
    """Return the command with the options of a connection in place of its parameter `client`.

    They may be given before the command as well (`Connection`). Errors of the client become CommandFailed, in
    terms of the command line.
    """
    return replace_parameter("client", [*_CONNECTION_OPTIONS, option("context", typer.Context)], _call)(
        command
    )


def _call(
    command: Command,
    *,
    context: typer.Context,
    url: str | None,
    key_file: Path | None,
    **given: Any,  # noqa: ANN401 - options of every type
) -> None:
    before = context.find_object(Connection) or Connection()
    place = (url or before.url, key_file or before.key_file)
    with command_options(given | {"url": place[0] or os.environ.get("PRUNESERVE_URL")}):
        try:
            with connect(*place) as client:
                command(client=client, **given)
        except PruneServeError as error:
            code = Exit.UNREACHABLE if isinstance(error, Unavailable) else Exit.USAGE
            raise CommandFailed(describe_error(error), code) from error


def connect(url: str | None, key_file: Path | None) -> Client:
    """Return a client for the given server, or for the one that a local `pruneserve up` has started."""
    local = DataDirectory(default_data_directory())
    local_url = _read(local.address) if local.address.exists() else None
    given = url or os.environ.get("PRUNESERVE_URL", "")
    url = (given or local_url or "").rstrip("/")
    if not url:
        raise CommandFailed(
            "no server: start one with `pruneserve up`, or give its address by --url or PRUNESERVE_URL",
            Exit.UNREACHABLE,
        )
    if "@" in url.partition("://")[2].partition("/")[0]:  # errors and pages' addresses would show it
        raise CommandFailed(
            "the server's address must not hold a user name or a password; give the API key by --key-file or "
            "PRUNESERVE_API_KEY",
            Exit.USAGE,
        )
    key = _key(key_file, local if url == local_url else None, of_environment=bool(given))
    if key is None:
        raise CommandFailed(_missing_key(given), Exit.USAGE)
    return Client(url, key)


def _key(key_file: Path | None, local: DataDirectory | None, *, of_environment: bool) -> str | None:
    """Return the API key, if any. `local` and `of_environment` are the source of the server's address.

    A key goes to no other server: the environment's to an address that it or the command names, the local one
    to the local server.
    """
    if key_file is not None:
        return _read_key(key_file)
    key = os.environ.get("PRUNESERVE_API_KEY", "").strip()  # as a file's: a secret may end in a line break
    if key and of_environment:
        return key
    if local is not None and local.api_key.exists():
        return _read_key(local.api_key)
    return None


def _missing_key(given_url: str) -> str:
    key = os.environ.get("PRUNESERVE_API_KEY")
    if key and key.strip():
        return (
            "no API key: PRUNESERVE_API_KEY goes only to the address of PRUNESERVE_URL or --url, and this "
            "one is of neither; give a file by --key-file"
        )
    if key is not None and given_url:
        return (
            "no API key: PRUNESERVE_API_KEY is empty, as are secrets in a pull request from a fork; set it, "
            "or give a file by --key-file"
        )
    up = "; `pruneserve up` starts a service on this machine and makes a key for it" * (not given_url)
    return (
        f"no API key: give a file by --key-file, or set PRUNESERVE_API_KEY with PRUNESERVE_URL or --url{up}"
    )


def _read_key(file: Path) -> str:
    key = _read(file)
    with suppress(OSError):
        if os.name == "posix" and file.stat().st_mode & 0o077:
            err.print(f"warning: others on this machine may read the key in {clean(file)}: chmod 600 it")
    return key


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(f"cannot read {file}: {error}", Exit.USAGE) from error

"""The options --profile, --url and --key-file: which server a command talks to, and with which API key."""

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import typer

from cli.data_directory import DataDirectory, default_data_directory
from cli.options.profiles import Profile, Profiles
from cli.options.signatures import Command, in_place_of, option
from cli.options.wording import NO_SERVER_HINT, described, of_command
from cli.terminal import CommandFailed, Exit, clean, err
from pruneserve_client import Client, PruneServeError, Unavailable

_PATIENCE_SECONDS = 3.0


def _profile_names(incomplete: str) -> list[str]:
    try:
        return [name for name in Profiles.read().by_name if name.startswith(incomplete)]
    except CommandFailed:
        return []


def _plain(help_text: str) -> Any:  # noqa: ANN401 - what typer takes
    return typer.Option(help=help_text, show_default=False)


def _profile_option(help_text: str) -> Any:  # noqa: ANN401 - what typer takes
    return typer.Option(metavar="NAME", autocompletion=_profile_names, help=help_text, show_default=False)


PROFILE = Annotated[
    str | None,
    _profile_option(
        "A server and its key file by the name that ~/.config/pruneserve/config.toml gives them. Default: "
        "the variable PRUNESERVE_PROFILE, or the file's `default`."
    ),
]
URL = Annotated[
    str | None,
    _plain(
        "The server's address. Default: the profile's, the variable PRUNESERVE_URL, or the server that "
        "`pruneserve up` runs on this machine."
    ),
]
KEY_FILE = Annotated[
    Path | None,
    _plain(
        "A file with the API key. Default: the profile's, the variable PRUNESERVE_API_KEY for the address of "
        "--url or PRUNESERVE_URL, or the first key of the server that `pruneserve up` runs here."
    ),
]

# The same behind a command: `pruneserve --help` has the defaults.
_CONNECTION_OPTIONS = (
    option("profile", Annotated[str | None, _profile_option("The server's profile.")]),
    option("url", Annotated[str | None, _plain("The server's address.")]),
    option("key_file", Annotated[Path | None, _plain("A file with the API key (see `pruneserve --help`).")]),
)


@dataclass(frozen=True, slots=True)
class Connection:
    """What stands before the command: the same options, which those behind it replace."""

    profile: str | None = None
    url: str | None = None
    key_file: Path | None = None


def connected(command: Command) -> Command:
    """Return the command with the options of a connection in place of its parameter `client`.

    They may stand before the command as well (`Connection`). What the client raises becomes a CommandFailed
    in the words of the command line.
    """
    return in_place_of("client", [*_CONNECTION_OPTIONS, option("context", typer.Context)], _call)(command)


def _call(
    command: Command,
    *,
    context: typer.Context,
    profile: str | None,
    url: str | None,
    key_file: Path | None,
    **given: Any,  # noqa: ANN401 - options of every type
) -> None:
    before = context.find_object(Connection) or Connection()
    place = (profile or before.profile, url or before.url, key_file or before.key_file)
    with of_command(given):
        try:
            with connect(*place) as client:
                command(client=client, **given)
        except PruneServeError as error:
            code = Exit.UNREACHABLE if isinstance(error, Unavailable) else Exit.USAGE
            raise CommandFailed(described(error), code) from error


def connect(profile_name: str | None, url: str | None, key_file: Path | None) -> Client:
    """Return a client for the given server, or for the one that a local `pruneserve up` has started."""
    if profile_name and url:
        raise CommandFailed("a profile names a server: give --profile or --url, not both", Exit.USAGE)
    profile = None if url else _profile(profile_name)
    local = DataDirectory(default_data_directory())
    local_url = _read(local.address) if local.address.exists() else None
    given = url or ("" if profile else os.environ.get("PRUNESERVE_URL", ""))
    url = (given or (profile.url if profile else local_url) or "").rstrip("/")
    if not url:
        raise CommandFailed(
            "no server: start one with `pruneserve up`, or give its address by --url, PRUNESERVE_URL or a "
            "profile",
            Exit.UNREACHABLE,
        )
    if key_file is None and profile is not None:
        key_file = profile.key_file
    key = _key(key_file, local if url == local_url else None, of_environment=bool(given))
    if key is None:
        raise _without_key(url)
    return Client(url, key)


def _profile(name: str | None) -> Profile | None:
    """Return the profile that the command or the environment names, or the default one."""
    if name:
        return Profiles.read().named(name)
    # The environment is nearer to the command than a file.
    if os.environ.get("PRUNESERVE_URL"):
        return None
    if name := os.environ.get("PRUNESERVE_PROFILE"):
        return Profiles.read().named(name)
    profiles = Profiles.read()
    return profiles.named(profiles.default) if profiles.default else None


def _key(key_file: Path | None, local: DataDirectory | None, *, of_environment: bool) -> str | None:
    """Return the key, if any, of the server's address, whose source `local` and `of_environment` say.

    A key goes to no other server: the environment's to an address that it or the command names, the local one
    to the local server.
    """
    if key_file is not None:
        return _read_key(key_file)
    key = os.environ.get("PRUNESERVE_API_KEY")
    if key and of_environment:
        return key
    if local is not None and local.api_key.exists():
        return _read_key(local.api_key)
    return None


def _without_key(url: str) -> CommandFailed:
    """Return what is wrong where no key is given: first of all, that no server answers at the address."""
    if reason := _silence(url):
        return CommandFailed(
            f"{url} does not answer: {reason}; {NO_SERVER_HINT}. No API key is given either", Exit.UNREACHABLE
        )
    if os.environ.get("PRUNESERVE_API_KEY"):
        return CommandFailed(
            "no API key: PRUNESERVE_API_KEY goes only to the address of PRUNESERVE_URL or --url, and this "
            "one is of neither; give the profile a `key-file`, or a file by --key-file",
            Exit.USAGE,
        )
    return CommandFailed(
        "no API key: give a file by --key-file, or set PRUNESERVE_API_KEY with PRUNESERVE_URL or --url",
        Exit.USAGE,
    )


def _silence(url: str) -> str | None:
    """Return why no connection to an address can be opened. None: it can, or only a proxy could say."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return None
    if not host or (getproxies().keys() - {"no"} and not proxy_bypass(host)):
        return None
    try:
        socket.create_connection((host, port), timeout=_PATIENCE_SECONDS).close()
    except (OSError, UnicodeError) as error:
        return getattr(error, "strerror", None) or str(error)
    return None


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

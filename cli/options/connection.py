"""Which server a command connects to, and with which API key: --profile, --url and --key-file.

Profiles are servers with their key files, in a file of the user:

default = "staging"

[profiles.staging]
url = "https://pruneserve.example.org"
key-file = "~/keys/staging"
"""

import os
import socket
import tomllib
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import typer

from cli.data_directory import DataDirectory, default_data_directory
from cli.options.common import Command, option, replace_parameter
from cli.options.errors import NO_SERVER_HINT, command_options, describe_error
from cli.terminal import CommandFailed, Exit, clean, err
from pruneserve_client import Client, PruneServeError, Unavailable


@dataclass(frozen=True, slots=True)
class Profile:
    """A server and the file with its key."""

    url: str
    key_file: Path | None


@dataclass(frozen=True, slots=True)
class Profiles:
    """All of the user's profiles."""

    file: Path
    by_name: dict[str, Profile] = field(default_factory=dict)
    default: str | None = None

    @classmethod
    def read(cls) -> Self:
        """Read the file; without one there are no profiles. Raises CommandFailed for what is wrong in it."""
        file = _config_file()
        try:
            document = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls(file)
        except (OSError, ValueError) as error:
            raise CommandFailed(f"cannot read {file}: {error}", Exit.USAGE) from error
        by_name, default = document.pop("profiles", {}), document.pop("default", None)
        if document or not isinstance(by_name, dict) or not isinstance(default, str | None):
            raise CommandFailed(f"{file} may have `default` and [profiles.<name>] only", Exit.USAGE)
        return cls(
            file, {name: _parse_profile(file, name, values) for name, values in by_name.items()}, default
        )

    def named(self, name: str) -> Profile:
        """Return the profile of this name. Raises CommandFailed if there is none."""
        if name not in self.by_name and not self.file.exists():
            raise CommandFailed(
                f"there is no profile {name!r}: {self.file} does not exist; write [profiles.{name}] with "
                "`url` and `key-file` there",
                Exit.USAGE,
            )
        if name not in self.by_name:
            known = ", ".join(self.by_name) or "none"
            raise CommandFailed(f"{self.file} has no profile {name!r}; it has {known}", Exit.USAGE)
        return self.by_name[name]


def _config_file() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME", "")
    # The XDG specification: a relative path in the variable is ignored.
    base = Path(home) if home.startswith("/") else Path.home() / ".config"
    return base / "pruneserve" / "config.toml"


def _parse_profile(file: Path, name: str, values: Any) -> Profile:  # noqa: ANN401 - what TOML holds
    match values:
        case {"url": str(url), "key-file": str(key_file), **rest} if not rest:
            # Relative to the configuration file, not to the working directory.
            return Profile(url, file.parent / Path(key_file).expanduser())
        case {"url": str(url), **rest} if not rest:
            return Profile(url, None)
    raise CommandFailed(f"profile {name!r} in {file} must have `url`, and may have `key-file`", Exit.USAGE)


_PATIENCE_SECONDS = 3.0


def _profile_names(incomplete: str) -> list[str]:
    try:
        return [name for name in Profiles.read().by_name if name.startswith(incomplete)]
    except CommandFailed:
        return []


def _option(help_text: str) -> Any:  # noqa: ANN401 - what typer takes
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
    _option(
        "The server's address. Default: the profile's, the variable PRUNESERVE_URL, or the server that "
        "`pruneserve up` runs on this machine."
    ),
]
KEY_FILE = Annotated[
    Path | None,
    _option(
        "A file with the API key. Default: the profile's, the variable PRUNESERVE_API_KEY for the address of "
        "--url or PRUNESERVE_URL, or the first key of the server that `pruneserve up` runs here."
    ),
]

# The same options after a command: `pruneserve --help` has the defaults.
_CONNECTION_OPTIONS = (
    option("profile", Annotated[str | None, _profile_option("The server's profile.")]),
    option("url", Annotated[str | None, _option("The server's address.")]),
    option("key_file", Annotated[Path | None, _option("A file with the API key (see `pruneserve --help`).")]),
)


@dataclass(frozen=True, slots=True)
class Connection:
    """The connection options before the command, which those after it override."""

    profile: str | None = None
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
    profile: str | None,
    url: str | None,
    key_file: Path | None,
    **given: Any,  # noqa: ANN401 - options of every type
) -> None:
    before = context.find_object(Connection) or Connection()
    place = (profile or before.profile, url or before.url, key_file or before.key_file)
    with command_options(given):
        try:
            with connect(*place) as client:
                command(client=client, **given)
        except PruneServeError as error:
            code = Exit.UNREACHABLE if isinstance(error, Unavailable) else Exit.USAGE
            raise CommandFailed(describe_error(error), code) from error


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
    if "@" in url.partition("://")[2].partition("/")[0]:  # errors and pages' addresses would show it
        raise CommandFailed(
            "the server's address must not hold a user name or a password; give the API key by --key-file or "
            "PRUNESERVE_API_KEY",
            Exit.USAGE,
        )
    if key_file is None and profile is not None:
        key_file = profile.key_file
    key = _key(key_file, local if url == local_url else None, of_environment=bool(given))
    if key is None:
        raise _missing_key(url)
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


def _missing_key(url: str) -> CommandFailed:
    """Return the error of a missing key: first of all, that no server responds at the address."""
    if reason := _connection_error(url):
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


def _connection_error(url: str) -> str | None:
    """Return why no connection to an address can be opened. None: it can, or a proxy is in use."""
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

"""Secrets of the service, from files: /proc shows the initial environment of a process while it lives.

For each variable of `SECRETS`, the variable `<name>_FILE` names a file that holds the value. The variable
itself works too, where an operator accepts that; `hide_from_children` then keeps it from the processes that
this one starts.
"""

import ctypes
import functools
import logging
import os
import stat
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

SECRETS = (
    "DATABASE_URL",
    "DATABASE_LISTEN_URL",
    "BROKER_URL",
    "PRUNESERVE_SECRET_KEYS",
    "PRUNESERVE_HUB_TOKEN",
    "PRUNESERVE_OIDC_CLIENT_SECRET",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
)
"""The variables whose values are secrets."""

_OTHER_SECRET_VARIABLES = ("PRUNESERVE_API_KEY", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
"""Secrets of a person who starts the service in their own shell. No process of the service needs them."""


_FOR_SECRETS = (Path("/run/secrets"), Path("/proc"))
"""Where others may read a secret's file: containers mount it so, and `hide_from_children` puts it there."""


_SET_DUMPABLE = 4  # prctl(2)


class WrongSettings(Exception):
    """A program cannot start with its settings. The message names the variable and says what to do."""


class SecretUnreadable(WrongSettings):
    """A secret cannot be read. The message names the variable and the file."""


def program(main: Callable[[], None]) -> Callable[[], None]:
    """Return the `main` of a program, which ends with one line if the settings are wrong.

    Its child processes import nothing from the working directory, as by `python -P`.
    """

    @functools.wraps(main)
    def run() -> None:
        os.environ["PYTHONSAFEPATH"] = "1"
        try:
            main()
        except WrongSettings as error:
            sys.exit(f"error: {error}")

    return run


def file_variable(variable: str) -> str:
    """Return the name of the variable that names the file with a secret."""
    return f"{variable}_FILE"


def read_secret(variable: str) -> str | None:
    """Return a secret, without white space around it; None if it is not set or empty.

    Raises `SecretUnreadable` if the file cannot be read, if it holds more than one line or quotes, or if both
    variables are set.
    """
    value, file = os.environ.get(variable), os.environ.get(file_variable(variable))
    if not file:
        return value or None
    if value:
        raise SecretUnreadable(f"{variable} and {file_variable(variable)} are both set; unset one of them")
    try:
        secret = Path(file).read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise SecretUnreadable(f"{file_variable(variable)}: {file} cannot be read: {reason}") from error
    if secret[:1] in ("'", '"'):
        raise SecretUnreadable(f"{file_variable(variable)}: {file} must hold the value alone, without quotes")
    if len(secret.splitlines()) > 1:
        raise SecretUnreadable(f"{file_variable(variable)}: {file} must hold the value alone, in one line")
    return secret or None


def missing(variable: str, example: str) -> str:
    """Say that a secret is needed and not set, and what to do."""
    if file := os.environ.get(file_variable(variable)):
        return f"{file_variable(variable)}: {file} is empty; write {example} into it"
    return f"{variable} is not set; set it, or {file_variable(variable)}, to {example}"


def write_secret(file: Path, secret: str) -> None:
    """Write a file that only its user can read, and that no reader ever sees half-written.

    One that holds the secret already stays: a full disk keeps no process from being started again.
    """
    content = f"{secret}\n"
    with suppress(OSError, UnicodeDecodeError):
        if not file.is_symlink() and file.read_text(encoding="utf-8") == content:
            file.chmod(0o600)
            return
    temporary = file.with_name(f"{file.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.touch(mode=0o600)
    temporary.write_text(content, encoding="utf-8")
    temporary.replace(file)


def hide_from_children() -> None:
    """Take the secrets out of the environment that child processes inherit. Call it when a program starts.

    Children that read the settings find each value in a file without a name, which this process keeps open.
    """
    _warn_of_open_files()
    for variable in SECRETS:
        if value := os.environ.pop(variable, None):
            descriptor = os.memfd_create(variable)
            os.write(descriptor, value.encode())
            os.environ[file_variable(variable)] = f"/proc/{os.getpid()}/fd/{descriptor}"
    _forget(_OTHER_SECRET_VARIABLES)


def close_to_others(*, children_read_secrets: bool = False) -> None:
    """Let no other process of this user trace this one, or open its memory, environment or files in /proc.

    Only root still may. Call it in every process that holds secrets; a program that this one starts begins
    open. With `children_read_secrets`, a process that keeps secrets for its children (see
    `hide_from_children`) stays open to them, and so to others; secrets that came as files need no such thing.
    """
    kept_here = f"/proc/{os.getpid()}/"
    if children_read_secrets and any(
        os.environ.get(file_variable(variable), "").startswith(kept_here) for variable in SECRETS
    ):
        log.warning("secrets in variables stay readable to processes of this user; hand them over in files")
        return
    if ctypes.CDLL(None, use_errno=True).prctl(_SET_DUMPABLE, 0, 0, 0, 0):
        log.warning("this process stays open to others of its user (%s)", os.strerror(ctypes.get_errno()))


def forget_secrets() -> None:
    """Take every secret, and the paths of their files, out of the environment that children inherit."""
    _forget((*SECRETS, *map(file_variable, SECRETS), *_OTHER_SECRET_VARIABLES))


def _warn_of_open_files() -> None:
    for variable in map(file_variable, SECRETS):
        file = Path(os.environ.get(variable) or os.devnull).absolute()
        if not file.is_file() or any(map(file.is_relative_to, _FOR_SECRETS)):
            continue
        if file.stat().st_mode & stat.S_IROTH:
            log.warning("%s: every user of this machine can read %s; close it: chmod 600", variable, file)


def _forget(variables: Iterable[str]) -> None:
    for variable in variables:
        os.environ.pop(variable, None)

"""The processes of the service: how each is found among the children of `pruneserve up`, and started again.

A process that gets another module or program needs one line changed here, and nothing elsewhere.
"""

import re
import sys
from pathlib import Path
from typing import NamedTuple

_PROGRAMS = Path(sys.executable).parent


class Role(NamedTuple):
    """A kind of process. Celery replaces its own command line by a title where setproctitle is installed."""

    command_line: str
    """A regular expression that finds it in the command line of the process."""
    program: str = ""
    """The installed program that starts one more, if one may run."""


ROLES = {
    "postgres": Role(r"/postgres -D "),
    "valkey": Role(r"valkey-server"),
    "API": Role(r" -m api "),
    "scheduler": Role(r" -m scheduler( |$)", "pruneserve-scheduler"),
    "worker": Role(r" -m worker( |$)|\bceleryd\b", "pruneserve-worker"),
}


def up(data: Path, port: int) -> list[str]:
    """Return the command that starts a whole service."""
    return [str(_PROGRAMS / "pruneserve"), "up", "--data", str(data), "--port", str(port)]


def another(role: str) -> list[str]:
    """Return the command that starts one more process of a role."""
    return [str(_PROGRAMS / ROLES[role].program)]


def is_of(role: str, command_line: str) -> bool:
    """Return whether a process with this command line has the role."""
    return re.search(ROLES[role].command_line, command_line) is not None

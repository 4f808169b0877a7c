"""Administration of the database and the settings: `pruneserve-admin COMMAND`.

`new-key --owner ada` makes an API key in the database that `DATABASE_URL` names. On one machine
`pruneserve up` makes the first key; on servers of your own this command does. `settings` prints every setting
with its default. `health worker` and `health dispatcher` are for the health checks of containers.
"""

import argparse
import socket
import sys
from collections.abc import Iterable
from typing import get_args

from psycopg.errors import UndefinedTable
from sqlalchemy.exc import ProgrammingError

from jobs.access import api_keys, audit
from jobs.access.audit import Action
from jobs.database import DATABASE_UNAVAILABLE, engine_from, in_one_line, sessions
from jobs.fleet.health import Part, fault_of, is_alive
from jobs.secret_files import close_to_others
from jobs.settings import as_table, settings


def main() -> None:
    """Run the command that the command line names."""
    parser = argparse.ArgumentParser(
        prog="pruneserve-admin", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("settings", help="print all settings as a Markdown table")
    new_key = commands.add_parser("new-key", help="print a new API key; it cannot be shown again")
    new_key.add_argument("--owner", required=True, help="owner of the jobs that the key makes and sees")
    new_key.add_argument("--name", default="", help="a note on what the key is for")
    new_key.add_argument(
        "--scope",
        action="append",
        choices=[*api_keys.SCOPES],
        help="scope of the key; may be repeated (default: jobs:read and jobs:write)",
    )
    health = commands.add_parser("health", help="exit 0 if this host's worker or dispatcher sent a heartbeat")
    health.add_argument("part", choices=get_args(Part))
    arguments = parser.parse_args()
    close_to_others()
    try:
        _run(arguments)
    except DATABASE_UNAVAILABLE as error:
        sys.exit(f"the database of DATABASE_URL is unavailable: {in_one_line(error)}")
    except ProgrammingError as error:
        advice = "; run pruneserve-migrate first" if isinstance(error.orig, UndefinedTable) else ""
        sys.exit(f"the database of DATABASE_URL refuses: {in_one_line(error)}{advice}")


def _run(arguments: argparse.Namespace) -> None:
    if arguments.command == "health":
        sys.exit(_health(arguments.part))
    if arguments.command == "settings":
        print(as_table(), end="")
    else:
        print(_new_key(arguments.owner, arguments.name, arguments.scope or api_keys.ORDINARY_SCOPES))


def _new_key(owner: str, name: str, scopes: Iterable[str]) -> str:
    engine = engine_from(settings(), pool_size=1)
    try:
        with sessions(engine).begin() as session:
            row, key = api_keys.create_row(session, owner, name, scopes)
            audit.record_of_operator(session, Action.KEY_CREATED, f"key {row.id}", owner)
            return key
    finally:
        engine.dispose()


def _health(part: Part) -> str | None:
    """Return what is wrong; None if nothing is."""
    seconds = settings().lease_seconds
    engine = engine_from(settings(), pool_size=1)
    try:
        with sessions(engine).begin() as session:
            host = socket.gethostname()
            if is_alive(session, part, host, seconds):
                return None
            fault = fault_of(session, host, seconds) if part == "worker" else None
        if fault is not None:
            return f"the worker of this host is in quarantine: {' '.join(fault.split())}"
        return f"no {part} of this host sent a heartbeat in the last {seconds:g} s"
    finally:
        engine.dispose()


if __name__ == "__main__":
    main()

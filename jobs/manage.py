"""Administration of the database: `pruneserve-manage COMMAND`.

`new-key --owner ada` makes an API key in the database that `DATABASE_URL` names. On one machine
`pruneserve up` makes the first key; on servers of your own this command does. `health worker` and `health
scheduler` are for the health checks of containers.
`backup-check` verifies every file of the store that the database names, such as after a restore.
`reencrypt` encrypts the secrets of webhooks with the first of PRUNESERVE_SECRET_KEYS, so
that the others can be removed.
"""

import argparse
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import get_args

from psycopg.errors import UndefinedTable
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

import migrations
from jobs import limits
from jobs.access import api_keys, audit
from jobs.access.audit import Action
from jobs.database import DATABASE_UNAVAILABLE, connection_name, engine_from, in_one_line, sessions
from jobs.queue.workers import HeartbeatSender, has_live_process, quarantine_reason
from jobs.secret_files import close_to_others, program
from jobs.settings import settings
from jobs.storage.errors import StoreError
from jobs.storage.store import Store
from jobs.stored_files import file_faults, named_files
from jobs.webhooks import endpoints
from jobs.webhooks.endpoints import NoEncryptionKey, SecretBox


@program
def main() -> None:
    """Run the command that the command line names."""
    parser = argparse.ArgumentParser(
        prog="pruneserve-manage", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    new_key = commands.add_parser("new-key", help="print a new API key; it cannot be shown again")
    new_key.add_argument("--owner", required=True, help="owner of the jobs that the key makes and sees")
    new_key.add_argument("--name", default="", help="a note on what the key is for")
    new_key.add_argument(
        "--scope",
        action="append",
        choices=[*api_keys.SCOPES],
        help="scope of the key; may be repeated (default: jobs:read and jobs:write)",
    )
    check = commands.add_parser(
        "backup-check", help="exit 0 if the store has every file that the database names, as it was written"
    )
    check.add_argument("--sizes-only", action="store_true", help="compare sizes, and read no file")
    commands.add_parser("reencrypt", help="encrypt secrets with the first of PRUNESERVE_SECRET_KEYS")
    health = commands.add_parser("health", help="exit 0 if this host's worker or scheduler sent a heartbeat")
    health.add_argument("part", choices=get_args(HeartbeatSender))
    arguments = parser.parse_args()
    close_to_others()
    try:
        _run(arguments)
    except migrations.UnsupportedDatabase as error:
        sys.exit(str(error))
    except DATABASE_UNAVAILABLE as error:
        sys.exit(f"the database of DATABASE_URL is unavailable: {in_one_line(error)}")
    except ProgrammingError as error:
        advice = "; run pruneserve-migrate first" if isinstance(error.orig, UndefinedTable) else ""
        sys.exit(f"the database of DATABASE_URL refuses: {in_one_line(error)}{advice}")


def _run(arguments: argparse.Namespace) -> None:
    if arguments.command == "health":
        sys.exit(_health(arguments.part))
    if arguments.command == "backup-check":
        sys.exit(_backup_check(sizes_only=arguments.sizes_only))
    if arguments.command == "reencrypt":
        sys.exit(_reencrypt())
    print(_new_key(arguments.owner, arguments.name, arguments.scope or api_keys.ORDINARY_SCOPES))


def _backup_check(*, sizes_only: bool) -> str | None:
    """Print each file that is not what its row says. Return how many there are; None if all are right."""
    with _session() as session:
        migrations.require_known_schema(session.connection())
        files = named_files(session)
    try:
        at_fault = 0
        for fault in file_faults(Store(settings().store_url), files, sizes_only=sizes_only):
            print(f"{fault.key} {fault.message}")
            at_fault += 1
    except StoreError as error:
        return f"the store of STORE_URL cannot be used: {error}"
    if at_fault:
        return f"{at_fault} of {len(files)} named files are missing or damaged"
    how = "in its size" if sizes_only else "as it was written"
    print(f"{len(files)} files are named, and the store has each of them {how}")
    return None


def _reencrypt() -> str | None:
    """Print how many secrets were encrypted again. Return what is wrong; None if nothing is."""
    try:
        with _session() as session:
            encrypted, unreadable = endpoints.reencrypt(session, SecretBox(settings().secret_keys))
    except NoEncryptionKey:
        return "set PRUNESERVE_SECRET_KEYS: the new key first, then the old ones"
    if encrypted or not unreadable:
        print(f"{encrypted} secrets are encrypted with the first key now")
    if not unreadable:
        return None
    return (
        f"{unreadable} secrets stay as they are: none of the keys decrypts them; "
        "put the key that encrypted them last"
    )


@contextmanager
def _session() -> Iterator[Session]:
    engine = engine_from(settings(), name=connection_name("manage"), pool_size=1)
    try:
        with sessions(engine).begin() as session:
            yield session
    finally:
        engine.dispose()


def _new_key(owner: str, name: str, scopes: Iterable[str]) -> str:
    with _session() as session:
        row, key = api_keys.create(session, owner, name, scopes)
        audit.record_of_operator(session, Action.KEY_CREATED, f"key {row.id}", owner)
        return key


def _health(part: HeartbeatSender) -> str | None:
    """Return what is wrong; None if nothing is."""
    seconds = limits.LEASE_SECONDS
    with _session() as session:
        host = socket.gethostname()
        if has_live_process(session, part, host, seconds):
            return None
        fault = quarantine_reason(session, host, seconds) if part == "worker" else None
    if fault is not None:
        return f"the worker of this host is in quarantine: {' '.join(fault.split())}"
    return f"no {part} of this host sent a heartbeat in the last {seconds:g} s"


if __name__ == "__main__":
    main()

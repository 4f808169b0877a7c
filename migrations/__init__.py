"""The revisions of the database schema, run from inside the installed package.

Any number of processes may call `upgrade` at once: an advisory lock lets one work, and the others then find
nothing to do. docs/operations.md says how the schema may change from one release to the next.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.exc import OperationalError

from jobs.database import connection_name, sqlalchemy_url
from jobs.tables import Base

_OLDEST_POSTGRES = 18
_LOCK = 0x7072756E65  # any number, but the same in every release
_LOCK_TIMEOUT_SECONDS = 0.3
"""How long a revision waits for a table, and with it every request that comes for the table meanwhile."""
_LOOK_SECONDS = 0.2
_PATIENCE_SECONDS = 600.0
"""How long revisions are tried again, such as during a backup, which holds a lock on every table."""


class UnsupportedDatabase(Exception):
    """The server is too old for the schema. The message says which version is needed."""


def upgrade(database_url: str, revision: str = "head", *, app_role: str | None = None) -> None:
    """Upgrade the schema to `revision`, each revision in a transaction of its own.

    A revision that waits too long for a lock, behind which requests queue, or that deadlocks with a request,
    is rolled back and tried again.

    `app_role` is the role of API, dispatchers and workers, where it is not the one that owns the schema. It
    may read and write rows, and change nothing else. It keeps what it was granted before: processes of the
    previous release may still be working. Settings that it has given itself are taken away, if the connecting
    role may act as it.
    """
    with _locked(database_url) as connection:
        _patiently(connection, lambda: command.upgrade(_config(connection), revision))
        if app_role is not None:
            _grant(connection, app_role)
            _reset(connection, app_role)


def downgrade(database_url: str, revision: str) -> None:
    """Downgrade the schema to `revision`, as `upgrade` does; `base` removes everything."""
    with _locked(database_url) as connection:
        _patiently(connection, lambda: command.downgrade(_config(connection), revision))


@cache
def revisions() -> tuple[str, ...]:
    """Return the revisions that this release knows, the newest first."""
    script = ScriptDirectory(str(Path(__file__).parent))
    return tuple(revision.revision for revision in script.walk_revisions())


def draft(database_url: str, message: str) -> None:
    """Write a revision with what `jobs.tables` has and the database has not, for a developer to complete."""
    with _locked(database_url) as connection:
        command.revision(_config(connection), message, autogenerate=True)


def _grant(connection: Connection, role: str) -> None:
    quote = connection.dialect.identifier_preparer.quote
    connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {quote(role)}"))
    for table in Base.metadata.sorted_tables:
        rights = f"GRANT SELECT, INSERT, UPDATE, DELETE ON {quote(table.name)} TO {quote(role)}"
        connection.execute(text(rights))
    connection.execute(text(f"GRANT SELECT ON alembic_version TO {quote(role)}"))
    connection.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {quote(role)}"))


def _reset(connection: Connection, role: str) -> None:
    """Take away the settings of a role, such as a timeout: any role may change its own, for all sessions."""
    may = connection.execute(
        text("SELECT pg_has_role(CAST(:role AS name), 'SET')"), {"role": role}
    ).scalar_one()
    if not may:
        return
    quote = connection.dialect.identifier_preparer.quote
    database = connection.execute(text("SELECT current_database()")).scalar_one()
    connection.execute(text(f"SET LOCAL ROLE {quote(role)}"))
    connection.execute(text("ALTER ROLE CURRENT_USER RESET ALL"))
    connection.execute(text(f"ALTER ROLE CURRENT_USER IN DATABASE {quote(database)} RESET ALL"))
    connection.execute(text("RESET ROLE"))


def _patiently(connection: Connection, change: Callable[[], None]) -> None:
    """Run revisions, and those that are left again where one did not get its locks.

    Raises the last OperationalError once it has been tried for `_PATIENCE_SECONDS`.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            change()
        except OperationalError as error:
            connection.rollback()
            gives_way = isinstance(error.orig, (LockNotAvailable, DeadlockDetected))
            if not gives_way or time.monotonic() > deadline:
                raise
            time.sleep(1)
        else:
            return


@contextmanager
def _locked(database_url: str) -> Iterator[Connection]:
    # A prepared statement, which psycopg makes of the sixth of a kind, keeps its snapshot after its end.
    options = {"prepare_threshold": None, "application_name": connection_name("migrate")}
    engine = create_engine(sqlalchemy_url(database_url), hide_parameters=True, connect_args=options)
    try:
        # A transaction of its own holds the lock, so that the next process sees the finished schema, and each
        # revision can have its own. It is transaction-level: a pooler may give a session to somebody else.
        with engine.connect() as holder:
            _require_version(holder)
            _await_turn(holder)
            with engine.connect() as connection:
                event.listen(connection, "begin", _limit_waits)
                yield connection
                connection.commit()
            holder.commit()
    finally:
        engine.dispose()


def _await_turn(holder: Connection) -> None:
    """Wait for the lock by asking for it again and again, each time in a transaction of its own.

    An index that is built concurrently waits for the end of every older snapshot, and whoever builds it has
    the lock: a process that kept a snapshot while it waits would wait for one that waits for it. So would one
    that has the lock and a snapshot; a statement with parameters would keep one after its end.
    """
    while not holder.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({_LOCK})").scalar_one():
        holder.rollback()
        time.sleep(_LOOK_SECONDS)


def _limit_waits(connection: Connection) -> None:
    if (
        connection.get_isolation_level() != "AUTOCOMMIT"
    ):  # where an index is built, which keeps nobody waiting
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT_SECONDS}s'")


def _require_version(connection: Connection) -> None:
    version = connection.execute(text("SHOW server_version")).scalar_one()
    number = connection.execute(text("SELECT current_setting('server_version_num')::int")).scalar_one()
    if number < _OLDEST_POSTGRES * 10_000:
        raise UnsupportedDatabase(
            f"PostgreSQL {_OLDEST_POSTGRES} or newer is needed, for uuidv7(); this server is {version}"
        )


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config

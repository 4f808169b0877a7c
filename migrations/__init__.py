"""The revisions of the database schema, run from inside the installed package.

Any number of processes may call `upgrade` at once: an advisory lock lets one work, and the others then find
nothing to do. docs/operations.md says how the schema may change from one release to the next.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text

from jobs.database import sqlalchemy_url
from jobs.tables import Base

_OLDEST_POSTGRES = 18
_LOCK = 0x7072756E65  # any number, but the same in every release


class UnsupportedDatabase(Exception):
    """The server is too old for the schema. The message says which version is needed."""


def upgrade(database_url: str, revision: str = "head", *, app_role: str | None = None) -> None:
    """Upgrade the schema to `revision` in one transaction.

    `app_role` is the role of API, dispatchers and workers, where it is not the one that owns the schema. It
    may read and write rows, and change nothing else. It keeps what it was granted before: processes of the
    previous release may still be working. Settings that it has given itself are taken away, if the connecting
    role may act as it.
    """
    with _locked(database_url) as connection:
        command.upgrade(_config(connection), revision)
        if app_role is not None:
            _grant(connection, app_role)
            _reset(connection, app_role)


def downgrade(database_url: str, revision: str) -> None:
    """Downgrade the schema to `revision` in one transaction; `base` removes everything."""
    with _locked(database_url) as connection:
        command.downgrade(_config(connection), revision)


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


@contextmanager
def _locked(database_url: str) -> Iterator[Connection]:
    engine = create_engine(sqlalchemy_url(database_url), hide_parameters=True)
    try:
        with engine.begin() as connection:
            _require_version(connection)
            # Held to the end of the transaction, so that the next process sees the finished schema.
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            yield connection
    finally:
        engine.dispose()


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

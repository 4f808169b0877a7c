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

_OLDEST_POSTGRES = 18
_LOCK = 0x7072756E65  # any number, but the same in every release


class UnsupportedDatabase(Exception):
    """The server is too old for the schema. The message says which version is needed."""


def upgrade(database_url: str, revision: str = "head") -> None:
    """Upgrade the schema to `revision` in one transaction."""
    with _locked(database_url) as connection:
        command.upgrade(_config(connection), revision)


def downgrade(database_url: str, revision: str) -> None:
    """Downgrade the schema to `revision` in one transaction; `base` removes everything."""
    with _locked(database_url) as connection:
        command.downgrade(_config(connection), revision)


def draft(database_url: str, message: str) -> None:
    """Write a revision with what `jobs.tables` has and the database has not, for a developer to complete."""
    with _locked(database_url) as connection:
        command.revision(_config(connection), message, autogenerate=True)


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

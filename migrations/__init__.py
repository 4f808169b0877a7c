"""The database schema, made by revisions that run from inside the installed package.

Until 0.1.0 is released there is one revision, which is edited in place. Its digest is stored in the database,
so that a schema made by another state of it is refused: see "Changing the schema" in docs/runbook.md.
"""

import hashlib
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text

from jobs.database import connection_name, sqlalchemy_url
from jobs.tables import Base

INITIAL = Path(__file__).parent / "versions" / "0001_initial.sql"

_MIN_POSTGRES = 18
_LOCK = 0x7072756E65  # any number, but the same in every version


class UnsupportedDatabase(Exception):
    """The server is too old, or has another schema. The message has what to do."""


def upgrade(database_url: str, *, app_role: str | None = None) -> None:
    """Make the schema in one transaction, unless it is there.

    Any number of processes may call it at once. Raises UnsupportedDatabase, before anything is changed, if
    the schema was made by another state of the initial revision.

    `app_role` is the role of API, schedulers and workers, where it is not the one that owns the schema. It
    may read and write rows, and change nothing else. Settings that it has given itself are taken away, if the
    connecting role may act as it.
    """
    options = {"application_name": connection_name("migrate")}
    engine = create_engine(sqlalchemy_url(database_url), hide_parameters=True, connect_args=options)
    try:
        with engine.begin() as connection:
            _require_version(connection)
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            _require_same_schema(connection)
            command.upgrade(_config(connection), "head")
            connection.exec_driver_sql(f"COMMENT ON TABLE alembic_version IS '{schema_digest()}'")
            if app_role is not None:
                _grant(connection, app_role)
                _reset_role_settings(connection, app_role)
    finally:
        engine.dispose()


@cache
def schema_digest() -> str:
    """Return the SHA-256 of the initial revision, which is the comment on the table `alembic_version`."""
    return hashlib.sha256(INITIAL.read_bytes()).hexdigest()


def _require_same_schema(connection: Connection) -> None:
    if connection.execute(text("SELECT to_regclass('alembic_version')")).scalar_one() is None:
        return
    comment = text("SELECT obj_description('alembic_version'::regclass, 'pg_class')")
    found: str | None = connection.execute(comment).scalar_one()
    if found != schema_digest():
        raise UnsupportedDatabase(
            "the schema of this database was made by another state of PruneServe (its digest is "
            f"{(found or 'missing')[:12]}, and {schema_digest()[:12]} is needed), and before 0.1.0 none is "
            "migrated to another; nothing was changed. Use the version that made it, or an empty database "
            "(of `pruneserve up`: another --data directory), which begins without jobs and keys"
        )


def _require_version(connection: Connection) -> None:
    version = connection.execute(text("SHOW server_version")).scalar_one()
    number = connection.execute(text("SELECT current_setting('server_version_num')::int")).scalar_one()
    if number < _MIN_POSTGRES * 10_000:
        raise UnsupportedDatabase(
            f"PostgreSQL {_MIN_POSTGRES} or newer is needed, for uuidv7(); this server is {version}"
        )


def _grant(connection: Connection, role: str) -> None:
    quote = connection.dialect.identifier_preparer.quote
    connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {quote(role)}"))
    for table in Base.metadata.sorted_tables:
        rights = f"GRANT SELECT, INSERT, UPDATE, DELETE ON {quote(table.name)} TO {quote(role)}"
        connection.execute(text(rights))
    connection.execute(text(f"GRANT SELECT ON alembic_version TO {quote(role)}"))
    connection.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {quote(role)}"))


def _reset_role_settings(connection: Connection, role: str) -> None:
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


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config

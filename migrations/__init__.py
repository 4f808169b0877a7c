"""The database schema, made by revisions that run from inside the installed package.

A revision is `versions/NNNN_<name>.sql` and a module that runs it, and is never edited once it is released.
The digest of a database's revisions is stored in it, so that a schema of any other origin is refused.
"""

import hashlib
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text

from jobs.database import connection_name, sqlalchemy_url
from jobs.tables import Base

VERSIONS = Path(__file__).parent / "versions"

_MIN_POSTGRES = 18
_LOCK = 0x7072756E65  # any number, but the same in every version


class UnsupportedDatabase(Exception):
    """The server is too old, or has another schema. The message has what to do."""


def upgrade(database_url: str, *, app_role: str | None = None) -> None:
    """Bring the schema to the newest revision, in one transaction.

    Any number of processes may call it at once. Raises UnsupportedDatabase, before anything is changed, if
    the schema is newer, or was made by other revisions than those up to its own.

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
            require_known_schema(connection)
            command.upgrade(_config(connection), "head")
            connection.exec_driver_sql(f"COMMENT ON TABLE alembic_version IS '{schema_digest()}'")
            if app_role is not None:
                _grant(connection, app_role)
                _reset_role_settings(connection, app_role)
    finally:
        engine.dispose()


@cache
def schema_digest(revision: str = "9999") -> str:
    """Return the SHA-256 of the revisions up to `revision`: the comment on the table `alembic_version`."""
    files = sorted(file for file in VERSIONS.glob("*.sql") if file.name[:4] <= revision)
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def require_known_schema(connection: Connection) -> None:
    """Raise UnsupportedDatabase if there is a schema, and it was made by other revisions than these."""
    if connection.execute(text("SELECT to_regclass('alembic_version')")).scalar_one() is None:
        return
    query = (
        "SELECT version_num, obj_description('alembic_version'::regclass, 'pg_class') FROM alembic_version"
    )
    revision, found = connection.execute(text(query)).first() or ("missing", None)
    known = {file.name[:4] for file in VERSIONS.glob("*.sql")}
    if revision not in known or found != schema_digest(revision):
        raise UnsupportedDatabase(
            f"the schema of this database (revision {revision}, digest {(found or 'missing')[:12]}) was made "
            "by a newer PruneServe, or by none that was released; nothing was changed. Use the version that "
            "made it or a newer one, or an empty database (of `pruneserve up`: another --data directory), "
            "which begins without jobs and keys"
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
    config.set_main_option("script_location", str(VERSIONS.parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config

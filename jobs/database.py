"""Connections to PostgreSQL."""

from typing import Any

import psycopg
from psycopg import errors
from sqlalchemy import Engine, ExceptionContext, create_engine, event, exc, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session, sessionmaker

from jobs.settings import Settings

Database = sessionmaker[Session]
"""Makes sessions: `with database.begin() as session`."""

DATABASE_UNAVAILABLE = (exc.OperationalError, exc.InterfaceError, exc.TimeoutError)
"""What SQLAlchemy raises while PostgreSQL restarts or cannot be reached, or a wait exceeds its timeout."""

OTHER_SCHEMA = (exc.ProgrammingError, exc.NotSupportedError)
"""What SQLAlchemy raises where the schema is another one, or until the migrations have run."""

_OF_THE_SERVER = (
    errors.IdleInTransactionSessionTimeout,
    errors.TransactionTimeout,
    errors.ReadOnlySqlTransaction,  # after a failover, or where a managed server's disk is full
)
"""Errors for which psycopg says InternalError, although they say that the database is unavailable."""

IDLE_SECONDS = 15.0
"""After this time without a statement PostgreSQL ends a connection that is in a transaction.

Its process is frozen, or its host is gone, and what it has locked keeps all others waiting.
"""
LOCK_SECONDS = 5.0
"""After this time PostgreSQL cancels a statement that waits for a lock."""

STATEMENT_SECONDS = 5
"""After this time PostgreSQL cancels a statement of a request."""
_MAX_NAME_BYTES = 63  # PostgreSQL cuts longer ones

WRITE_TO_DISK = (
    "DO $$ BEGIN SET LOCAL work_mem = '64kB'; PERFORM count(*) FROM generate_series(1, 5000); END $$"
)
"""Makes PostgreSQL write a temporary file of some 100 KB, which takes a millisecond. On a full disk it raises
`psycopg.errors.DiskFull`, where reads succeed still. It needs no right, and writes no row."""

SCHEMA_DIGEST = "SELECT obj_description('alembic_version'::regclass, 'pg_class') FROM alembic_version"
"""Reads the digest of the schema: `migrations` has that of this version."""


def sqlalchemy_url(url: str) -> str:
    """Return the URL for SQLAlchemy with psycopg 3; `postgres://` and `postgresql://` are both accepted."""
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def libpq_url(url: str) -> str:
    """Return the URL for a psycopg connection without SQLAlchemy."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def connection_name(role: str, worker: str | None = None) -> str:
    """Return how `pg_stat_activity` shows a connection: by role, and with a worker's name if that fits."""
    name = f"pruneserve-{role}"
    full = f"{name} {worker}"
    return name if worker is None or len(full.encode()) > _MAX_NAME_BYTES else full


def name_in(url: str, name: str) -> str:
    """Return the name of a connection: the one in its URL, or else `name`.

    Behind a pooler all should share one. PgBouncer gives each transaction the name of its client, and sends
    the server a SET wherever that is another one than the transaction before had.
    """
    given = make_url(url).query.get("application_name")
    return given if isinstance(given, str) else name


def in_one_line(error: exc.SQLAlchemyError) -> str:
    """Return what the database or its driver says, without the statement and its parameters."""
    given = error.orig if isinstance(error, exc.DBAPIError) else error
    return str(given).strip().partition("\n")[0]


def waits_for_others(error: Exception) -> bool:
    """Whether others' locks are what kept a statement from its end: the database itself is there."""
    of_locks = (errors.LockNotAvailable, errors.DeadlockDetected)
    return isinstance(error, exc.DBAPIError) and isinstance(error.orig, of_locks)


def disk_is_full(session: Session) -> bool:
    """Whether PostgreSQL's disk is full; reads succeed even then. The session remains usable."""
    connection: Any = session.connection().connection.dbapi_connection  # of psycopg, which this does not say
    try:
        # In a savepoint, if the connection is in a transaction.
        with connection.transaction(force_rollback=True):
            connection.execute(WRITE_TO_DISK)
    except errors.DiskFull:
        return True
    except psycopg.Error:  # the next statement raises what it is
        return False
    return False


def engine_for_requests(settings: Settings) -> Engine:
    """Return an engine for requests.

    A statement that takes more than `STATEMENT_SECONDS` is cancelled, and raises OperationalError.
    """
    return engine_from(settings, name=connection_name("api"), statement_timeout=STATEMENT_SECONDS)


def engine_from(
    settings: Settings,
    *,
    name: str = "pruneserve",
    pool_size: int = 5,
    max_overflow: int | None = None,
    statement_timeout: float | None = None,
) -> Engine:
    """Return an engine that tests connections before use, so a restarted database costs one reconnect.

    `name`: of its connections, see `connection_name`, unless the URL has one.
    It keeps up to `pool_size` connections. Up to `max_overflow` more, by default as many, are opened while
    these are in use, and closed after it. A transaction that stays idle is ended after
    `IDLE_SECONDS`, and a wait for a lock raises OperationalError after `LOCK_SECONDS`.
    """
    limits = {"idle_in_transaction_session_timeout": IDLE_SECONDS, "lock_timeout": LOCK_SECONDS}
    if statement_timeout is not None:
        limits["statement_timeout"] = statement_timeout
    engine = create_engine(
        sqlalchemy_url(settings.database_url.get_secret_value()),
        pool_size=pool_size,
        max_overflow=pool_size if max_overflow is None else max_overflow,
        pool_timeout=5,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "connect_timeout": 5,
            "application_name": name_in(settings.database_url.get_secret_value(), name),
            # Without these, a read from a host that has vanished would block for hours.
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
        },
    )

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: object, _record: object, _arguments: list[Any], options: dict[str, Any]) -> None:
        given = [f"-c {name}={int(limit * 1000)}ms" for name, limit in limits.items()]
        options["options"] = " ".join(filter(None, (options.get("options"), *given)))  # after the URL's

    @event.listens_for(engine, "handle_error")
    def is_unavailable(context: ExceptionContext) -> None:
        if isinstance(context.original_exception, _OF_THE_SERVER):
            context.is_disconnect = True  # another connection may reach another server
            raise exc.OperationalError(
                context.statement,
                None,
                context.original_exception,
                hide_parameters=True,
                connection_invalidated=True,
            )

    return engine


def sessions(engine: Engine) -> Database:
    """Return a factory of sessions for short transactions: `with sessions.begin() as session`."""
    return sessionmaker(engine, expire_on_commit=False)


def advisory_lock(session: Session, name: str) -> None:
    """Let no other transaction take the lock of this name before this one ends."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))

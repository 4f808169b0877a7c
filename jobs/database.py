"""Connections to PostgreSQL."""

import select
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

import psycopg
from psycopg import errors
from psycopg.abc import PQGen
from sqlalchemy import Engine, ExceptionContext, create_engine, event, exc
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from jobs.settings import Settings

DATABASE_UNAVAILABLE = (exc.OperationalError, exc.InterfaceError, exc.TimeoutError)
"""What SQLAlchemy raises while PostgreSQL restarts or cannot be reached, or makes somebody wait too long."""

OTHER_SCHEMA = (exc.ProgrammingError, exc.NotSupportedError)
"""What SQLAlchemy raises where the schema is another one, or until the migrations have run."""

IDLE_SECONDS = 15.0
"""PostgreSQL ends a connection that asks nothing for so long in the middle of a transaction.

Its process is frozen, or its host is gone, and what it has locked keeps all others waiting.
"""
LOCK_SECONDS = 5.0
"""PostgreSQL cancels a statement that waits for a lock for so long."""

STATEMENT_SECONDS = 5
"""For a request, PostgreSQL cancels a statement after so long."""
_ANSWER_SECONDS = STATEMENT_SECONDS + 1.0
_PING_SECONDS = 2.0
_PING_AFTER_SECONDS = 1.0
_IDLE_SINCE = "idle since"
_LONGEST_NAME = 63  # PostgreSQL cuts longer ones

RV = TypeVar("RV")


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
    return name if worker is None or len(full.encode()) > _LONGEST_NAME else full


def name_in(url: str, name: str) -> str:
    """Return what a connection is called: what its URL says, or else `name`.

    Behind a pooler all should share one. PgBouncer gives each transaction the name of its client, and sends
    the server a SET wherever that is another one than the transaction before had.
    """
    said = make_url(url).query.get("application_name")
    return said if isinstance(said, str) else name


def in_one_line(error: exc.SQLAlchemyError) -> str:
    """Return what the database or its driver says, without the statement and its parameters."""
    said = error.orig if isinstance(error, exc.DBAPIError) else error
    return str(said).strip().partition("\n")[0]


def waits_for_others(error: Exception) -> bool:
    """Whether others' locks are what kept a statement from its end: the database itself is there."""
    of_locks = (errors.LockNotAvailable, errors.DeadlockDetected)
    return isinstance(error, exc.DBAPIError) and isinstance(error.orig, of_locks)


class ImpatientConnection(psycopg.Connection[Any]):
    """Gives up a server from which no byte comes: psycopg itself waits as long as the connection stands.

    The kernel of a host answers for processes that are frozen, so neither keepalives nor the timeouts of TCP
    notice them.
    """

    _is_pinged = False

    @contextmanager
    def pinged(self) -> Iterator[None]:
        """Wait for answers to the pool's ping only meanwhile."""
        self._is_pinged = True
        try:
            yield
        finally:
            self._is_pinged = False

    def wait(self, gen: PQGen[RV], *args: Any, **options: Any) -> RV:  # noqa: ANN401 - as the base class
        """Wait for an answer. Without one raises OperationalError, and closes the connection."""
        seconds = _PING_SECONDS if self._is_pinged else _ANSWER_SECONDS
        return super().wait(self._or_give_up(gen, seconds), *args, **options)

    def _or_give_up(self, gen: PQGen[RV], seconds: float) -> PQGen[RV]:
        try:
            awaited = next(gen)
            deadline = time.monotonic() + seconds
            while True:
                ready = yield awaited
                if ready:
                    deadline = time.monotonic() + seconds
                elif time.monotonic() > deadline:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"no answer within {seconds:g} s")
                awaited = gen.send(ready)
        except StopIteration as end:
            answer: RV = end.value
            return answer


def engine_for_requests(settings: Settings) -> Engine:
    """Return an engine for those who wait for an answer: a database that hangs is told them in seconds.

    A statement that takes more than `STATEMENT_SECONDS` is cancelled, and raises OperationalError like a
    server that is frozen.
    """
    engine = engine_from(settings, name=connection_name("api"))

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: object, _record: object, arguments: list[Any], options: dict[str, Any]) -> object:
        _limit(options, statement_timeout=STATEMENT_SECONDS)
        return ImpatientConnection.connect(*arguments, **options)

    return engine


def engine_from(
    settings: Settings, *, name: str = "pruneserve", pool_size: int = 5, max_overflow: int | None = None
) -> Engine:
    """Return an engine that tests connections before use, so a restarted database costs one reconnect.

    `name`: of its connections, see `connection_name`, unless the URL has one.
    It keeps up to `pool_size` connections. Up to `max_overflow` more, by default as many, are opened while
    these are in use, and closed after it. Whoever stops in the middle of a transaction loses it after
    `IDLE_SECONDS`, and who waits for a lock raises OperationalError after `LOCK_SECONDS`.
    """
    engine = create_engine(
        sqlalchemy_url(settings.database_url.get_secret_value()),
        pool_size=pool_size,
        max_overflow=pool_size if max_overflow is None else max_overflow,
        pool_timeout=5,
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

    _test_before_use(engine)

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: object, _record: object, _arguments: list[Any], options: dict[str, Any]) -> None:
        _limit(options, idle_in_transaction_session_timeout=IDLE_SECONDS, lock_timeout=LOCK_SECONDS)

    @event.listens_for(engine, "handle_error")
    def ended_while_idle(context: ExceptionContext) -> None:
        if isinstance(context.original_exception, errors.IdleInTransactionSessionTimeout):
            # psycopg takes it for an error in itself; it is a connection that is gone, like any other.
            raise exc.OperationalError(
                context.statement,
                None,
                context.original_exception,
                hide_parameters=True,
                connection_invalidated=True,
            )

    return engine


def _test_before_use(engine: Engine) -> None:
    """Let connections that lay idle be asked whether they still stand, before they are handed out.

    SQLAlchemy's `pool_pre_ping` asks each time, a round trip for each transaction. Of one that was used a
    moment ago it is enough to look whether bytes have come meanwhile: a server that stops, or ends a
    connection, says so. One that has vanished without a word is found out by its next statement, or by this
    once it lay idle for longer.
    """

    @event.listens_for(engine, "checkin")
    def note(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info[_IDLE_SINCE] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def test(connection: psycopg.Connection[Any], record: ConnectionPoolEntry, _proxy: object) -> None:
        since = record.info.get(_IDLE_SINCE)  # a new connection has none
        if since is None or (time.monotonic() - since < _PING_AFTER_SECONDS and _is_silent(connection)):
            return
        try:
            _ping(engine, connection)
        except psycopg.Error as error:
            raise exc.InvalidatePoolError from error


def _is_silent(connection: psycopg.Connection[Any]) -> bool:
    """Whether a connection is open and nothing has come that nobody has asked for."""
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)


def _ping(engine: Engine, connection: Any) -> None:  # noqa: ANN401 - psycopg's, which SQLAlchemy types otherwise
    with connection.pinged() if isinstance(connection, ImpatientConnection) else nullcontext():
        engine.dialect.do_ping(connection)


def _limit(options: dict[str, Any], **seconds: float) -> None:
    limits = [f"-c {name}={int(limit * 1000)}ms" for name, limit in seconds.items()]
    options["options"] = " ".join(filter(None, (options.get("options"), *limits)))


def sessions(engine: Engine) -> sessionmaker[Session]:
    """Return a factory of sessions for short transactions: `with sessions.begin() as session`."""
    return sessionmaker(engine, expire_on_commit=False)


def sessions_without_transactions(engine: Engine) -> sessionmaker[Session]:
    """Return a factory of sessions in which each statement commits by itself: `with sessions() as session`.

    Such a session saves the round trips for BEGIN and COMMIT. Queries that change nothing see the same with
    it: at PostgreSQL's usual level of isolation, each statement of a transaction sees what is committed when
    that statement begins. What takes locks or writes in several statements needs `sessions`.
    """
    return sessionmaker(engine.execution_options(isolation_level="AUTOCOMMIT"), expire_on_commit=False)

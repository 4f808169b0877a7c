"""Connections to PostgreSQL."""

from sqlalchemy import Engine, create_engine, exc
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session, sessionmaker

from jobs.settings import Settings

DATABASE_UNAVAILABLE = (exc.OperationalError, exc.InterfaceError, exc.TimeoutError)
"""What SQLAlchemy raises while PostgreSQL restarts or cannot be reached."""


def sqlalchemy_url(url: str) -> str:
    """Return the URL for SQLAlchemy with psycopg 3; `postgres://` and `postgresql://` are both accepted."""
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def libpq_url(url: str) -> str:
    """Return the URL for a psycopg connection without SQLAlchemy."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def in_one_line(error: exc.SQLAlchemyError) -> str:
    """Return what the database or its driver says, without the statement and its parameters."""
    said = error.orig if isinstance(error, exc.DBAPIError) else error
    return str(said).strip().partition("\n")[0]


def engine_from(settings: Settings, *, pool_size: int = 5) -> Engine:
    """Return an engine that tests each connection before use, so a restarted database costs one reconnect."""
    return create_engine(
        sqlalchemy_url(settings.database_url.get_secret_value()),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        pool_timeout=5,
        hide_parameters=True,
        connect_args={
            "connect_timeout": 5,
            "application_name": "pruneserve",
            # Without these, a read from a host that has vanished would block for hours.
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
        },
    )


def sessions(engine: Engine) -> sessionmaker[Session]:
    """Return a factory of sessions for short transactions: `with sessions.begin() as session`."""
    return sessionmaker(engine, expire_on_commit=False)

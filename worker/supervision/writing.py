"""Writes of a worker's parent process, which an outage of the database must not end."""

import logging
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

log = logging.getLogger(__name__)


def written(database: sessionmaker[Session], write: Callable[[Session], object]) -> bool:
    """Write to the database. Where that fails, the next heartbeat or the end of the lease makes up."""
    try:
        with database.begin() as session:
            write(session)
    except SQLAlchemyError as error:
        log.warning("could not write to the database (%s)", type(error).__name__)
        return False
    return True

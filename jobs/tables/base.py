"""What all tables share: names of constraints, types of columns, the clock."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, LargeBinary, MetaData, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """The base class of all tables. It names every constraint, so that migrations can refer to them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        str: Text,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(none_as_null=True),
        list[str]: ARRAY(Text),
        bytes: LargeBinary,
    }


NOW = func.clock_timestamp()
"""The database's clock, for what is written and for guards: after a wait for a lock it is the time then."""

SEARCH_NOW = func.statement_timestamp()
"""When the statement began, for searches by time: no index can be searched for a clock that advances."""


def first_id_at(moment: datetime) -> UUID:
    """Return the smallest id of a row that is made in this millisecond: a UUID of version 7 (RFC 9562).

    A bound on the id is read from the index of the list, which one on a time is not.
    """
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=max(milliseconds, 0) << 80 | 0x7 << 76 | 0b10 << 62)

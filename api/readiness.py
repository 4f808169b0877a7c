"""Asks PostgreSQL whether the process can serve requests, on a connection that nothing else uses.

It can if the schema has the newest revision that this release knows, or one that a later release has made:
such a one only adds to what this release needs.

The probe needs no thread and no connection of the pools that requests share, so it answers however busy these
are. Probes that come together share one question: whoever asks often costs no more.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from api.problems.problems import ServiceUnavailable

_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Revisions:
    """The revision of the schema, and the one that this release needs."""

    database: str
    release: str


class Readiness:
    """The probe's connection."""

    def __init__(self, database_url: str, revisions: Sequence[str]) -> None:
        """`database_url` is in libpq's own form; `revisions` are those of this release, the newest first."""
        self._url = database_url
        self._revisions = revisions
        self._connection: psycopg.AsyncConnection | None = None
        self._asking: asyncio.Task[str] | None = None

    async def check(self) -> Revisions:
        """Return the revisions of the schema and of this release.

        Raises ServiceUnavailable if PostgreSQL has no tables or older ones than this release needs, or does
        not answer within five seconds.
        """
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
            self._asking.add_done_callback(self._forget)
        # Not by the task's own limit alone: psycopg first asks a server that hangs to cancel the query.
        asked, _ = await asyncio.wait({self._asking}, timeout=_SECONDS)
        if not asked:
            raise ServiceUnavailable
        found, needed = await asked.pop(), self._revisions[0]
        if found in self._revisions[1:]:
            raise ServiceUnavailable(
                f"The database is at revision {found}, and this release needs {needed}. Run the migrations."
            )
        return Revisions(found, needed)

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                await connection.close()

    def _forget(self, asked: asyncio.Task[str]) -> None:
        self._asking = None
        if not asked.cancelled():
            asked.exception()  # otherwise asyncio logs it where every client has gone

    async def _ask(self) -> str:
        try:
            async with asyncio.timeout(_SECONDS):
                return await self._query_again_if_closed()
        except psycopg.errors.UndefinedTable as error:
            raise ServiceUnavailable("The database has no tables. Run the migrations.") from error
        except psycopg.errors.InsufficientPrivilege as error:
            unread = "The role may not read the schema's revision. Run the migrations with --app-role."
            raise ServiceUnavailable(unread) from error
        except (psycopg.Error, TimeoutError, OSError) as error:
            await self.close()
            raise ServiceUnavailable from error

    async def _query_again_if_closed(self) -> str:
        if self._connection is not None:
            try:
                return await self._query(self._connection)
            except psycopg.OperationalError:
                await self.close()  # PostgreSQL has been restarted since the last probe
        self._connection = await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, application_name="pruneserve-readiness"
        )
        return await self._query(self._connection)

    async def _query(self, connection: psycopg.AsyncConnection) -> str:
        asked = await connection.execute("SELECT version_num FROM alembic_version")
        row = await asked.fetchone()
        if row is None:
            raise ServiceUnavailable("The database has no tables. Run the migrations.")
        return str(row[0])

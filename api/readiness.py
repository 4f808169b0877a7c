"""Asks PostgreSQL whether the process can serve requests, on a connection that nothing else uses.

The probe needs no thread and no connection of the pools that requests share, so it answers however busy these
are. Probes that come together share one question: whoever asks often costs no more.
"""

import asyncio
import contextlib

import psycopg

from api.problems.problems import ServiceUnavailable

_SECONDS = 5.0


class Readiness:
    """The probe's connection."""

    def __init__(self, database_url: str) -> None:
        """`database_url` is in libpq's own form."""
        self._url = database_url
        self._connection: psycopg.AsyncConnection | None = None
        self._asking: asyncio.Task[None] | None = None

    async def check(self) -> None:
        """Raise ServiceUnavailable if PostgreSQL has no tables, or does not answer within five seconds."""
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
            self._asking.add_done_callback(self._forget)
        # Not by the task's own limit alone: psycopg first asks a server that hangs to cancel the query.
        asked, _ = await asyncio.wait({self._asking}, timeout=_SECONDS)
        if not asked:
            raise ServiceUnavailable
        await asked.pop()

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                await connection.close()

    def _forget(self, asked: asyncio.Task[None]) -> None:
        self._asking = None
        if not asked.cancelled():
            asked.exception()  # otherwise asyncio logs it where every client has gone

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(_SECONDS):
                await self._query_again_if_closed()
        except psycopg.errors.UndefinedTable as error:
            raise ServiceUnavailable("The database has no tables. Run the migrations.") from error
        except (psycopg.Error, TimeoutError, OSError) as error:
            await self.close()
            raise ServiceUnavailable from error

    async def _query_again_if_closed(self) -> None:
        if self._connection is not None:
            try:
                await self._query(self._connection)
                return
            except psycopg.OperationalError:
                await self.close()  # PostgreSQL has been restarted since the last probe
        self._connection = await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, application_name="pruneserve-readiness"
        )
        await self._query(self._connection)

    async def _query(self, connection: psycopg.AsyncConnection) -> None:
        await connection.execute("SELECT FROM jobs LIMIT 0")

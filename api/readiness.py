"""Asks PostgreSQL whether the process can serve requests, on a connection that nothing else uses.

It can if the schema is the one that this version makes, and if there is room on the database's disk.

The probe needs no thread and no connection of the pools that requests share, so it answers however busy these
are. Probes that come together share one question, and an answer serves those of the next two seconds, while
the next is asked for: frequent probes cost no more, and do not wait for the database.
"""

import asyncio
import contextlib
import time
from typing import ClassVar

import psycopg

from api.problems.problems import DISK_FULL, ServiceUnavailable
from jobs.database import WRITE_TO_DISK, connection_name, name_in

_SECONDS = 5.0


class Readiness:
    """The probe's connection, and its last good answer."""

    remembered_seconds: ClassVar[float] = 2.0

    def __init__(self, database_url: str, schema_digest: str) -> None:
        """`database_url` is in libpq's own form; `schema_digest` is that of `migrations`."""
        self._url = database_url
        self._schema_digest = schema_digest
        self._connection: psycopg.AsyncConnection | None = None
        self._asking: asyncio.Task[None] | None = None
        self._answered_at: float | None = None

    async def check(self) -> None:
        """Return if the process can serve requests.

        Raises ServiceUnavailable if PostgreSQL has no tables or those of another schema, has no room on its
        disk, or does not answer within five seconds.
        """
        if self._answered_at is not None:
            age = time.monotonic() - self._answered_at
            if age < self.remembered_seconds:
                if age > self.remembered_seconds / 2:
                    self._ask_once()
                return
        # Not by the task's own limit alone: psycopg first asks a server that hangs to cancel the query.
        asked, _ = await asyncio.wait({self._ask_once()}, timeout=_SECONDS)
        if not asked:
            raise ServiceUnavailable
        await asked.pop()

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                await connection.close()

    def _ask_once(self) -> "asyncio.Task[None]":
        """Return the question that is under way, or a new one."""
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
            self._asking.add_done_callback(self._answered)
        return self._asking

    def _answered(self, asked: "asyncio.Task[None]") -> None:
        self._asking, self._answered_at = None, None
        # Looked at in any case: otherwise asyncio logs it where every client has gone.
        if not asked.cancelled() and asked.exception() is None:
            self._answered_at = time.monotonic()

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(_SECONDS):
                found = await self._query_again_if_closed()
        except psycopg.errors.DiskFull as error:
            raise ServiceUnavailable(DISK_FULL) from error
        except psycopg.errors.UndefinedTable as error:
            raise ServiceUnavailable("The database has no tables. Run the migrations.") from error
        except psycopg.errors.InsufficientPrivilege as error:
            unread = "The role may not read the schema's digest. Run the migrations with --app-role."
            raise ServiceUnavailable(unread) from error
        except (psycopg.Error, TimeoutError, OSError) as error:
            await self.close()
            raise ServiceUnavailable from error
        if found != self._schema_digest:
            raise ServiceUnavailable(
                "The schema was made by another state of PruneServe. Use the version that made it, "
                "or an empty database."
            )

    async def _query_again_if_closed(self) -> str | None:
        if self._connection is not None:
            try:
                return await self._query(self._connection)
            except psycopg.errors.DiskFull:
                raise
            except psycopg.OperationalError:
                await self.close()  # PostgreSQL has been restarted since the last probe
        self._connection = await psycopg.AsyncConnection.connect(
            self._url,
            autocommit=True,
            application_name=name_in(self._url, connection_name("api-readiness")),
        )
        return await self._query(self._connection)

    async def _query(self, connection: psycopg.AsyncConnection) -> str | None:
        """Return the digest of the schema; None where it has none."""
        digest = "SELECT obj_description('alembic_version'::regclass, 'pg_class') FROM alembic_version"
        asked = await connection.execute(digest)
        row = await asked.fetchone()
        if row is None:
            raise ServiceUnavailable("The database has no tables. Run the migrations.")
        await connection.execute(WRITE_TO_DISK)
        return None if row[0] is None else str(row[0])

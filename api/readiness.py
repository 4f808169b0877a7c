"""Asks PostgreSQL whether the process can serve requests, on a connection that nothing else uses.

It can if the schema is the one that this version makes, and if there is room on the database's disk.

The probe needs no thread and no connection of the pools that requests share, so it responds however busy
these are. Concurrent probes share one query, and its result serves those of the next two seconds, while the
next query runs: frequent probes cost no more, and do not wait for the database.
"""

import asyncio
import time
from typing import ClassVar

import psycopg

from api.problems.catalogue import DISK_FULL, ServiceUnavailable
from jobs.database import SCHEMA_DIGEST, WRITE_TO_DISK, connection_name, name_in

_TIMEOUT_SECONDS = 5.0


class Readiness:
    """The probe's last good result, and the check that runs."""

    cache_seconds: ClassVar[float] = 2.0

    def __init__(self, database_url: str, schema_digest: str) -> None:
        """`database_url` is in libpq's own form; `schema_digest` is that of `migrations`."""
        self._url = database_url
        self._schema_digest = schema_digest
        self._running: asyncio.Task[None] | None = None
        self._succeeded_at: float | None = None

    async def check(self) -> None:
        """Return if the process can serve requests.

        Raises ServiceUnavailable if PostgreSQL has no tables or those of another schema, has no room on its
        disk, or does not respond within five seconds.
        """
        if self._succeeded_at is not None:
            age = time.monotonic() - self._succeeded_at
            if age < self.cache_seconds:
                if age > self.cache_seconds / 2:
                    self._start_check()
                return
        # Not by the task's own limit alone: psycopg first asks a server that hangs to cancel the query.
        done, _ = await asyncio.wait({self._start_check()}, timeout=_TIMEOUT_SECONDS)
        if not done:
            raise ServiceUnavailable
        await done.pop()

    def _start_check(self) -> "asyncio.Task[None]":
        """Return the check that runs, or start one."""
        if self._running is None:
            self._running = asyncio.create_task(self._check_database())
            self._running.add_done_callback(self._finish_check)
        return self._running

    def _finish_check(self, check: "asyncio.Task[None]") -> None:
        self._running, self._succeeded_at = None, None
        # Retrieved in any case: otherwise asyncio logs it where every client has gone.
        if not check.cancelled() and check.exception() is None:
            self._succeeded_at = time.monotonic()

    async def _check_database(self) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                found = await self._query()
        except psycopg.errors.DiskFull as error:
            raise ServiceUnavailable(DISK_FULL) from error
        except psycopg.errors.UndefinedTable as error:
            raise ServiceUnavailable("The database has no tables. Run the migrations.") from error
        except psycopg.errors.InsufficientPrivilege as error:
            unread = "The role may not read the schema's digest. Run the migrations with --app-role."
            raise ServiceUnavailable(unread) from error
        except (psycopg.Error, TimeoutError, OSError) as error:
            raise ServiceUnavailable from error
        if found != self._schema_digest:
            raise ServiceUnavailable(
                "The schema is that of another version of PruneServe. Run the migrations of this version, "
                "or use the version that made it."
            )

    async def _query(self) -> str | None:
        """Return the digest of the schema; None where it has none."""
        name = name_in(self._url, connection_name("api-readiness"))
        connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True, application_name=name)
        try:
            row = await (await connection.execute(SCHEMA_DIGEST)).fetchone()
            if row is None:
                raise ServiceUnavailable("The database has no tables. Run the migrations.")
            await connection.execute(WRITE_TO_DISK)
        finally:
            await connection.close()  # as a context manager, it would first wait for a rollback
        return None if row[0] is None else str(row[0])

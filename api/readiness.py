"""Asks PostgreSQL whether the process can serve requests, on a connection that nothing else uses.

It can if the schema has the newest revision that this release knows, or one that a later release has made,
which only adds to what this release needs, and if there is room on the database's disk.

The probe needs no thread and no connection of the pools that requests share, so it answers however busy these
are. Probes that come together share one question, and an answer serves those of the next two seconds, while
the next is asked for: whoever asks often costs no more, and does not wait for the database.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import psycopg

from api.problems.problems import DISK_FULL, ServiceUnavailable
from jobs.database import WRITE_TO_DISK, connection_name, name_in

_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Revisions:
    """The revision of the schema, and the one that this release needs."""

    database: str
    release: str


class Readiness:
    """The probe's connection, and its last good answer."""

    remembered_seconds: ClassVar[float] = 2.0

    def __init__(self, database_url: str, revisions: Sequence[str]) -> None:
        """`database_url` is in libpq's own form; `revisions` are those of this release, the newest first."""
        self._url = database_url
        self._revisions = revisions
        self._connection: psycopg.AsyncConnection | None = None
        self._asking: asyncio.Task[Revisions] | None = None
        self._last: Revisions | None = None
        self._answered_at = 0.0

    async def check(self) -> Revisions:
        """Return the revisions of the schema and of this release.

        Raises ServiceUnavailable if PostgreSQL has no tables or older ones than this release needs, has no
        room on its disk, or does not answer within five seconds.
        """
        age = time.monotonic() - self._answered_at
        if self._last is not None and age < self.remembered_seconds:
            if age > self.remembered_seconds / 2:
                self._ask_once()
            return self._last
        # Not by the task's own limit alone: psycopg first asks a server that hangs to cancel the query.
        asked, _ = await asyncio.wait({self._ask_once()}, timeout=_SECONDS)
        if not asked:
            raise ServiceUnavailable
        return await asked.pop()

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                await connection.close()

    def _ask_once(self) -> "asyncio.Task[Revisions]":
        """Return the question that is under way, or a new one."""
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
            self._asking.add_done_callback(self._answered)
        return self._asking

    def _answered(self, asked: "asyncio.Task[Revisions]") -> None:
        self._asking, self._last = None, None
        # Looked at in any case: otherwise asyncio logs it where every client has gone.
        if not asked.cancelled() and asked.exception() is None:
            self._last, self._answered_at = asked.result(), time.monotonic()

    async def _ask(self) -> Revisions:
        try:
            async with asyncio.timeout(_SECONDS):
                found = await self._query_again_if_closed()
        except psycopg.errors.DiskFull as error:
            raise ServiceUnavailable(DISK_FULL) from error
        except psycopg.errors.UndefinedTable as error:
            raise ServiceUnavailable("The database has no tables. Run the migrations.") from error
        except psycopg.errors.InsufficientPrivilege as error:
            unread = "The role may not read the schema's revision. Run the migrations with --app-role."
            raise ServiceUnavailable(unread) from error
        except (psycopg.Error, TimeoutError, OSError) as error:
            await self.close()
            raise ServiceUnavailable from error
        if found in self._revisions[1:]:
            raise ServiceUnavailable(
                f"The database is at revision {found}, and this release needs {self._revisions[0]}. "
                "Run the migrations."
            )
        return Revisions(found, self._revisions[0])

    async def _query_again_if_closed(self) -> str:
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

    async def _query(self, connection: psycopg.AsyncConnection) -> str:
        asked = await connection.execute("SELECT version_num FROM alembic_version")
        row = await asked.fetchone()
        if row is None:
            raise ServiceUnavailable("The database has no tables. Run the migrations.")
        await connection.execute(WRITE_TO_DISK)
        return str(row[0])

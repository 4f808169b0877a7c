"""PostgreSQL's NOTIFY and LISTEN, on two channels: for the queue and for events.

A notification is sent by the transaction that causes it, and only says that there is something to read. One
that arrives twice costs a read, and one that is lost a delay: schedulers and the streams of the API read at
intervals as well, and after each reconnect. One connection listens for a whole process.
"""

import asyncio
import contextlib
import itertools
import logging
import math
from collections.abc import AsyncIterator
from typing import Self
from uuid import UUID

import psycopg
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from jobs.database import connection_name, libpq_url
from jobs.settings import Settings

QUEUE = "pruneserve_queue"
"""The channel of schedulers: a job is new, may be claimed or has ended, or a worker is there or idle."""
EVENTS = "pruneserve_events"
"""The channel of streams. The payload is `of_job` or `of_owner`."""

_PENDING = "notifications"
_SEND = text(
    "SELECT pg_notify(channel, payload) "
    "FROM unnest(CAST(:channels AS text[]), CAST(:payloads AS text[])) AS sent (channel, payload)"
)

log = logging.getLogger(__name__)

_RECONNECT_SECONDS = 1.0

_LOG_AGAIN_SECONDS = 60.0
"""How often a loss is logged, where connections are lost one after the other or none is to be had."""


def of_job(job_id: UUID) -> str:
    """Return the payload that streams of a job wait for."""
    return f"job {job_id}"


def of_owner(owner: str) -> str:
    """Return the payload that lists of an owner's jobs wait for."""
    return f"owner {owner}"


def notify_on_commit(session: Session, channel: str, *payloads: str) -> None:
    """Notify a channel once the transaction commits: of each payload, or of an empty one."""
    pending = session.info.setdefault(_PENDING, {})
    pending.update(dict.fromkeys((channel, payload) for payload in payloads or ("",)))


@event.listens_for(Session, "before_commit")
def _send(session: Session) -> None:
    # Together and last: commits that notify wait for each other, on the whole server.
    if session.in_nested_transaction() or not (pending := session.info.pop(_PENDING, None)):
        return
    channels, payloads = zip(*pending, strict=True)
    session.connection().execute(_SEND, {"channels": [*channels], "payloads": [*payloads]})


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    if not session.in_nested_transaction():
        session.info.pop(_PENDING, None)


class Subscription:
    """What one stream waits on. A notification between two waits is kept: the second wait returns at once."""

    def __init__(self) -> None:
        self._notified = asyncio.Event()

    def notify(self) -> None:
        """Wake the stream."""
        self._notified.set()

    async def wait(self, seconds: float) -> bool:
        """Return whether a notification came within `seconds`, or since the last wait."""
        try:
            await asyncio.wait_for(self._notified.wait(), seconds)
        except TimeoutError:
            return False
        finally:
            self._notified.clear()
        return True


class Listener:
    """The LISTEN connection of a process to one channel, and the subscriptions to its payloads."""

    def __init__(self, database_url: str, channel: str, name: str = "pruneserve") -> None:
        """`database_url` is in libpq's own form. `name` is that of the connection."""
        self.url = database_url
        self._channel = channel
        self._name = name
        self._subscriptions: dict[str | None, set[Subscription]] = {}
        self.connected = False
        self.closed = False
        self._logged_at: dict[int, float] = {}  # by level: what is lost hides no fault of ours

    @classmethod
    def of(cls, settings: Settings, channel: str, role: str) -> Self:
        """Return one that listens where the settings say: at PostgreSQL's own address next to a pooler."""
        url = settings.listen_url or settings.database_url
        return cls(libpq_url(url.get_secret_value()), channel, connection_name(f"{role}-events"))

    @contextlib.asynccontextmanager
    async def subscribe(self, payload: str) -> AsyncIterator[Subscription]:
        """Subscribe to a payload. Read the table once after subscribing."""
        subscription = Subscription()
        subscribed = self._subscriptions.setdefault(payload, set())
        subscribed.add(subscription)
        try:
            yield subscription
        finally:
            subscribed.discard(subscription)
            if not subscribed:
                self._subscriptions.pop(payload, None)

    def close(self) -> None:
        """Wake every stream for the last time: each sees `closed` and ends."""
        self.closed = True
        self._notify_all()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen in the background; on exit, end all streams."""
        task = asyncio.create_task(self._listen_forever())
        try:
            yield
        finally:
            self.close()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _listen_forever(self) -> None:
        while True:
            try:
                await self._listen()
            except psycopg.Error as error:
                lost = "the connection that listens for events was lost: %s"
                self._log(logging.WARNING, lost, type(error).__name__)
            except Exception:
                self._log(logging.ERROR, "listening for events failed; it is tried again", exc_info=True)
            finally:
                self.connected = False
            await asyncio.sleep(_RECONNECT_SECONDS)

    def _log(self, level: int, message: str, *names: str, exc_info: bool = False) -> None:
        now = asyncio.get_running_loop().time()
        is_due = now - self._logged_at.get(level, -math.inf) >= _LOG_AGAIN_SECONDS
        if is_due:
            self._logged_at[level] = now
        log.log(level if is_due else logging.DEBUG, message, *names, exc_info=exc_info)

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(
            self.url,
            autocommit=True,
            connect_timeout=5,
            application_name=self._name,
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
        )
        async with connection:
            await connection.execute(f"LISTEN {self._channel}".encode())
            self.connected = True
            self._notify_all()
            async for notification in connection.notifies():
                for subscription in self._subscriptions.get(notification.payload, ()):
                    subscription.notify()

    def _notify_all(self) -> None:
        for subscription in itertools.chain(*self._subscriptions.values()):
            subscription.notify()

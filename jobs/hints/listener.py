"""Listens for PostgreSQL notifications and wakes who waits for them: streams of the API, and dispatchers.

One connection serves the whole process. It listens on the channels of what open streams show, and says so by
advisory locks, see `jobs.hints.hints`. A notification names a subject only; the stream that it wakes
reads the events from the table. So one that arrives twice costs a read, and one that is lost costs a delay:
streams also read at intervals, and all of them after each reconnect.

A writer has a channel's lock until it has committed, and where many follow on each other the process may try
for long in vain. Meanwhile some of them send no notification, so the channel's streams read every second.
"""

import asyncio
import contextlib
import itertools
import logging
import math
from collections import Counter
from collections.abc import AsyncIterator, Collection
from typing import Any, Self

import psycopg

from jobs.database import connection_name, libpq_url
from jobs.hints import hints
from jobs.settings import Settings

log = logging.getLogger(__name__)

_RECONNECT_SECONDS = 1.0
_SAY_AGAIN_SECONDS = 60.0
"""How often a loss is warned of, where connections are lost one after the other or none is to be had; and how
often an error that nobody expects is logged."""
_LISTEN_SECONDS = 2.0
"""How long a stream waits until it is listened for. Then it begins all the same, and reads at intervals."""
_RETRY_SECONDS = 0.02
_UNHEARD_SECONDS = 1.0
"""How often the streams of a channel read whose lock writers have."""

_LOCK = "SELECT n FROM unnest(%s::int[]) AS n WHERE pg_try_advisory_lock_shared(%s, n)"
_UNLOCK = "SELECT n FROM unnest(%s::int[]) AS n WHERE pg_advisory_unlock_shared(%s, n)"


class Subscription:
    """What one stream waits on. A notification between two waits is kept: the second wait returns at once."""

    def __init__(self, notification: int) -> None:
        """`notification` is the number of the process's latest notification."""
        self.last_notification = notification
        self._notified = asyncio.Event()

    def notify(self, number: int) -> None:
        """Wake the stream. Streams with equal numbers were woken by the same notification."""
        self.last_notification = number
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


class _Channels:
    """The channels that the process listens on, and those that it wants to."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self._wanted: Counter[int] = Counter()
        self._heard: dict[int, asyncio.Event] = {}
        self._locked: set[int] = set()
        self._unheard: dict[int, float] = {}  # when its streams were last told to read

    def want(self, number: int, streams: int) -> None:
        """Count so many streams more, or fewer, on a channel."""
        self._wanted[number] += streams
        self.changed.set()

    def lost(self) -> None:
        """Begin anew: the connection was lost, and with it all channels."""
        self._locked.clear()
        self._unheard.clear()
        for heard in self._heard.values():
            heard.clear()

    async def heard(self, number: int) -> None:
        """Wait until the process listens on a channel that is wanted."""
        await self._heard.setdefault(number, asyncio.Event()).wait()

    async def follow(self, connection: psycopg.AsyncConnection[Any]) -> Collection[int]:
        """Listen on the channels that are wanted, and no longer on others.

        Returns those whose streams must read now, because writers may have told them nothing.
        """
        self.changed.clear()
        self._wanted = +self._wanted
        wanted = set(self._wanted)
        for number in self._locked - wanted:  # before it ends: a new stream must wait until it begins again
            self._heard.pop(number, None)
        await self._end(connection, self._locked - wanted)
        await self._begin(connection, wanted - self._locked)
        for number in wanted & self._locked:
            self._heard.setdefault(number, asyncio.Event()).set()
        return self._must_read(wanted - self._locked)

    def _must_read(self, without_lock: Collection[int]) -> Collection[int]:
        """Try again soon for these channels. Returns those to read, with those that waited until now."""
        loop = asyncio.get_running_loop()
        if without_lock:
            loop.call_later(_RETRY_SECONDS, self.changed.set)
        now = loop.time()
        due = {
            number
            for number, told_at in self._unheard.items()
            if number in self._locked or now - told_at >= _UNHEARD_SECONDS
        }
        self._unheard = {
            number: now if number in due else self._unheard.get(number, now) for number in without_lock
        }
        return due

    async def _begin(self, connection: psycopg.AsyncConnection[Any], numbers: Collection[int]) -> None:
        if numbers:
            await connection.execute(_each("LISTEN", numbers))
            locked = await connection.execute(_LOCK, ([*numbers], hints.LOCK))
            self._locked |= {number for (number,) in await locked.fetchall()}

    async def _end(self, connection: psycopg.AsyncConnection[Any], numbers: Collection[int]) -> None:
        if numbers:
            await connection.execute(_UNLOCK, ([*numbers], hints.LOCK))
            await connection.execute(
                "; ".join(f"UNLISTEN {hints.channel(each)}" for each in numbers).encode()
            )
            self._locked -= {*numbers}


def _each(command: str, numbers: Collection[int]) -> bytes:
    return "; ".join(f"{command} {hints.channel(number)}" for number in numbers).encode()


class EventListener:
    """The LISTEN connection of the process, and the subscriptions of all open streams."""

    def __init__(self, database_url: str, name: str = "pruneserve") -> None:
        """`database_url` is in libpq's own form. `name` is that of the connection."""
        self.url = database_url
        self._name = name
        self._subscriptions: dict[str | None, set[Subscription]] = {}
        self._channels = _Channels()
        self._notifications = 0
        self.connected = False
        self.closed = False
        self._said_at: dict[int, float] = {}  # by level: what is lost hides no fault of ours

    @classmethod
    def of(cls, settings: Settings, role: str) -> Self:
        """Return one that listens where the settings say: at PostgreSQL's own address beside a pooler."""
        url = settings.listen_url or settings.database_url
        return cls(libpq_url(url.get_secret_value()), connection_name(f"{role}-events"))

    @contextlib.asynccontextmanager
    async def subscribe(self, subject: str | None) -> AsyncIterator[Subscription]:
        """Subscribe to a subject; None: to nothing but the end. Read the table once after subscribing."""
        subscription = Subscription(self._notifications)
        subscribed = self._subscriptions.setdefault(subject, set())
        subscribed.add(subscription)
        try:
            if subject is None:
                yield subscription
            else:
                async with self._listened_for(hints.number_of(subject)):
                    yield subscription
        finally:
            subscribed.discard(subscription)
            if not subscribed:
                self._subscriptions.pop(subject, None)

    @contextlib.asynccontextmanager
    async def _listened_for(self, number: int) -> AsyncIterator[None]:
        self._channels.want(number, 1)
        try:
            if self.connected:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._channels.heard(number), _LISTEN_SECONDS)
            yield
        finally:
            self._channels.want(number, -1)

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
                self._say(logging.WARNING, lost, type(error).__name__)
            except Exception:
                self._say(logging.ERROR, "listening for events failed; it is tried again", exc_info=True)
            finally:
                self.connected = False
            await asyncio.sleep(_RECONNECT_SECONDS)

    def _say(self, level: int, message: str, *names: str, exc_info: bool = False) -> None:
        now = asyncio.get_running_loop().time()
        is_due = now - self._said_at.get(level, -math.inf) >= _SAY_AGAIN_SECONDS
        if is_due:
            self._said_at[level] = now
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
            self._channels.lost()
            await self._channels.follow(connection)
            self.connected = True
            self._notify_all()
            while True:
                await self._read_until_changed(connection)
                self._notify_channels(await self._channels.follow(connection))

    async def _read_until_changed(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Wake streams until other channels are wanted. Raises what ends the connection."""
        reading = asyncio.create_task(self._read(connection))
        changed = asyncio.create_task(self._channels.changed.wait())
        try:
            await asyncio.wait((reading, changed), return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
            reading.cancel()
            # To await `reading` would take the cancellation of this task for that of the other.
            await asyncio.wait((reading, changed))
        if not reading.cancelled():
            reading.result()

    async def _read(self, connection: psycopg.AsyncConnection[Any]) -> None:
        async for notification in connection.notifies():
            self._notify(*self._subscriptions.get(notification.payload, ()))

    def _notify(self, *subscriptions: Subscription) -> None:
        self._notifications += 1
        for subscription in subscriptions:
            subscription.notify(self._notifications)

    def _notify_channels(self, numbers: Collection[int]) -> None:
        for subject, subscriptions in self._subscriptions.items() if numbers else ():
            if subject is not None and hints.number_of(subject) in numbers:
                self._notify(*subscriptions)

    def _notify_all(self) -> None:
        self._notify(*itertools.chain(*self._subscriptions.values()))

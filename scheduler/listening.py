"""Runs rounds at once when the queue has changed, and after the connection was lost, when it is there again.

Rounds go on at their own pace, and find what was not notified.
"""

import asyncio
from collections.abc import Callable

from jobs.listener import Listener
from jobs.notify import QUEUE
from jobs.settings import Settings
from scheduler.background import Background

_SECONDS_AFTER_FAILURE = 5.0
_WAIT_SECONDS = 3600.0


class Listening(Background):
    """Listens to the channel of the queue."""

    name = "listening"

    def __init__(self, settings: Settings, wake: Callable[[], object]) -> None:
        """`wake` is called, from another thread, for each notification."""
        super().__init__(_SECONDS_AFTER_FAILURE, at_once=True)
        self._settings = settings
        self._wake = wake

    def round(self) -> None:
        """Listen. It ends with the process: the listener itself connects again."""
        asyncio.run(self._listen())

    async def _listen(self) -> None:
        listener = Listener.of(self._settings, QUEUE, "scheduler")
        async with listener.listening(), listener.subscribe("") as subscription:
            while not listener.closed:
                if await subscription.wait(_WAIT_SECONDS):
                    self._wake()

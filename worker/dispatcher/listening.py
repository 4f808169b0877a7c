"""Hears when jobs are submitted and workers are free, so that nobody waits for the dispatcher's next round.

It listens as an API process does, see `jobs.hints`. Rounds go on at their own pace, and find what is not told
here: all of it, while the connection is lost.
"""

import asyncio
from collections.abc import Callable, Mapping

from jobs.hints.listener import EventListener
from jobs.settings import Settings
from worker.dispatcher.background import Background

_SECONDS_AFTER_FAILURE = 5.0
_WAIT_SECONDS = 3600.0


class Listening(Background):
    """Wakes others when a subject is named, and after the connection was lost, when it is there again."""

    name = "listening"

    def __init__(self, settings: Settings, wake: Mapping[str, Callable[[], object]]) -> None:
        """`wake`: by subject what to call, from another thread."""
        super().__init__(_SECONDS_AFTER_FAILURE, at_once=True)
        self._settings = settings
        self._wake = wake

    def round(self) -> None:
        """Listen. It ends with the process: the listener itself connects again."""
        asyncio.run(self._listen())

    async def _listen(self) -> None:
        listener = EventListener.of(self._settings, "dispatcher")
        async with listener.listening(), asyncio.TaskGroup() as following:
            for subject, wake in self._wake.items():
                following.create_task(self._follow(listener, subject, wake))

    async def _follow(self, listener: EventListener, subject: str, wake: Callable[[], object]) -> None:
        async with listener.subscribe(subject) as subscription:
            while not listener.closed:
                if await subscription.wait(_WAIT_SECONDS):
                    wake()

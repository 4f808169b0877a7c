"""Whether a worker's consumer reads its queues: it does while nothing keeps it from that."""

import threading
from collections.abc import Sequence
from typing import Any


class Reading:
    """Stops and starts Celery's consumer. Several may keep it from reading, each under a name of its own."""

    def __init__(self) -> None:
        """Nothing happens before `begins`."""
        self._queues: Sequence[str] = ()
        self._consumer: Any = None
        self._stopped_by: set[str] = set()
        self._lock = threading.Lock()

    def begins(self, consumer: object, queues: Sequence[str]) -> None:
        """Tell which consumer of Celery reads these queues from now on."""
        with self._lock:
            self._consumer, self._queues = consumer, queues
            if self._stopped_by:
                self._stop()

    def stop(self, by: str) -> None:
        """Read no messages until `go_on`. Celery keeps to it when it connects again."""
        with self._lock:
            if not self._stopped_by:
                self._stop()
            self._stopped_by.add(by)

    def go_on(self, by: str) -> None:
        """Read messages again, unless something else is in the way."""
        with self._lock:
            if by not in self._stopped_by:
                return
            self._stopped_by.remove(by)
            if not self._stopped_by:
                for queue in self._queues:
                    self._consumer.call_soon(self._consumer.add_task_queue, queue)

    def _stop(self) -> None:
        for queue in self._queues:  # Celery's own thread must do it
            self._consumer.call_soon(self._consumer.cancel_task_queue, queue)

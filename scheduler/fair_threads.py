"""Threads in which owners take turns.

The owner with the fewest calls under way is next, then the one served longest ago. No owner has more than
half of the threads: so calls that hang for one owner leave some for others.
"""

import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Call(Generic[T]):
    """A call that waits for its turn, is under way, or has ended."""

    def __init__(self, what: Callable[[], T], clock: Callable[[], float]) -> None:
        """`what` is called once, in a thread."""
        self._what = what
        self._clock = clock
        self.asked_at = clock()
        self.began_at: float | None = None
        self.failed_at: float | None = None
        self.result: Future[T] = Future()

    def run(self) -> None:
        """Call it now."""
        self.began_at = self._clock()
        try:
            self.result.set_result(self._what())
        except Exception as error:  # raised to the caller that asks for the result
            self.failed_at = self._clock()
            self.result.set_exception(error)


class FairThreadPool:
    """Runs the calls of each owner in their order. Its threads do not keep the process from ending."""

    def __init__(self, threads: int, name: str) -> None:
        """`name` of the threads."""
        self._most_of_one = max(1, threads // 2)
        self._changed = threading.Condition()
        self._waiting: dict[str, deque[Call[Any]]] = defaultdict(deque)
        self._under_way: Counter[str] = Counter()
        self._served: dict[str, int] = {}
        self._turns = 0
        self._stopped = False
        for _ in range(threads):
            threading.Thread(target=self._run, name=name, daemon=True).start()

    def submit(self, owner: str, call: Call[Any]) -> None:
        """Run a call when it is its owner's turn."""
        with self._changed:
            self._waiting[owner].append(call)
            self._changed.notify()

    def stop(self) -> None:
        """Begin no other call. Those that are under way are not waited for."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _run(self) -> None:
        while (turn := self._next()) is not None:
            owner, call = turn
            call.run()
            with self._changed:
                self._under_way[owner] -= 1
                self._changed.notify()

    def _next(self) -> tuple[str, Call[Any]] | None:
        """Wait for a call that may begin. None: no other one is to."""
        with self._changed:
            while not self._stopped:
                may = [owner for owner in self._waiting if self._under_way[owner] < self._most_of_one]
                if may:
                    owner = min(may, key=lambda owner: (self._under_way[owner], self._served.get(owner, 0)))
                    return owner, self._take(owner)
                self._changed.wait()
        return None

    def _take(self, owner: str) -> Call[Any]:
        call = self._waiting[owner].popleft()
        if not self._waiting[owner]:
            del self._waiting[owner]
        self._under_way[owner] += 1
        self._turns += 1
        self._served[owner] = self._turns
        return call

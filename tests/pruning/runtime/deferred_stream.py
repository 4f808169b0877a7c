"""A copy stream without a device, which copies as late as it may: what does not wait finds wrong numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import RLock
from typing import Self
from weakref import ref

from torch import Tensor


@dataclass(frozen=True)
class Mark:
    """A point in the copies, after `position` of them, or in the computation, which is always at its end."""

    position: int


class DeferredStream:
    def __init__(self) -> None:
        self.events: list[str] = []
        self.waiting: list[Callable[[], object]] = []
        self._done = 0
        self._lock = RLock()  # the thread that copies, and the one that computes

    def record_compute(self) -> Mark:
        self.events.append("memory is taken")
        return Mark(-1)

    def record_copies(self) -> Mark:
        with self._lock:
            return Mark(self._done + len(self.waiting))

    def wait_before_copying(self, mark: Mark) -> None:
        assert mark == Mark(-1)
        self.events.append("copies wait for the computation")

    def wait_before_computing(self, mark: Mark) -> None:
        self._run_until(mark)
        self.events.append("the computation waits for the copies")

    def wait_on_host(self, mark: Mark) -> None:
        self._run_until(mark)

    def copy(self, target: Tensor, source: Tensor) -> None:
        assert target.shape == source.shape
        with self._lock:
            self.events.append("copy")
            self.waiting.append(lambda: target.copy_(source))

    def copy_to_peer(self, other: Self, target: Tensor, source: Tensor) -> None:
        self.events.append("a tensor leaves")
        other.copy(target, source)

    def _run_until(self, mark: Mark) -> None:
        with self._lock:
            while self._done < mark.position:
                self.waiting.pop(0)()
                self._done += 1


class ForgetfulStream(DeferredStream):
    """Keeps no source alive, as a device would not: what is freed before it is copied is lost."""

    def copy(self, target: Tensor, source: Tensor) -> None:
        assert target.shape == source.shape
        kept = ref(source)

        def run() -> None:
            found = kept()
            assert found is not None, "the source was freed before the computation waited for its copy"
            target.copy_(found)

        with self._lock:
            self.events.append("copy")
            self.waiting.append(run)

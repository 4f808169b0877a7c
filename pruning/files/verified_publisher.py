"""Publishes results for later runs once the input files are verified to be unchanged.

Verification hashes the files a second time, which for a large model takes minutes. So a thread does it while
the run continues, and the run publishes at its next step.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from threading import Event
from types import TracebackType
from typing import Self

from pruning.files.frozen_file import FrozenFile

Publish = Callable[[], None]

_POLL_SECONDS = 2.0


def _nothing() -> None:
    pass


class VerifiedPublisher:
    """Publishes in the calling thread; the files are hashed in another."""

    def __init__(self, files: Sequence[FrozenFile]) -> None:
        """`files`: everything that the results depend on. One without a digest is checked by its inode."""
        self._files = files
        self._next: list[Publish] = []
        self._current: list[Publish] = []
        self._hashing: Future[None] | None = None
        self._stopped = Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="verify-inputs")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop. Results not yet verified are never published."""
        self._stopped.set()
        self._thread.shutdown()

    def publish_when_verified(self, publish: Publish) -> None:
        """Call `publish` at a later step, once hashes begun after this call find all files unchanged."""
        self._next.append(publish)
        self.poll()

    def poll(self) -> None:
        """Publish the results verified by now. Raises InvalidInput with the field of a changed file."""
        if self._hashing is not None and self._hashing.done():
            self._hashing.result()
            self._hashing = None
            while self._current:
                self._current.pop(0)()
        if self._hashing is None and self._next:
            self._current, self._next = self._next, []
            self._hashing = self._thread.submit(self._hash)

    def verify(self) -> None:
        """Publish all, and verify the files even if there is nothing to publish."""
        self.publish_when_verified(_nothing)
        self.finish()

    def finish(self, while_waiting: Callable[[], None] = _nothing) -> None:
        """Wait until all is published. `while_waiting` is called every two seconds, and may raise."""
        self.poll()
        while self._hashing is not None:
            try:
                self._hashing.result(timeout=_POLL_SECONDS)
            except NotYet:
                if not self._hashing.done():  # the thread's own error may be a timeout, too
                    while_waiting()
            self.poll()

    def _hash(self) -> None:
        for file in self._files:
            if file.sha256 is None:
                file.check()
            elif file.digest(self._stopped.is_set) != file.sha256:
                raise file.changed_error()

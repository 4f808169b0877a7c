"""A store of one file, as S3 serves it: whole, or in ranges, or badly."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from tests.http_servers import ObjectHandler, serving

Behaviour = Literal[
    "honours ranges", "answers with the whole file", "refuses later ranges", "cuts ranges short"
]
SECONDS = 30.0


class RangedServer:
    """Serves `content` under every key, and keeps the ranges that were asked for; None is the whole file."""

    def __init__(self, content: bytes, behaviour: Behaviour, *, together: int = 1) -> None:
        """`together`: the first so many ranges are answered only when all of them have been asked for."""
        self.asked: list[tuple[int, int] | None] = []
        self._content = content
        self._behaviour = behaviour
        self._together = threading.Barrier(together)
        self._left = together
        self._lock = threading.Lock()

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve while the context is active, and yield the URL."""
        served = self

        class Handler(ObjectHandler):
            def do_GET(self) -> None:
                status, first, content = served._answer(self.headers.get("Range"))
                last, whole = first + len(content) - 1, len(served._content)
                more = {"Content_Range": f"bytes {first}-{last}/{whole}"} if status == 206 else {}
                self.begin(len(content), status, **more)
                self.wfile.write(content)

        with serving(Handler) as url:
            yield url

    def _answer(self, header: str | None) -> tuple[int, int, bytes]:
        """Return the status, the first byte's position and the content."""
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", header or "")
        if wanted is None:
            self.asked.append(None)
            return 200, 0, self._content
        first, last = int(wanted[1]), int(wanted[2])
        with self._lock:
            self.asked.append((first, last + 1))
            waits, self._left = self._left > 0, self._left - 1
        if waits:
            self._together.wait(SECONDS)
        if self._behaviour == "answers with the whole file":
            return 200, 0, self._content
        if self._behaviour == "refuses later ranges" and first:
            return 416, 0, b""
        end = last + 1 - (self._behaviour == "cuts ranges short" and first > 0)
        return 206, first, self._content[first:end]

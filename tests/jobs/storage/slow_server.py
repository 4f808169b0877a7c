"""A bucket that takes its time over every request, or never ends its answer."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.http_servers import ObjectHandler, serving


class SlowServer:
    """Serves `content` under every key, byte by byte, and keeps what is put there."""

    def __init__(self, content: bytes, *, seconds: float | None) -> None:
        """`seconds`: that the body of a GET takes, and a PUT to be answered. None: it stalls."""
        self.put: list[bytes] = []
        self._content = content
        self._seconds = seconds
        self._over = threading.Event()

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve while the context is active, and yield the URL."""
        served = self

        class Handler(ObjectHandler):
            def do_GET(self) -> None:
                self.begin(len(served._content))
                pause = served._seconds and served._seconds / len(served._content)
                for byte in served._content:
                    self.wfile.write(bytes([byte]))
                    if served._over.wait(pause):
                        return

            def do_PUT(self) -> None:
                served.put.append(self.rfile.read(int(self.headers["Content-Length"])))
                served._over.wait(served._seconds)
                self.begin(0)

        with serving(Handler) as url:
            try:
                yield url
            finally:
                self._over.set()

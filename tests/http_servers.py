"""HTTP servers in the process of a test."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class QuietHandler(BaseHTTPRequestHandler):
    """Writes no line for a request."""

    def log_message(self, *_: object) -> None:
        pass


class ObjectHandler(QuietHandler):
    """Answers as a bucket does that has the object."""

    protocol_version = "HTTP/1.1"

    def begin(self, length: int, status: int = 200, **more: str) -> None:
        """Send all but the body of so many bytes. `more`: further headers, with `_` for `-`."""
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Wed, 01 Jan 2025 00:00:00 GMT")
        for name, value in more.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()


@contextmanager
def serving(
    handler: Callable[..., BaseHTTPRequestHandler],
    *,
    server: type[ThreadingHTTPServer] = ThreadingHTTPServer,
    tls: ssl.SSLContext | None = None,
) -> Iterator[str]:
    """Answer requests until the end of the block, and yield the URL."""
    with server(("127.0.0.1", 0), handler) as http:
        if tls:
            http.socket = tls.wrap_socket(http.socket, server_side=True)
        threading.Thread(target=http.serve_forever, args=[0.01], daemon=True).start()
        try:
            yield f"http{'s' if tls else ''}://127.0.0.1:{http.server_port}"
        finally:
            http.shutdown()

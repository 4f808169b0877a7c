"""Wires between the service and its servers that can be cut, slowed down and made to fail."""

import asyncio
import sys
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket

from cli.embedded.server import LOOPBACK


class Wire:
    """TCP from a port of its own to another one, until it is cut."""

    def __init__(self, target: int) -> None:
        """`target`: the server's port on loopback."""
        self.port = 0
        self.cuts = 0
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._ends: set[asyncio.StreamWriter] = set()

    @contextmanager
    def laid(self) -> Iterator["Wire"]:
        """While active, the wire carries what is sent."""
        laid = threading.Event()
        thread = threading.Thread(target=self._work, args=[laid], daemon=True)
        thread.start()
        laid.wait()
        try:
            yield self
        finally:
            self.cut()
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()

    def _work(self, laid: threading.Event) -> None:
        """In a thread of its own, which leaves nothing open behind."""
        loop = self._loop
        server = loop.run_until_complete(asyncio.start_server(self._carry, LOOPBACK, 0))
        self.port = server.sockets[0].getsockname()[1]
        laid.set()
        loop.run_forever()
        server.close()
        loop.run_until_complete(_end(asyncio.all_tasks(loop)))
        loop.close()

    def cut(self) -> None:
        """End every connection at once, in the middle of whatever it carries. New ones may be made."""
        self.cuts += 1
        self._loop.call_soon_threadsafe(lambda: [end.transport.abort() for end in list(self._ends)])

    async def _carry(self, near: asyncio.StreamReader, near_end: asyncio.StreamWriter) -> None:
        try:
            far, far_end = await asyncio.open_connection(LOOPBACK, self._target)
        except OSError:
            near_end.transport.abort()
            return
        ends = {near_end, far_end}
        self._ends |= ends
        try:
            await asyncio.gather(_pass_on(near, far_end), _pass_on(far, near_end))
        except ConnectionError:
            pass
        finally:
            self._ends -= ends
            for end in ends:
                end.transport.abort()


async def _end(tasks: Collection[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        target.write(data)
        await target.drain()
    if target.can_write_eof():
        target.write_eof()


class UnreliableStore:
    """In front of a store: every n-th request fails, in turn refused, or done and not answered."""

    def __init__(self, target: int, *, every: int = 0, delay_seconds: float = 0.0) -> None:
        """`target`: the store's port. `every` 0: none fails. All take `delay_seconds` longer."""
        self.failed = 0
        self._requests = 0
        self._counting = threading.Lock()
        self._target = target
        self._every = every
        self._delay_seconds = delay_seconds

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Its URL, while active."""
        store = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                time.sleep(store._delay_seconds)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                failure = store._next_failure()
                if failure == "refused":
                    self._send(503, {}, b"")
                    return
                # The signature covers the host that the client believes to speak to: it is passed on.
                upstream = HTTPConnection(LOOPBACK, store._target, timeout=60)
                upstream.request(self.command, self.path, body, dict(self.headers.items()))
                answer = upstream.getresponse()
                content = answer.read()
                upstream.close()
                if failure == "unanswered":
                    self.close_connection = True
                    return
                self._send(answer.status, dict(answer.getheaders()), content)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _answer  # noqa: N815 - the base class's names

            def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
                self.send_response_only(status)
                kept = {name: value for name, value in headers.items() if name.lower() not in _OUR_OWN}
                # What a HEAD is told is the length of what it was not sent.
                length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(content))
                for name, value in {**kept, "Content-Length": length}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        with _Server((LOOPBACK, 0), Handler) as server:
            threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
            yield f"http://{LOOPBACK}:{server.server_port}"
            server.shutdown()

    def _next_failure(self) -> str | None:
        with self._counting:
            self._requests += 1
            if not self._every or self._requests % self._every:
                return None
            self.failed += 1
            return "refused" if self.failed % 2 else "unanswered"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: object) -> None:
        """A client that is killed in the middle of a request is no error here."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


_OUR_OWN = {"content-length", "transfer-encoding", "connection"}

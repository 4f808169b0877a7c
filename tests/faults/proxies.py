"""Proxies between the service and its servers that can cut, slow down and fail connections."""

import asyncio
import sys
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import ThreadingHTTPServer
from socket import socket

from cli.embedded.process import LOOPBACK
from tests.http_servers import QuietHandler, serving


class Proxy:
    """Forwards TCP connections from its own port to another one, and cuts them on request."""

    def __init__(self, target: int) -> None:
        """`target`: the server's port on loopback."""
        self.port = 0
        self.cuts = 0
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()

    @contextmanager
    def running(self) -> Iterator["Proxy"]:
        """Forward connections while the context is active."""
        listening = threading.Event()
        thread = threading.Thread(target=self._serve, args=[listening], daemon=True)
        thread.start()
        listening.wait()
        try:
            yield self
        finally:
            self.cut()
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()

    def _serve(self, listening: threading.Event) -> None:
        """Run in a thread of its own, and leave nothing open."""
        loop = self._loop
        server = loop.run_until_complete(asyncio.start_server(self._forward, LOOPBACK, 0))
        self.port = server.sockets[0].getsockname()[1]
        listening.set()
        loop.run_forever()
        server.close()
        loop.run_until_complete(_cancel(asyncio.all_tasks(loop)))
        loop.close()

    def cut(self) -> None:
        """Abort every open connection. New ones are accepted."""
        self.cuts += 1
        self._loop.call_soon_threadsafe(lambda: [writer.transport.abort() for writer in list(self._open)])

    async def _forward(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        try:
            server, to_server = await asyncio.open_connection(LOOPBACK, self._target)
        except OSError:
            to_client.transport.abort()
            return
        writers = {to_client, to_server}
        self._open |= writers
        try:
            await asyncio.gather(_copy(client, to_server), _copy(server, to_client))
        except ConnectionError:
            pass
        finally:
            self._open -= writers
            for writer in writers:
                writer.transport.abort()


async def _cancel(tasks: Collection[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        target.write(data)
        await target.drain()
    if target.can_write_eof():
        target.write_eof()


class UnreliableStore:
    """A proxy before a store. Every n-th request fails: by turns it is refused, or done and not answered."""

    def __init__(self, target: int, *, every: int = 0, delay_seconds: float = 0.0) -> None:
        """`target`: the store's port. `every`: 0 lets none fail. `delay_seconds`: of every request."""
        self.failed = 0
        self._requests = 0
        self._lock = threading.Lock()
        self._target = target
        self._every = every
        self._delay_seconds = delay_seconds

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve while the context is active, and yield the URL."""
        store = self

        class Handler(QuietHandler):
            protocol_version = "HTTP/1.1"

            def _handle(self) -> None:
                time.sleep(store._delay_seconds)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                failure = store._next_failure()
                if failure == "refused":
                    self._send(503, {}, b"")
                    return
                # The signature covers the Host header that the client sent, so it is forwarded unchanged.
                upstream = HTTPConnection(LOOPBACK, store._target, timeout=60)
                upstream.request(self.command, self.path, body, dict(self.headers.items()))
                response = upstream.getresponse()
                content = response.read()
                upstream.close()
                if failure == "unanswered":
                    self.close_connection = True
                    return
                self._send(response.status, dict(response.getheaders()), content)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _handle

            def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
                self.send_response_only(status)
                kept = {name: value for name, value in headers.items() if name.lower() not in _SET_HERE}
                # The response to a HEAD states the length of the body that it does not carry.
                length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(content))
                for name, value in {**kept, "Content-Length": length}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

        with serving(Handler, server=_Server) as url:
            yield url

    def _next_failure(self) -> str | None:
        with self._lock:
            self._requests += 1
            if not self._every or self._requests % self._every:
                return None
            self.failed += 1
            return "refused" if self.failed % 2 else "unanswered"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: object) -> None:
        """Ignore clients that are killed in the middle of a request."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


_SET_HERE = {"content-length", "transfer-encoding", "connection"}

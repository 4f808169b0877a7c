"""Connections that hold on without asking: nothing sent, headers byte by byte, too many at once."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Thread

import httpx
import pytest
import uvicorn
from fastapi.testclient import TestClient

from api import rate_limit
from api.app import create_app
from api.page.pictures import pictures
from api.protocol import GuardedProtocol
from api.rate_limit import OpenRequests
from api.security import middleware
from cli.embedded.server import LOOPBACK, free_port
from jobs.settings import Settings
from tests.api.drive import ClientOf, Jobs

pytestmark = pytest.mark.threat

Serve = Callable[..., int]
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture
def serve(settings: Settings) -> Iterator[Serve]:
    """Serves the application in a thread, with limits as in `python -m api` but shorter. Returns the port."""
    servers: list[tuple[uvicorn.Server, Thread]] = []

    def start(header_seconds: float = 0.4, **changes: object) -> int:
        changed, port = settings.model_copy(update=changes), free_port()
        protocol = GuardedProtocol.of(changed)
        protocol.header_seconds = header_seconds
        server = uvicorn.Server(
            uvicorn.Config(create_app(changed), port=port, http=protocol, log_level="error")
        )
        thread = Thread(target=server.run)
        thread.start()
        servers.append((server, thread))
        while not server.started:
            time.sleep(0.02)
        return port

    yield start
    for server, thread in servers:
        server.should_exit = True
        thread.join()


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection((LOOPBACK, port), timeout=20) as client:
        yield client


def is_closed(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def answer(client: socket.socket) -> bytes:
    client.sendall(REQUEST)
    received = b""
    while not received.endswith(b"}"):
        received += client.recv(4096)
    return received


def test_a_connection_must_send_a_whole_header_in_time(serve: Serve) -> None:
    port = serve()
    with connected(port) as silent, connected(port) as partial, connected(port) as dripping:
        partial.sendall(REQUEST[:-2])
        for byte in REQUEST[:-2]:
            try:
                dripping.sendall(bytes([byte]))
            except OSError:
                break
            time.sleep(0.02)
        assert is_closed(silent)
        assert is_closed(partial)
        assert is_closed(dripping)


def test_the_header_of_a_later_request_must_come_in_time_and_idling_may_last(serve: Serve) -> None:
    with connected(serve()) as client:
        assert b"200 OK" in answer(client)
        time.sleep(0.8)  # longer than a header may take
        assert b"200 OK" in answer(client)
        client.sendall(REQUEST[:-2])
        assert is_closed(client)


def test_an_address_has_a_limited_number_of_connections_and_a_trusted_proxy_any(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GuardedProtocol, "per_address", 2)
    port = serve(20.0, trusted_proxies=("192.0.2.1",))
    with connected(port) as first, connected(port) as second:
        assert b"200 OK" in answer(first)
        assert b"200 OK" in answer(second)
        with connected(port) as third:
            assert is_closed(third)
        assert b"200 OK" in answer(first)
    for _ in range(100):  # the server takes note of a closed connection a moment later
        with connected(port) as again:
            again.sendall(REQUEST)
            if not is_closed(again):
                break
    else:
        raise AssertionError("places are not free again")
    monkeypatch.setattr(GuardedProtocol, "per_address", 1)
    port = serve(20.0)
    with connected(port) as first, connected(port) as second:
        assert b"200 OK" in answer(first)
        assert b"200 OK" in answer(second)


@pytest.mark.parametrize("path", ["/v1/jobs", "/sign-in"])
def test_a_body_must_come_in_time(serve: Serve, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setattr(middleware, "_BODY_SECONDS", 0.4)
    kind = "application/json" if path.startswith("/v1/") else "application/x-www-form-urlencoded"
    port = serve(20.0)
    with connected(port) as client:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: 1000\r\n\r\n"
        )
        client.sendall(head.encode())
        received = b""
        while piece := client.recv(4096):
            received += piece
    assert received.startswith(b"HTTP/1.1 408 ")


def test_an_owner_has_a_limited_number_of_open_requests(
    settings: Settings, client_of: ClientOf, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = Event()
    monkeypatch.setattr(pictures.Picture, "draw", lambda *_: b"<svg/>" if go_on.wait(60) else b"")
    claim = jobs.running()
    jobs.succeed(claim)
    key, other = (client_of(owner).headers["Authorization"] for owner in ("ada", "eve"))
    monkeypatch.setattr(rate_limit, "MAX_OPEN_REQUESTS", 2)
    app = create_app(settings)
    with TestClient(app) as client, ThreadPoolExecutor(2) as pool:

        def ask(path: str, key: str) -> httpx.Response:
            return client.get(path, headers={"Authorization": key})

        names = ("perplexity", "sparsity")
        held = [pool.submit(ask, f"/jobs/{claim.job_id}/plots/{name}.svg", key) for name in names]
        try:
            while app.state.resources.open_requests._open["ada"] < 2:
                assert not any(future.done() for future in held)
                time.sleep(0.02)
            refused = ask("/v1/jobs", key)
            assert refused.status_code == 429
            assert int(refused.headers["Retry-After"]) > 0
            assert "open requests" in refused.json()["detail"]
            assert ask("/v1/jobs", other).status_code == 200
        finally:
            go_on.set()
        assert [future.result().status_code for future in held] == [200, 200]
        # Neither a refusal nor a page with two checks of its key leaves anything behind.
        for path in ("/v1/jobs", f"/jobs/new?like={claim.job_id}", "/v1/jobs/nothing", "/v1/jobs"):
            assert ask(path, key).status_code in (200, 422)


def test_what_is_left_is_counted_once() -> None:
    requests = OpenRequests(2)
    assert [requests.enter("ada") for _ in range(3)] == [True, True, False]
    assert requests.enter("eve")
    requests.leave("ada")
    assert [requests.enter("ada") for _ in range(2)] == [True, False]
    for owner in ("ada", "ada", "eve"):
        requests.leave(owner)
    assert not requests._open

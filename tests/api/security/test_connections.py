"""Requests that hold on: a body that does not come, too many at once."""

import select
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import httpx
import pytest
from fastapi.testclient import TestClient

from api import rate_limit
from api.app import create_app
from api.page.pictures import pictures
from api.rate_limit import OpenRequests
from api.security import middleware
from cli.embedded.process import LOOPBACK
from jobs.settings import Settings
from tests.api.drive import ClientOf, Jobs, MakeKey, Serve

pytestmark = pytest.mark.threat


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection((LOOPBACK, port), timeout=20) as client:
        yield client


@pytest.mark.parametrize("path", ["/v1/jobs", "/sign-in"])
def test_a_body_must_come_in_time(serve: Serve, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setattr(middleware, "_BODY_SECONDS", 0.4)
    kind = "application/json" if path.startswith("/v1/") else "application/x-www-form-urlencoded"
    port = serve()
    with connected(port) as client:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: 1000\r\n\r\n"
        )
        client.sendall(head.encode())
        received = b""
        while piece := client.recv(4096):
            received += piece
    assert received.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(("rate", "status"), [(4096, 408), (10, 201)])
def test_an_upload_must_arrive_at_a_rate(
    serve: Serve, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch, rate: int, status: int
) -> None:
    """One byte a minute would hold one of a process's places for uploads for years."""
    monkeypatch.setattr(middleware, "_BODY_SECONDS", 2.0)
    monkeypatch.setattr(middleware, "_MIN_UPLOAD_BYTES_PER_SECOND", rate)

    port, size = serve(), 60
    head = (
        "POST /v1/uploads?name=x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n"
        f"Content-Length: {size}\r\nAuthorization: Bearer {make_key()}\r\n\r\n"
    )
    with connected(port) as client:
        client.sendall(head.encode())
        answered = False
        while size and not answered:
            client.sendall(b"a")
            size -= 1
            answered = bool(select.select([client], [], [], 0.05)[0])
        assert client.recv(4096).startswith(f"HTTP/1.1 {status} ".encode())


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

        widths = ("false", "true")
        held = [pool.submit(ask, f"/jobs/{claim.job_id}/picture.svg?narrow={one}", key) for one in widths]
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

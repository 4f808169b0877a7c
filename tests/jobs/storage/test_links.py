"""Whether what an address asks for arrives: asked of a server that stands in for a store and its proxy."""

import threading
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from jobs.storage import links
from jobs.storage.links import Label
from tests.scripted_server import Exchange, ScriptedServer, scripted_server


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


def test_a_label_that_arrives_is_asked_for_once(server: ScriptedServer) -> None:
    server.on("/file", lambda it: it.body(b"x", 206, Content_Encoding="zstd"))
    label = Label()
    assert [label.arrives(f"{server.url}/file?signed", "zstd") for _ in range(3)] == [True] * 3
    ((path, headers),) = server.requests
    assert (path, headers["Range"], headers["Accept-Encoding"]) == ("/file?signed", "bytes=0-0", "zstd")


@pytest.mark.threat
@pytest.mark.parametrize("status", [200, 400, 503])
def test_a_store_without_it_is_asked_once_a_minute(
    server: ScriptedServer, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.on("/file", lambda it: it.body(b"x", status))
    label, now = Label(), 1000.0
    monkeypatch.setattr(links.time, "monotonic", lambda: now)
    assert not any(label.arrives(f"{server.url}/file", "zstd") for _ in range(3))
    assert len(server.requests) == 1
    server.on("/file", lambda it: it.body(b"x", Content_Encoding="zstd"))
    now += 59.0
    assert not label.arrives(f"{server.url}/file", "zstd")
    now += 2.0
    assert label.arrives(f"{server.url}/file", "zstd")


@pytest.mark.threat
def test_a_store_that_does_not_answer_holds_one_thread_until_a_timeout(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, over = threading.Event(), threading.Event()

    def hang(it: Exchange) -> None:
        asked.set()
        over.wait(60)

    server.on("/file", hang)
    label, answers = Label(), list[bool]()
    monkeypatch.setattr(links, "_TIMEOUT", httpx.Timeout(5.0, read=None))
    first = threading.Thread(target=lambda: answers.append(label.arrives(f"{server.url}/file", "zstd")))
    first.start()
    assert asked.wait(60)
    assert not label.arrives(f"{server.url}/file", "zstd")
    over.set()
    first.join()
    monkeypatch.setattr(links, "_TIMEOUT", httpx.Timeout(0.1))
    over.clear()
    assert not Label().arrives(f"{server.url}/file", "zstd")
    over.set()
    assert answers == [False]
    assert len(server.requests) == 2


@pytest.mark.threat
def test_a_store_that_sends_its_headers_byte_by_byte_is_given_up(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte comes in time, and the label would be right: only the whole answer has a limit."""
    over = threading.Event()

    def drip(it: Exchange) -> None:
        it.handler.send_response(206)
        it.handler.send_header("Content-Encoding", "zstd")
        it.handler.flush_headers()
        with suppress(OSError):  # until the other side hangs up
            while not over.wait(0.01):
                it.handler.wfile.write(b"x")

    server.on("/file", drip)
    monkeypatch.setattr(links, "_TOTAL_SECONDS", 0.3)
    asked = threading.Thread(target=Label().arrives, args=(f"{server.url}/file", "zstd"), daemon=True)
    asked.start()
    asked.join(60)
    over.set()
    assert not asked.is_alive()


def test_an_address_that_cannot_be_is_none(server: ScriptedServer) -> None:
    assert not Label().arrives("http://xn--/", "zstd")

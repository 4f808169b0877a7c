"""A slow bucket may take longer for a file than one that has stalled is waited for."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.storage import object_store
from jobs.storage import store as module
from jobs.storage.errors import StoreUnreachable
from jobs.storage.store import Store
from tests.jobs.storage.slow_server import SlowServer

pytestmark = pytest.mark.slow

LIMIT = 6.0  # seconds; a busy machine may take some of them to send a byte
LONGER = 8.0
SHORT = 1.0
CONTENT = os.urandom(30)
MUCH = module._SMALL_BYTES + 1


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, float], Store]:
    """A function that opens the store behind a URL, which is given up when it stalls for so many seconds."""
    monkeypatch.setattr(object_store, "_RETRY", {"max_retries": 0})
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a-test-access-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-test-secret-key")

    def open_store(url: str, limit: float) -> Store:
        monkeypatch.setattr(object_store, "STALL", timedelta(seconds=limit))
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        return Store("s3://bucket/prefix")

    return open_store


def of_size(tmp_path: Path, size: int) -> Path:
    path = tmp_path / "file"
    path.write_bytes(bytes(size))
    return path


def test_a_slow_file_is_read_to_its_end(opened: Callable[[str, float], Store]) -> None:
    with SlowServer(CONTENT, seconds=LONGER).serving() as url:
        assert b"".join(opened(url, LIMIT).stream("a")) == CONTENT


def test_a_file_that_stops_coming_is_given_up(opened: Callable[[str, float], Store]) -> None:
    with SlowServer(CONTENT, seconds=None).serving() as url:
        store = opened(url, SHORT)
        with pytest.raises(StoreUnreachable):
            b"".join(store.stream("a"))


def test_what_takes_long_to_send_is_sent(opened: Callable[[str, float], Store], tmp_path: Path) -> None:
    server = SlowServer(CONTENT, seconds=LONGER)
    with server.serving() as url:
        opened(url, LIMIT).put_file("a", of_size(tmp_path, MUCH))
    assert server.put == [bytes(MUCH)]


@pytest.mark.parametrize("size", [1, MUCH])
def test_a_store_that_never_says_that_it_has_a_file_is_given_up(
    opened: Callable[[str, float], Store], tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store, "SEND", timedelta(seconds=SHORT))
    with SlowServer(CONTENT, seconds=None).serving() as url, pytest.raises(StoreUnreachable):
        opened(url, SHORT).put_file("a", of_size(tmp_path, size))

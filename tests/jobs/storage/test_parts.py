"""A file is sent in no more parts than S3 takes, whatever its size."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from jobs.storage import store as module
from jobs.storage.store import Store
from tests.jobs.storage.multipart_server import MultipartServer

PART = 1000
MOST = 10
CONTENT = os.urandom(50 * PART + 7)


@pytest.fixture(autouse=True)
def _few_small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """9 parts in place of 9,000, of a store that takes 10 in place of 10,000."""
    monkeypatch.setattr(module, "_PART_BYTES", PART)
    monkeypatch.setattr(module, "_MAX_PARTS", MOST - 1)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a-test-access-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-test-secret-key")


async def pieces() -> AsyncIterator[bytes]:
    for start in range(0, len(CONTENT), 130):
        yield CONTENT[start : start + 130]


def put(monkeypatch: pytest.MonkeyPatch, url: str, *, at_most: int) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    asyncio.run(Store("s3://bucket/p").put_stream("a/b", pieces(), at_most=at_most))


@pytest.mark.parametrize("at_most", [len(CONTENT), 2 * len(CONTENT)])
def test_a_stream_is_sent_in_parts_of_the_size_that_it_may_need(
    monkeypatch: pytest.MonkeyPatch, at_most: int
) -> None:
    server = MultipartServer(MOST)
    with server.serving() as url:
        put(monkeypatch, url, at_most=at_most)
    assert server.content == {"/bucket/p/a/b": CONTENT}
    assert len(server.parts["/bucket/p/a/b"]) == -(-len(CONTENT) // -(-at_most // (MOST - 1)))


def test_a_small_bound_keeps_the_usual_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    server = MultipartServer(100)
    with server.serving() as url:
        put(monkeypatch, url, at_most=PART)
    sizes = [len(part) for _, part in sorted(server.parts["/bucket/p/a/b"].items())]
    assert sizes == [PART] * 50 + [7]


@pytest.mark.parametrize("compress", [False, True])
def test_so_is_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, compress: bool) -> None:
    server = MultipartServer(MOST)
    (tmp_path / "file").write_bytes(CONTENT)
    with server.serving() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        stored = Store("s3://bucket/p").put_file("a/b", tmp_path / "file", compress=compress)
    sent = len(server.content["/bucket/p/a/b"])
    assert sent == (stored.stored_size if compress else stored.size)
    assert 1 < len(server.parts["/bucket/p/a/b"]) <= MOST

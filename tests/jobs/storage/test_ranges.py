"""Large files come from S3 in ranges, several at once, or whole from a store that serves no ranges."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from jobs.storage import store as module
from jobs.storage.store import Store, StoredFile
from tests.jobs.storage.ranged_server import Behaviour, RangedServer

PART = 1000
CONTENT = os.urandom(4 * PART + 3)
FILE = StoredFile("a/b", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Store]:
    """A function that opens the store behind a URL, whose parts are small."""
    monkeypatch.setattr(module, "_PART_BYTES", PART)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a-test-access-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-test-secret-key")

    def open_store(url: str) -> Store:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        return Store("s3://bucket/prefix")

    return open_store


def test_a_large_file_is_fetched_in_ranges_several_at_once(
    opened: Callable[[str], Store], tmp_path: Path
) -> None:
    server = RangedServer(CONTENT, "honours ranges", together=module._PARTS_AT_ONCE)
    received: list[int] = []
    with server.serving() as url:
        found = opened(url).download("a/b", tmp_path / "file", size=len(CONTENT), on_bytes=received.append)
    assert found == FILE
    assert (tmp_path / "file").read_bytes() == CONTENT
    ranges = [(start, min(start + PART, len(CONTENT))) for start in range(0, len(CONTENT), PART)]
    assert sorted(asked for asked in server.asked if asked) == ranges
    assert None not in server.asked
    assert sorted(set(received) - {0}) == [end for _, end in ranges]


@pytest.mark.parametrize("behaviour", ["honours ranges", "answers with the whole file"])
@pytest.mark.parametrize("part", [(0, 1), (500, 2700), (4 * PART, 4 * PART + 3)])
def test_a_range_is_the_same_whatever_the_store_makes_of_ranges(
    behaviour: Behaviour, part: tuple[int, int], opened: Callable[[str], Store]
) -> None:
    server = RangedServer(CONTENT, behaviour)
    with server.serving() as url:
        assert b"".join(opened(url).stream("a/b", part)) == CONTENT[slice(*part)]


@pytest.mark.parametrize("behaviour", get_args(Behaviour))
def test_a_file_is_the_same_whatever_the_store_makes_of_ranges(
    behaviour: Behaviour, opened: Callable[[str], Store], tmp_path: Path
) -> None:
    server = RangedServer(CONTENT, behaviour)
    with server.serving() as url:
        assert opened(url).download("a/b", tmp_path / "file", size=len(CONTENT)) == FILE
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert (None in server.asked) == (behaviour != "honours ranges")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("size", [None, PART])
def test_a_small_file_or_one_of_unknown_size_is_fetched_by_one_request(
    size: int | None, opened: Callable[[str], Store], tmp_path: Path
) -> None:
    content = CONTENT if size is None else CONTENT[:size]
    server = RangedServer(content, "honours ranges")
    with server.serving() as url:
        opened(url).download("a/b", tmp_path / "file", size=size)
    assert (tmp_path / "file").read_bytes() == content
    assert server.asked == [None]


@pytest.mark.parametrize("wrong", [-1, 1])
def test_a_file_of_another_size_is_not_taken_for_the_one_that_is_wanted(
    wrong: int, opened: Callable[[str], Store], tmp_path: Path
) -> None:
    with RangedServer(CONTENT, "honours ranges").serving() as url:
        found = opened(url).download("a/b", tmp_path / "file", size=len(CONTENT) + wrong)
    # Shorter, it has another checksum; of a longer one there is no such range, and the whole file is fetched.
    assert found.sha256 == hashlib.sha256((tmp_path / "file").read_bytes()).hexdigest()
    assert (found == FILE) == (wrong > 0)


def test_what_stops_the_caller_stops_the_download(opened: Callable[[str], Store], tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stop(received: int) -> None:
        if received >= 2 * PART:
            raise Stop

    server = RangedServer(CONTENT, "honours ranges")
    with server.serving() as url, pytest.raises(Stop):
        opened(url).download("a/b", tmp_path / "file", size=len(CONTENT), on_bytes=stop)
    assert None not in server.asked
    assert not list(tmp_path.iterdir())


def test_a_large_file_comes_back_from_the_real_server(
    s3_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").write_bytes(CONTENT)
    store = Store(s3_url)
    store.put_file("a/b", tmp_path / "own")
    monkeypatch.setattr(module, "_PART_BYTES", PART)
    assert store.download("a/b", tmp_path / "file", size=len(CONTENT)) == FILE
    assert (tmp_path / "file").read_bytes() == CONTENT

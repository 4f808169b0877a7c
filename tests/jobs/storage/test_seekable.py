"""Files that are kept compressed: any range comes back as it was, and costs the frames that it touches."""

import io
import struct
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from jobs.storage import seekable
from jobs.storage.errors import StoreRefused
from jobs.storage.store import Store

FRAME = 1000


@pytest.fixture(autouse=True, scope="module")
def _small_frames() -> Iterator[None]:
    """Files of several frames in a few kilobytes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seekable, "FRAME_BYTES", FRAME)
        yield


def content(size: int) -> bytes:
    """Bytes of which half are zero."""
    generator = np.random.default_rng(size)
    noise = generator.integers(0, 256, size, dtype=np.uint8)
    return np.where(generator.random(size) < 0.5, noise, np.uint8(0)).tobytes()


class Kept:
    """A compressed file in memory, which counts the bytes that are read of it."""

    def __init__(self, plain: bytes) -> None:
        self.stored = b"".join(seekable.compressed(plain[at : at + 300] for at in range(0, len(plain), 300)))
        self.size = len(plain)
        self.bytes_read = 0

    def part(self, bounds: tuple[int, int]) -> Iterator[bytes]:
        found = self.stored[slice(*bounds)]
        self.bytes_read += len(found)
        return (found[at : at + 77] for at in range(0, len(found), 77))

    def plain(self, part: tuple[int, int] | None = None) -> bytes:
        return b"".join(seekable.plain(self.part, len(self.stored), self.size, part))


def whole(stored: bytes) -> bytes:
    """What a decoder finds that knows nothing of the table."""
    decoder = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(stored), read_across_frames=True)
    return decoder.read()


@pytest.mark.parametrize("size", [1, 999, 1000, 1001, 2000, 12_345])
def test_a_file_comes_back_with_the_table_and_without(size: int) -> None:
    kept = Kept(content(size))
    assert whole(kept.stored) == content(size)
    assert kept.plain() == content(size)


def test_the_table_is_that_of_the_seekable_format() -> None:
    kept = Kept(content(2500))
    frames, descriptor, magic = struct.unpack("<IBI", kept.stored[-9:])
    assert (frames, descriptor, magic) == (3, 0, 0x8F92EAB1)
    table = kept.stored[-(8 + 3 * 8 + 9) :]
    assert struct.unpack_from("<II", table) == (0x184D2A5E, 3 * 8 + 9)
    stored_at = plain_at = 0
    for stored, plain in struct.iter_unpack("<II", table[8:-9]):
        frame = kept.stored[stored_at : stored_at + stored]
        assert whole(frame) == content(2500)[plain_at : plain_at + plain]
        stored_at, plain_at = stored_at + stored, plain_at + plain
    assert (stored_at + len(table), plain_at) == (len(kept.stored), 2500)


@given(st.sampled_from([1, 2500, 5000]), st.data())
def test_any_range_is_that_of_the_plain_bytes_and_reads_no_other_frame(
    size: int, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(start + 1, size))
    kept = Kept(content(size))
    assert kept.plain((start, end)) == content(size)[start:end]
    frames = end // FRAME - start // FRAME + 1
    largest = max(len(frame) for frame in seekable.compressed([content(size)]))
    assert kept.bytes_read <= frames * largest + 17 + 8 * -(-size // FRAME)


@given(st.integers(0, 10**9), st.integers(1, 255))
def test_a_changed_byte_is_found_out(position: int, change: int) -> None:
    kept = Kept(content(2500))
    damaged = bytearray(kept.stored)
    damaged[position % len(damaged)] ^= change
    kept.stored = bytes(damaged)
    try:
        found = kept.plain()
    except seekable.Damaged:
        return
    assert found == content(2500)  # a bit that means nothing


def test_a_shortened_file_is_found_out() -> None:
    kept = Kept(content(2500))
    kept.stored = kept.stored[:-1]
    with pytest.raises(seekable.Damaged, match="seek table"):
        kept.plain()


def test_a_few_frames_are_in_memory_whatever_the_size() -> None:
    taken = count()

    def endless() -> Iterator[bytes]:
        while True:
            next(taken)
            yield bytes(FRAME)

    frames = seekable.compressed(endless())
    for _ in range(50):
        next(frames)
    assert next(taken) <= 50 + 8
    frames.close()  # type: ignore[attr-defined] # a generator


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "file"
    path.write_bytes(content)
    return path


def test_what_shrinks_is_told_from_what_does_not(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    dense = generator.standard_normal(300_000, dtype=np.float32)
    pruned = np.where(generator.random(300_000) < 0.5, np.float32(0), dense)
    archive = io.BytesIO()
    np.savez_compressed(archive, dense)
    packed_mask = np.packbits(generator.random(2_000_000) < 0.5)
    late_zeros = np.concatenate([dense, np.zeros(300_000, np.float32)])
    shrinks = {
        name: seekable.shrinks(written(tmp_path, data))
        for name, data in {
            "pruned": pruned.tobytes(),
            "half is zeros": late_zeros.tobytes(),
            "json": b'{"name": 1},' * 10_000,
            "dense": dense.tobytes(),
            "npz": archive.getvalue(),
            "mask": packed_mask.tobytes(),
            "too small": bytes(1000),
            "empty": b"",
        }.items()
    }
    assert shrinks == {
        "pruned": True,
        "half is zeros": True,
        "json": True,
        "dense": False,
        "npz": False,
        "mask": False,
        "too small": False,
        "empty": False,
    }


@pytest.fixture
def store(store_url: str) -> Store:
    return Store(store_url)


def test_the_store_keeps_a_file_compressed_and_knows_both_sizes(store: Store, tmp_path: Path) -> None:
    plain = content(1_000_000)
    stored = store.put_file("a/b", written(tmp_path, plain), compress=True)
    again = store.put_file("a/c", tmp_path / "file", compress=True)
    as_it_is = store.put_file("a/d", tmp_path / "file")
    kept = b"".join(store.stream("a/b"))
    assert (stored.size, stored.sha256, stored.stored_size) == (len(plain), as_it_is.sha256, len(kept))
    assert len(kept) < 0.8 * len(plain)
    assert whole(kept) == plain
    assert b"".join(store.stream("a/c")) == kept
    assert again.stored_size == len(kept)
    assert b"".join(store.stream_plain("a/b", len(kept), len(plain))) == plain
    assert b"".join(store.stream_plain("a/b", len(kept), len(plain), (999_990, 999_995))) == plain[-10:-5]


def test_a_damaged_file_in_the_store_is_named(store: Store, tmp_path: Path) -> None:
    stored = store.put_file("a/b", written(tmp_path, content(5000)), compress=True)
    assert stored.stored_size is not None
    with pytest.raises(StoreRefused, match="the file a/b in the store is damaged"):
        store.stream_plain("a/b", stored.stored_size, 5001)

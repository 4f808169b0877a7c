"""Files that are kept compressed come back as they were, wherever a range begins."""

import io
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from jobs.storage import streams
from jobs.storage.errors import StoreRefused
from jobs.storage.store import Store
from jobs.storage.streams import byte_range


def content(size: int) -> bytes:
    """Bytes of which half are zero."""
    generator = np.random.default_rng(size)
    noise = generator.integers(0, 256, size, dtype=np.uint8)
    return np.where(generator.random(size) < 0.5, noise, np.uint8(0)).tobytes()


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def stored(plain: bytes) -> bytes:
    return b"".join(streams.compressed(pieces(plain, 300)))


def plain(stored: bytes, size: int) -> bytes:
    return b"".join(streams.decompressed(pieces(stored, 77), size))


@pytest.mark.parametrize("size", [1, 999, 12_345, 3_000_000])
def test_a_file_comes_back_and_is_one_frame_that_any_decoder_reads(size: int) -> None:
    kept = stored(content(size))
    assert plain(kept, size) == content(size)
    assert zstandard.ZstdDecompressor().stream_reader(io.BytesIO(kept)).read() == content(size)


@given(st.integers(1, 5000), st.integers(1, 700), st.data())
def test_any_range_of_pieces_is_that_of_the_file(size: int, piece: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(start + 1, size))
    assert b"".join(byte_range(pieces(content(size), piece), start, end)) == content(size)[start:end]


def test_nothing_is_read_behind_a_range() -> None:
    taken = count()
    endless = (bytes(100) for _ in iter(lambda: next(taken), None))
    assert len(b"".join(byte_range(endless, 150, 450))) == 300
    assert next(taken) == 5


@pytest.mark.threat
def test_a_range_far_inside_a_file_holds_no_thread_until_it_begins() -> None:
    taken = count()
    endless = (bytes(100) for _ in iter(lambda: next(taken), None))
    assert next(byte_range(endless, 10**12, 10**12 + 1)) == b""
    assert next(taken) == 1


@given(st.integers(0, 10**9), st.integers(1, 255))
def test_a_changed_byte_is_found_out(position: int, change: int) -> None:
    damaged = bytearray(stored(content(2500)))
    damaged[position % len(damaged)] ^= change
    try:
        found = plain(bytes(damaged), 2500)
    except streams.CorruptFile:
        return
    assert found == content(2500)  # a bit that means nothing


@pytest.mark.parametrize("change", [lambda it: it[:-40], lambda it: b"", lambda it: stored(content(2501))])
def test_a_file_of_another_size_is_found_out(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(streams.CorruptFile):
        plain(change(stored(content(2500))), 2500)


def test_a_few_pieces_are_in_memory_whatever_the_size() -> None:
    """A gigabyte of zeros is some 30 KB compressed, and comes back in pieces of a megabyte."""
    zeros = streams.compressed(bytes(2**20) for _ in range(2**10))
    sizes = [len(piece) for piece in streams.decompressed(zeros, 2**30)]
    assert (sum(sizes), max(sizes)) == (2**30, 2**20)


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "file"
    path.write_bytes(content)
    return path


def test_compressible_files_are_recognised(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    dense = generator.standard_normal(300_000, dtype=np.float32)
    pruned = np.where(generator.random(300_000) < 0.5, np.float32(0), dense)
    archive = io.BytesIO()
    np.savez_compressed(archive, dense)
    packed_mask = np.packbits(generator.random(2_000_000) < 0.5)
    late_zeros = np.concatenate([dense, np.zeros(300_000, np.float32)])
    shrinks = {
        name: streams.is_compressible(written(tmp_path, data))
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
    assert b"".join(store.stream("a/c")) == kept
    assert again.stored_size == len(kept)
    assert b"".join(store.stream_plain("a/b", len(plain))) == plain
    assert b"".join(store.stream_plain("a/b", len(plain), (999_990, 999_995))) == plain[-10:-5]


def test_a_damaged_file_in_the_store_is_named(store: Store, tmp_path: Path) -> None:
    store.put_file("a/b", written(tmp_path, content(5000)), compress=True)
    with pytest.raises(StoreRefused, match="the file a/b in the store is damaged"):
        b"".join(store.stream_plain("a/b", 5001))

"""Whether several workers are sooner done, against the arithmetic by hand."""

import pytest

from pruning.estimate.lanes import in_words, split


def test_what_is_moved_and_computed_by_hand() -> None:
    # Each worker sends the sums of its 4 lanes, the owner reads those of 12, and writes and reads 3 totals.
    found = split(160.0, norm_bytes=1_000, start_seconds=5.0, workers=4, bytes_per_second=100.0)
    assert found.moved_bytes == (4 + 12 + 6) * 1_000
    assert found.split_seconds == pytest.approx(160 / 4 + 5 + 220)
    assert not found.pays


def test_workers_beyond_the_lanes_change_nothing() -> None:
    few, many = (split(1.0, norm_bytes=1, start_seconds=0.0, workers=count) for count in (16, 99))
    assert few == many
    assert few.workers == 16


@pytest.mark.parametrize("workers", [2, 4])
def test_where_computing_is_slow_it_pays(workers: int) -> None:
    # SmolLM2-135M on two cores, 16 windows of 512 tokens: 50 s, and 425 MB of norms on a local disk.
    found = split(50.0, norm_bytes=425_000_000, start_seconds=1.0, workers=workers)
    assert found.pays
    told = in_words(found, is_split=True)
    assert f"split over up to {workers} workers" in told
    assert "10 Gbit/s" in told


def test_where_the_norms_take_longer_to_move_than_to_compute_it_does_not_pay() -> None:
    # LLaMA-2-7B on an H100, 128 windows of 2048 tokens: 40 s, and 26 GB.
    found = split(40.0, norm_bytes=26_000_000_000, start_seconds=35.0, workers=4)
    assert not found.pays
    assert "stay on one worker: about" in in_words(found, is_split=False)


def test_alone_there_is_nothing_to_split() -> None:
    found = split(50.0, norm_bytes=1, start_seconds=0.0, workers=1)
    assert not found.pays
    assert "no other of the class is idle" in in_words(found, is_split=False)
    assert "are opened to workers" in in_words(found, is_split=True)

"""Sparsities per layer and whole numbers of zeros, against sums worked out by hand."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pruning.methods.rounding import spread, zero_counts


def test_sparsities_spread_in_proportion_to_distances_from_the_weighted_mean() -> None:
    # The mean is (1·1 + 2·1 + 3·2) / 4 = 2.25, and the furthest value lies 1.25 from it.
    sparsities = spread([1.0, 2.0, 3.0], [1, 1, 2], sparsity=0.5, band=0.1)
    assert sparsities == pytest.approx([0.4, 0.48, 0.56])


@pytest.mark.parametrize("values", [[2.0, 2.0], [0.0, 0.0], [2.0, 2.0 + 1e-12]])
def test_layers_that_are_equally_prunable_get_the_same_sparsity(values: list[float]) -> None:
    assert spread(values, [1, 3], sparsity=0.3, band=0.1) == [0.3, 0.3]


def test_a_layer_of_which_nothing_is_known_is_the_mean_of_the_others() -> None:
    assert spread([None, 1.0, 3.0], [9, 1, 1], sparsity=0.5, band=0.1) == pytest.approx([0.5, 0.4, 0.6])
    assert spread([None, None], [9, 1], sparsity=0.5, band=0.1) == [0.5, 0.5]


def test_a_small_difference_is_spread_over_the_whole_band() -> None:
    assert spread([0.5, 0.5 + 1e-6], [1, 1], sparsity=0.3, band=0.1) == pytest.approx([0.2, 0.4])


@pytest.mark.parametrize(
    ("sparsities", "sizes", "total", "expected"),
    [
        ([0.5, 0.5], [10, 20], 15, [5, 10]),
        ([0.4, 0.6], [10, 10], 10, [4, 6]),
        ([1.2, 0.3], [10, 10], 15, [10, 5]),
        ([-0.5, 0.5], [10, 10], 6, [0, 6]),
        ([0.5, 0.5, 0.5], [1, 1, 1], 1, [1, 0, 0]),
        ([0.26, 0.24, 0.24], [10, 10, 10], 7, [3, 2, 2]),
        ([0.24, 0.24, 0.26], [10, 10, 10], 7, [2, 2, 3]),
        ([0.9, 0.9], [10, 10], 0, [0, 0]),
        ([-0.5, 0.5], [10, 10], 20, [10, 10]),
        ([0.5, 0.5], [10**9, 3], 10**9, [10**9 - 3, 3]),
    ],
    ids=[
        "as asked",
        "unequal",
        "cut off at 1",
        "cut off at 0",
        "equal remainders: the first",
        "the largest remainder, first",
        "the largest remainder, last",
        "no zero at all",
        "nothing but zeros",
        "a large and a small layer",
    ],
)
def test_counts_are_those_worked_out_by_hand(
    sparsities: list[float], sizes: list[int], total: int, expected: list[int]
) -> None:
    assert zero_counts(sparsities, sizes, total=total) == expected


LAYERS = st.lists(st.tuples(st.floats(-1, 2), st.integers(1, 5000)), min_size=1, max_size=8)


@given(layers=LAYERS, share=st.fractions(0, 1))
def test_the_total_is_met_and_one_shift_explains_every_count(
    layers: list[tuple[float, int]], share: Fraction
) -> None:
    sparsities, sizes = [value for value, _ in layers], [size for _, size in layers]
    total = int(sum(sizes) * share)
    counts = zero_counts(sparsities, sizes, total=total)
    assert sum(counts) == total
    assert all(0 <= count <= size for count, size in zip(counts, sizes, strict=True))
    # Of a layer that has c of n zeros and is not cut off, the shift lies within a weight of c/n - sparsity.
    lowest = max(
        [(c - 1) / n - s for c, n, s in zip(counts, sizes, sparsities, strict=True) if c > 0], default=-4.0
    )
    highest = min(
        [(c + 1) / n - s for c, n, s in zip(counts, sizes, sparsities, strict=True) if c < n], default=4.0
    )
    assert lowest <= highest + 1e-9


@pytest.mark.parametrize("sizes", [[10], [10, 10, 10]], ids=["too few", "too many"])
def test_a_size_for_every_layer_is_needed(sizes: list[int]) -> None:
    with pytest.raises(ValueError, match="zip"):
        spread([0.2, 0.8], sizes, sparsity=0.5, band=0.1)
    with pytest.raises(ValueError, match="zip"):
        zero_counts([0.2, 0.8], sizes, total=5)

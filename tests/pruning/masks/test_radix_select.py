"""Selection by histograms, which runs on GPUs, is compared with torch's sort on a CPU."""

import pytest
import torch
from torch import Tensor

from pruning.masks import radix_select as radix
from pruning.masks.radix_select import radix_select

DTYPES = [torch.bfloat16, torch.float16, torch.float32, torch.float64]


def special_values(dtype: torch.dtype) -> Tensor:
    info = torch.finfo(dtype)
    subnormal = info.smallest_normal / 4
    values = [
        0.0,
        -0.0,
        subnormal,
        -subnormal,
        info.smallest_normal,
        info.max,
        info.min,
        1.0,
        -1.0,
        1 + info.eps,
    ]
    return torch.tensor([*values, torch.inf, -torch.inf], dtype=dtype)


def assert_every_rank_is_that_of_a_sort(values: Tensor) -> None:
    expected = values.sort(dim=1).values
    for rank in {*range(1, values.shape[1] + 1, 1 + values.shape[1] // 20), values.shape[1]}:
        assert torch.equal(radix_select(values, rank), expected[:, rank - 1 : rank]), rank


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [1, 5])
def test_numbers_of_many_sizes(dtype: torch.dtype, rows: int) -> None:
    random = torch.Generator().manual_seed(rows)
    numbers = torch.randn(rows, 999, generator=random, dtype=torch.float64)
    numbers *= torch.exp2(torch.randint(-12, 12, numbers.shape, generator=random).double())
    assert_every_rank_is_that_of_a_sort(numbers.to(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_zeros_subnormals_and_infinities(dtype: torch.dtype) -> None:
    special = special_values(dtype)
    order = torch.stack(
        [torch.randperm(len(special), generator=torch.Generator().manual_seed(n)) for n in range(4)]
    )
    for values in (special[order], special[order].repeat(1, 3), special[:1].expand(3, 7)):
        assert_every_rank_is_that_of_a_sort(values)


@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_that_differ_in_one_bit(dtype: torch.dtype) -> None:
    integers = {2: torch.int16, 4: torch.int32, 8: torch.int64}[dtype.itemsize]
    bits = 1 << torch.arange(8 * dtype.itemsize - 2, dtype=integers)
    values = bits.view(dtype)
    assert_every_rank_is_that_of_a_sort(torch.cat([values.flip(0), -values])[None])


def test_ties_between_numbers_widened_from_16_bits() -> None:
    numbers = torch.randn(2, 4000, generator=torch.Generator().manual_seed(0)).bfloat16().float().abs()
    assert len(numbers.unique()) < 1500
    assert_every_rank_is_that_of_a_sort(numbers)


@pytest.mark.parametrize("at_a_time", [1, 7, 100, 1000])
def test_a_large_matrix_is_counted_in_parts(at_a_time: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(radix, "_CHUNK_VALUES", at_a_time)
    values = torch.randint(0, 60, (3, 301), generator=torch.Generator().manual_seed(0)).float()
    assert_every_rank_is_that_of_a_sort(values)


def test_columns_of_a_larger_matrix() -> None:
    matrix = torch.randn(6, 40, generator=torch.Generator().manual_seed(0))
    assert_every_rank_is_that_of_a_sort(matrix[:, 7:29])
    assert_every_rank_is_that_of_a_sort(matrix.T[:, :4])

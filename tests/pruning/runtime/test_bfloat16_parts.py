"""The three bfloat16 parts of float32 numbers, whose sum in float64 is exact."""

import pytest
import torch
from torch import Tensor

from pruning.models.upcast import bfloat16_parts, float32_product
from tests.pruning.products_by_parts import multiply_by_parts


def test_the_parts_of_any_number_add_up_to_it() -> None:
    bits = torch.randint(0, 1 << 23, (100_000,), generator=torch.Generator().manual_seed(1))
    exponents = torch.linspace(-99, 127, len(bits)).int()
    numbers = torch.ldexp(1 + bits.double() / (1 << 23), exponents).float()
    edges = torch.tensor([1.0, 1 + 2**-23, 2 - 2**-23, 1 + 2**-8, 1 + 2**-8 + 2**-23, 1 - 2**-24, 0.0])
    numbers = torch.cat([numbers[numbers < 1e38], edges])
    numbers = torch.cat([numbers, -numbers])
    parts = bfloat16_parts(numbers)
    assert {part.dtype for part in parts} == {torch.bfloat16}
    assert torch.equal(torch.stack(parts).double().sum(0), numbers.double())


def numbers_and_matrix() -> tuple[Tensor, Tensor]:
    """Return numbers of very different sizes, as activations are, and a matrix."""
    random = torch.Generator().manual_seed(3)
    numbers = torch.randn(3, 5, 96, generator=random) * torch.logspace(-3, 3, 96)
    return numbers, torch.randn(40, 96, generator=random).bfloat16().T


def assert_rounded_in_sums_only(found: Tensor, error: float) -> None:
    """Compare with float64: `error` relative to the sum of all terms' magnitudes."""
    numbers, matrix = (each.double() for each in numbers_and_matrix())
    expected = numbers @ matrix
    assert found.dtype == torch.float32
    assert found.shape == expected.shape
    assert ((found - expected).abs() <= error * (numbers.abs() @ matrix.abs())).all()


@pytest.mark.parametrize(("sums", "error"), [(torch.float64, 1.2e-7), (torch.float32, 2e-7)])
def test_a_product_by_parts_is_rounded_in_its_sums_only(
    sums: torch.dtype, error: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    multiply_by_parts(monkeypatch, sums)
    assert_rounded_in_sums_only(float32_product(*numbers_and_matrix()), error)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_product_by_parts_is_rounded_in_its_sums_only_on_a_gpu() -> None:
    found = float32_product(*(each.cuda() for each in numbers_and_matrix()))
    assert_rounded_in_sums_only(found.cpu(), 1e-6)

"""The three bfloat16 parts of float32 numbers, whose sum in float64 is exact."""

import pytest
import torch

from pruning.runtime.bfloat16_parts import bfloat16_parts, float32_product
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


@pytest.mark.parametrize(("sums", "error"), [(torch.float64, 1.2e-7), (torch.float32, 2e-7)])
def test_a_product_by_parts_is_rounded_in_its_sums_only(
    sums: torch.dtype, error: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = torch.Generator().manual_seed(3)
    numbers = torch.randn(3, 5, 96, generator=random) * torch.logspace(-3, 3, 96)  # as in activations
    matrix = torch.randn(40, 96, generator=random).bfloat16().T
    multiply_by_parts(monkeypatch, sums)
    found = float32_product(numbers, matrix)
    expected = numbers.double() @ matrix.double()
    assert found.shape == expected.shape
    assert ((found - expected).abs() <= error * (numbers.double().abs() @ matrix.double().abs())).all()

"""The three bfloat16 parts of float32 numbers, whose sum in float64 is exact."""

import torch

from pruning.runtime.bfloat16_parts import bfloat16_parts


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

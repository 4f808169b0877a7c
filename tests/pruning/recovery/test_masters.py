"""Masters whose upper halves are a parameter in bfloat16: exact with the lower ones, unbiased without."""

import pytest
import torch
from torch import Tensor, nn

from pruning.recipe import StateKind
from pruning.recovery.masters import Masters, masters_of


def in_bfloat16(values: Tensor, kind: StateKind) -> tuple[nn.Parameter, Masters]:
    parameter = nn.Parameter(torch.zeros_like(values, dtype=torch.bfloat16), requires_grad=False)
    return parameter, masters_of(parameter, values, masked=True, kind=kind)


def wide_values() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(3, 5000, generator=generator) * 10 ** (
        40 * torch.rand(3, 5000, generator=generator) - 20
    )
    values[0, :6] = torch.tensor([0.0, 1.0, -1.0, 1 + 2**-8, -(1 + 2**-8), 1e-39])
    values[0, 6] = -0.0
    return values


def test_both_halves_hold_float32_values_bit_for_bit() -> None:
    values = wide_values()
    parameter, masters = in_bfloat16(values, "8-bit")
    read = masters.read(0, values.numel())
    assert torch.equal(read.view(torch.int32), (values.flatten() + 0.0).view(torch.int32))  # +0.0 for -0.0
    rounded = values.bfloat16()
    halfway = (values.view(torch.int32) & 0xFFFF) == 0x8000
    assert halfway.any()
    assert torch.equal(parameter[~halfway], rounded[~halfway])
    assert not torch.signbit(parameter[values == 0]).any()

    masters.write(100, read[100:200] * 1.001, "1")
    assert torch.equal(masters.read(100, 200), values.flatten()[100:200] * 1.001)
    assert torch.equal(masters.read(200, 300), values.flatten()[200:300])
    state = masters.state()
    assert sum(tensor.nbytes for tensor in state.values()) == 4 * values.numel()
    assert state["upper"].data_ptr() == parameter.data_ptr()


@pytest.mark.parametrize("value", [1.3, -1.3, 2.0, 1 + 2**-7 / 5, -3e-5])
def test_without_the_lower_halves_a_value_is_kept_on_average(value: float) -> None:
    count = 100_000
    parameter, masters = in_bfloat16(torch.zeros(count), "bfloat16")
    values = torch.full((count,), value)
    masters.write(0, values, "3 0 a")
    found = parameter.unique().double()
    lower, upper = float(found.min()), float(found.max())
    spacing = upper - lower
    assert len(found) <= 2
    assert lower <= float(values[0]) <= upper
    assert spacing <= abs(value) * 2**-7
    assert float(parameter.double().mean()) == pytest.approx(float(values[0]), abs=4 * spacing * count**-0.5)
    first = parameter.clone()
    masters.write(0, values, "4 0 a")
    assert torch.equal(parameter, first) is (spacing == 0)
    masters.write(0, values, "3 0 a")  # the counter alone decides
    assert torch.equal(parameter, first)


def test_zeros_stay_zeros_without_the_lower_halves() -> None:
    values = torch.zeros(10_000)
    parameter, masters = in_bfloat16(values, "bfloat16")
    for counter in range(10):
        masters.write(0, masters.read(0, 10_000), str(counter))
    assert not parameter.view(torch.int16).any()

"""Adam's moments in 8 bits: against the published code, by its bits, and against moments in float32."""

import pytest
import torch
from torch import Tensor, nn

from pruning.recipe import StateKind
from pruning.recovery import parameters
from pruning.recovery.optimizer import BLOCK, CodedTensor
from pruning.recovery.parameters import Trainable, TrainedParameters


def published(*, signed: bool) -> set[float]:
    """Decode each of the 256 bytes: zeros up to the first one divide by ten, what follows counts parts."""
    found = set[float]()
    for byte in range(256):
        first, rest = f"{byte:08b}"[0], f"{byte:08b}"[1:]
        exponent = rest.find("1")
        if exponent < 0:
            found.add(float(first))
            continue
        # Without signs, their bit is one of the parts'.
        part = rest[exponent + 1 :] + ("" if signed else first)
        share = (int(part or "0", 2) + 0.5) / 2 ** len(part)
        sign = -1 if signed and first == "1" else 1
        found.add(sign * 10.0**-exponent * (0.1 + 0.9 * share))
    return found


@pytest.mark.parametrize("signed", [True, False])
def test_values_become_the_nearest_of_the_published_numbers(signed: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(BLOCK, generator=generator) * 10 ** (-8 * torch.rand(BLOCK, generator=generator))
    values = values if signed else values.abs()
    values[7], values[8] = 3.0, 0.0
    coded = CodedTensor(BLOCK, values.device, signed=signed)
    coded.write(0, values)
    numbers = torch.tensor(sorted(published(signed=signed)), dtype=torch.float64)
    assert len(numbers) == 256
    if not signed:
        numbers = numbers[1:]  # but zero
    largest = float(values.abs().max())
    nearest = (values.double()[:, None] / largest - numbers).abs().argmin(1)
    torch.testing.assert_close(coded.read(0, BLOCK).double(), largest * numbers[nearest], rtol=1e-6, atol=0)


def test_each_block_has_a_scale_of_its_own() -> None:
    values = torch.full((3 * BLOCK + 5,), 1e-6)
    values[BLOCK : 2 * BLOCK] = 1e6
    values[2 * BLOCK : 3 * BLOCK] = 0.0
    coded = CodedTensor(len(values), values.device, signed=True)
    assert not coded.read(0, len(values)).any()
    coded.write(0, values[:BLOCK])
    coded.write(BLOCK, values[BLOCK:])
    assert torch.equal(coded.read(0, len(values)), values)
    assert torch.equal(coded.read(BLOCK, 2 * BLOCK + 3), values[BLOCK : 2 * BLOCK + 3])
    assert coded.codes.nbytes + coded.scales.nbytes == len(values) + 4 * 4


def stepped(kind: StateKind, weight: Tensor, sizes: Tensor) -> Tensor:
    """Take 40 steps with gradients of these sizes, and return how the weights have moved."""
    generator = torch.Generator().manual_seed(1)
    parameter = nn.Parameter(weight.clone(), requires_grad=False)
    trained = TrainedParameters({"a": Trainable(parameter, weight, is_masked=True)}, weight.dtype, state=kind)
    for step in range(1, 41):
        noise = torch.randn(weight.shape, generator=generator)
        with trained.step(0.01, step, shared=()):
            (parameter * (sizes * (0.5 + noise)).to(weight.dtype)).sum().backward()
    return parameter.detach() - weight


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_8_bit_steps_are_near_float32_steps_also_for_tiny_gradients(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = torch.Generator().manual_seed(0)
    mask = torch.rand(60, 40, generator=generator) < 0.5
    weight = torch.randn(60, 40, generator=generator, dtype=dtype) * ~mask
    sizes = 10 ** (-6 * torch.rand(60, 40, generator=generator))
    kinds: tuple[StateKind, ...] = ("float32", "8-bit")
    expected, found = (stepped(kind, weight, sizes) for kind in kinds)
    assert not found[mask].any()
    large = ~mask & (sizes > 1e-2)
    error = torch.linalg.vector_norm((found - expected)[large])
    assert error < 0.05 * torch.linalg.vector_norm(expected[large])
    # A mean of squares that were rounded to zero would make them larger by orders of magnitude.
    assert found.abs().max() < 1.2 * expected.abs().max()
    monkeypatch.setattr(parameters, "STEP_WEIGHTS", {"cpu": BLOCK})
    assert torch.equal(stepped("8-bit", weight, sizes), found)

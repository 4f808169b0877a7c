"""Estimates for GPUs that share a model, against plain arithmetic for LLaMA-2-7B and 70B."""

import pytest

from pruning.estimate import Machine
from pruning.estimate.estimate import Estimate
from pruning.estimate.shape import BlockShape, Matrix, ModelShape
from pruning.recipe import Evaluation, Recipe, Stage

RECIPE = Recipe.model_validate({"model": "org/name", "method": "gblm", "sparsity": 0.5})


def llama(hidden: int, intermediate: int, blocks: int) -> ModelShape:
    attention = [Matrix(hidden, hidden, "attention") for _ in range(3)] + [Matrix(hidden, hidden, "output")]
    mlp = [Matrix(intermediate, hidden, "mlp") for _ in range(2)] + [Matrix(hidden, intermediate, "down")]
    block = BlockShape((*attention, *mlp), attention=hidden)
    return ModelShape("llama", hidden, 32_000, 4096, (block,) * blocks, 2 * 32_000 * hidden, "bfloat16")


def machine(devices: int) -> Machine:
    return Machine(
        device=", ".join(f"cuda:{number} (H100)" for number in range(devices)),
        devices=devices,
        memory_bytes=80 * 10**9,
        operations_per_second={"bfloat16": 6e14},
        bytes_per_second=3e12,
    )


def estimate(shape: ModelShape, devices: int) -> Estimate:
    return Estimate.of(RECIPE, Evaluation(), shape, machine(devices))


def test_devices_divide_the_time_of_gradients_and_evaluation_not_of_pruning() -> None:
    shape = llama(4096, 11_008, 32)
    one, four = (estimate(shape, devices) for devices in (1, 4))
    for alone, shared in zip(one.stages, four.stages, strict=True):
        assert (alone.name, alone.operations) == (shared.name, shared.operations)
        factor = 4 if alone.name in (Stage.GRADIENTS, Stage.EVALUATE) else 1
        # Norms of four bytes are written and sent at 0.4 GB/s, however many devices compute them.
        files = 2 * 4 * shape.block_weights / 4e8 if alone.name == Stage.GRADIENTS else 0.0
        assert alone.seconds - files == pytest.approx(factor * (shared.seconds - files))
    assert four.machine.device.count("H100") == 4
    assert "4 devices share gradients and evaluation, and prune one after the other" in four.notes
    assert not any("devices share" in note for note in one.notes)


def test_weights_and_sums_are_shared_and_activations_are_not() -> None:
    shape = llama(4096, 11_008, 32)
    held = {}
    for devices in (1, 2, 4):
        found = estimate(shape, devices)
        assert found.schedule == "whole"
        held[devices] = found.stages[1].memory_bytes
    weights, sums = 2 * 6.74e9, 4 * 6.48e9
    around = 2 * 2 * 32_000 * 4096  # the last device has a copy of these
    assert held[1] - held[2] == pytest.approx((weights + sums - around) / 2, rel=1e-3)
    assert held[2] - held[4] == pytest.approx((weights + sums + around) / 4, rel=1e-3)


def test_a_model_that_is_too_large_for_one_gpu_may_stay_on_eight() -> None:
    shape = llama(8192, 28_672, 64)
    one, eight = estimate(shape, 1), estimate(shape, 8)
    assert shape.parameters * 2 > 0.7 * 80e9
    around, block = 2 * shape.embeddings, 2 * shape.largest_block.weights
    assert one.stages[-2].memory_bytes < around + 2 * block + 20e9  # block by block
    assert eight.stages[-2].memory_bytes > shape.parameters * 2 / 8 > around + 2 * block

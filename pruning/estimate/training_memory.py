"""The peak memory of a training, in bytes."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Self, get_args

from pruning.estimate.memory import (
    FLOAT32_BYTES,
    MEMORY_SHARE,
    PROBED_TOKENS,
    activations_of,
    around_blocks,
    block_inputs,
    computing_blocks,
    forward,
    is_narrow,
)
from pruning.estimate.pieces import HEAD_TOKENS, HELD_STATES, STEP_WEIGHTS, WIDE_LOGITS
from pruning.estimate.shape import BYTES, BlockShape, ModelShape
from pruning.estimate.work import Windows
from pruning.recipe import DistilOptions, StateKind
from pruning.recipe.recovery import HELD_OUT_WINDOWS

_MOMENT_BYTES_8_BIT = 1 + FLOAT32_BYTES / 256  # with the scale of a block of values
# Of a weight that takes its step.
_BYTES_OF_STEP: dict[StateKind, int] = {"float32": 16, "8-bit": 28, "bfloat16": 28}
_TRAINING_SHARE = 0.9  # of the memory, where there is a choice: an allocator and workspaces take the rest


def training_of_weight(dtype: str, state: StateKind) -> float:
    """Return what the model computes with for a trained weight, its master, and two moments.

    In bfloat16 the former is the upper half of the master where moments are in 8 bits.
    """
    wide = max(FLOAT32_BYTES, BYTES[dtype])
    master = wide if BYTES[dtype] == wide else wide + BYTES[dtype]
    if dtype == "bfloat16" and state != "float32":
        master = wide if state == "8-bit" else BYTES[dtype]
    return master + 2 * (wide if state == "float32" else _MOMENT_BYTES_8_BIT)


@dataclass(frozen=True)
class TrainingMemory:
    """How a training uses a device's memory."""

    state: StateKind
    graphs: int  # blocks whose activations are kept until the backward pass
    size: int  # bytes

    @classmethod
    def fitting(
        cls,
        shape: ModelShape,
        options: DistilOptions,
        length: int,
        dtype: str,
        device: str,
        *,
        smaller: ModelShape | None,
        memory_bytes: float,
    ) -> Self:
        """Return the state that is asked for, or the widest that fits; the narrowest where none does.

        `smaller`: what a cut has left of the model, all of which is trained. `length`: the tokens of a
        window.
        """
        kinds: tuple[StateKind, ...] = get_args(StateKind) if options.state == "auto" else (options.state,)
        pruned, tokens = smaller or shape, max(1, options.tokens_per_step // length) * length
        for kind in kinds:
            needed = whole_model_training(shape, options, length, dtype, device, smaller=smaller, state=kind)
            if needed <= _TRAINING_SHARE * memory_bytes:
                break
        graph = activations_of(pruned, (pruned.largest_block,), dtype) * tokens
        spare = int(max(0.0, MEMORY_SHARE * memory_bytes - needed) // graph)
        more = min(len(pruned.blocks) - 1, spare)
        return cls(kind, 1 + more, int(needed + more * graph))


def whole_model_training(
    shape: ModelShape,
    options: DistilOptions,
    length: int,
    dtype: str,
    device: str,
    *,
    smaller: ModelShape | None = None,
    state: StateKind,
) -> float:
    """Return the state of a training, and the most of what computes: a step, a judgement, or the dense model.

    Trained are the weights of all blocks, or all of the `smaller` model that a cut has left. The dense model
    is on the device one block at a time, but for what is around its blocks. `length`: the tokens of a window.
    """
    pruned, windows = smaller or shape, Windows(max(1, options.tokens_per_step // length), length)
    every = smaller is not None
    trained = pruned.trained_weights(cut=every)
    held = training_of_weight(dtype, state) * trained + around_blocks(shape, dtype)
    if not every:
        held += around_blocks(shape, dtype)
    ahead, judged = _held_states(shape, options, windows, dtype, device), Windows(HELD_OUT_WINDOWS, length)
    if device == "cpu":  # where the host's memory is the device's
        held += ahead + block_inputs(shape, judged, dtype)
    largest = pruned.largest_block.weights + (pruned.embeddings if every else 0)
    rounded = (BYTES[shape.stored_dtype] + BYTES[dtype]) * largest
    passing = forward(shape.largest_block, shape.hidden, windows.tokens, dtype)
    judging = rounded + 2 * block_inputs(shape, judged, dtype) + passing
    dense = computing_blocks(shape, dtype, device) + passing + 2 * ahead + block_inputs(shape, judged, dtype)
    step = _step_of_training(pruned, windows, dtype, device, state, every=every)
    return held + max(step, judging, dense)


def _held_states(
    shape: ModelShape, options: DistilOptions, windows: Windows, dtype: str, device: str
) -> float:
    """Return the final states that are computed at a time: whole steps, as many as training has."""
    step = block_inputs(shape, windows, dtype)
    steps = max(1, min(HELD_STATES[device] // step, options.tokens // windows.tokens))
    return steps * step


def _step_of_training(
    shape: ModelShape,
    windows: Windows,
    dtype: str,
    device: str,
    state: StateKind,
    *,
    every: bool,
) -> float:
    """Return the inputs of all blocks, and one block with its activations and a gradient; or the logits.

    `every`: embeddings are trained as well.
    """
    tokens, hidden = windows.tokens, block_inputs(shape, windows, dtype)
    activations = activations_of(shape, (shape.largest_block,), dtype) * tokens
    # Of the pruned and the dense model, with the gradient of the former, and terms of their divergence.
    logits = 4 * BYTES[dtype] * shape.vocabulary * min(tokens, HEAD_TOKENS[device])
    logits += 7 * FLOAT32_BYTES * min(shape.vocabulary * tokens, WIDE_LOGITS[device])
    of_step = _BYTES_OF_STEP[state] + (2 * FLOAT32_BYTES if is_narrow(dtype) else 0)
    largest = _largest_parameter(shape.largest_block)
    gradients = BYTES[dtype] * largest + of_step * min(largest, STEP_WEIGHTS[device])
    if every:
        summed = BYTES[dtype] if state == "bfloat16" else max(FLOAT32_BYTES, BYTES[dtype])
        gradients += (summed + BYTES[dtype]) * shape.embeddings
    probes = 2 * 1.5 * BYTES[dtype] * shape.vocabulary * PROBED_TOKENS  # of both models
    return probes + len(shape.blocks) * hidden + activations + max(gradients, 2 * hidden + logits)


def _largest_parameter(block: BlockShape) -> int:
    """Return the weights of the largest parameter, which may hold the matrices of all experts."""
    weights: dict[object, int] = defaultdict(int)
    for number, matrix in enumerate(block.matrices):
        weights[number if matrix.share == 1 else matrix.group] += matrix.weights
    return max(weights.values())

"""The peak device memory of each stage, in bytes."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Self, get_args

from pruning.estimate.pieces import (
    DENSE_HEAD_TOKENS,
    EVALUATED_TOKENS,
    FULL_SPEED_TOKENS,
    HEAD_TOKENS,
    HELD_STATES,
    PROBE_TOKENS,
    SAMPLED_TOKENS,
    STEP_WEIGHTS,
    SWAPPED_WEIGHTS,
    WIDE_LOGITS,
)
from pruning.estimate.shape import BYTES, BlockShape, Matrix, ModelShape, unit_readers
from pruning.estimate.work import Windows
from pruning.recipe import DistilOptions, Recipe, StateKind, StructureOptions
from pruning.recipe.recovery import HELD_OUT_WINDOWS

# Tokens whose logits an evaluation holds at a time: of the pruned and of the dense model.
_COMPARED_TOKENS = {device: HEAD_TOKENS[device] + DENSE_HEAD_TOKENS[device] for device in HEAD_TOKENS}
_PROBED_TOKENS = 2 * PROBE_TOKENS
_FLOAT32_BYTES = 4
_MOMENT_BYTES_8_BIT = 1 + _FLOAT32_BYTES / 256  # with the scale of a block of values
# Of a weight that takes its step.
_BYTES_OF_STEP: dict[StateKind, int] = {"float32": 16, "8-bit": 28, "bfloat16": 28}
_TRAINING_SHARE = 0.9  # of the memory, where there is a choice: an allocator and workspaces take the rest

MEMORY_SHARE = 0.7
"""The share of a device's memory for weights and accumulators; the rest is for activations."""


def _micro_batch(windows: Windows, device: str) -> int:
    """Return the tokens of a micro-batch of whole windows."""
    count = max(1, -(-FULL_SPEED_TOKENS[device] // windows.length))
    return min(count, windows.count) * windows.length


def block_activations(block: BlockShape, hidden: int, dtype: str) -> float:
    """Return the bytes per token that a block holds between its forward and its backward pass.

    Each distinct input of a layer is a factor of its gradient. Autograd saves each layer's output where
    attention, the activation function or a residual's norm needs it. The activation function's own result is
    a third tensor of the MLP's width. The two norms save their inputs in float32. A test measures this;
    attention that saves its scores, and activation functions of several steps, take more.
    """
    inputs = sum(matrix.inputs * matrix.copies * matrix.share for matrix in block.inputs)
    outputs = sum(matrix.outputs * matrix.copies * matrix.share for matrix in block.matrices)
    activated = sum(
        matrix.inputs * matrix.copies * matrix.share
        for matrix in block.matrices
        if matrix.outputs == hidden != matrix.inputs
    )
    norms = max(0, _FLOAT32_BYTES - BYTES[dtype]) * 2 * hidden
    return BYTES[dtype] * (inputs + outputs + activated) + norms


def _activations(shape: ModelShape, blocks: tuple[BlockShape, ...], dtype: str) -> float:
    return sum(block_activations(block, shape.hidden, dtype) for block in blocks)


def _passing(
    block: BlockShape, hidden: int, windows: Windows, dtype: str, device: str, *, largest_moments: float
) -> float:
    """Return what a pass of a micro-batch without gradients holds, while inputs are measured or after that.

    Each measured input is held until the pass ends, with the residual and a tensor of its width. To these
    come two more tensors where the widest input is computed; or the product of a window, which is added
    to the second moments (`largest_moments`: their bytes). Without these there is a sample of each input.
    After that, three tensors of the widest input are held; of all experts together four, and their inputs.
    """
    inputs = sum(_widths(block)[0].values())
    tokens = BYTES[dtype] * _micro_batch(windows, device)
    computing = 2 * tokens * max(matrix.inputs * matrix.share for matrix in block.inputs)
    measuring = tokens * (inputs + 2 * hidden) + max(computing, largest_moments)
    if not largest_moments:
        measuring += BYTES[dtype] * min(SAMPLED_TOKENS, windows.length) * inputs
    return max(measuring, _forward(block, hidden, _micro_batch(windows, device), dtype))


def _forward(block: BlockShape, hidden: int, tokens: int, dtype: str) -> float:
    """Return what a pass without gradients holds at most: tensors of the widest input, and a residual."""
    widths, routed = _widths(block)
    return BYTES[dtype] * tokens * (2 * hidden + 3 * max(widths.values()) + routed)


def _widths(block: BlockShape) -> tuple[dict[object, float], float]:
    """Return the features of the inputs that are computed together, and of those of experts."""
    widths: dict[object, float] = defaultdict(float)
    for matrix in block.inputs:
        widths[matrix.group] += matrix.inputs * matrix.copies * matrix.share
    routed = sum(matrix.inputs * matrix.copies * matrix.share for matrix in block.inputs if matrix.share < 1)
    return widths, routed


def _logits(shape: ModelShape) -> float:
    """Per token: the logits and their gradient."""
    return 2 * _FLOAT32_BYTES * shape.vocabulary


def _weights(shape: ModelShape, dtype: str) -> int:
    return shape.parameters * BYTES[dtype]


def _share(shape: ModelShape, dtype: str, devices: int) -> float:
    """The resident weights of the device that has most of them."""
    return max(_weights(shape, dtype) / devices, _around_blocks(shape, dtype))


def _around_blocks(shape: ModelShape, dtype: str) -> int:
    return shape.embeddings * BYTES[dtype]


def _block(shape: ModelShape, dtype: str, device: str) -> int:
    """The block that computes, and on CUDA the next one, which is prefetched."""
    return shape.largest_block.weights * BYTES[dtype] * (2 if device == "cuda" else 1)


def block_inputs(shape: ModelShape, windows: Windows, dtype: str) -> int:
    """Return the hidden states of all windows before one block."""
    return windows.tokens * shape.hidden * BYTES[dtype]


def whole_gradients(shape: ModelShape, windows: Windows, dtype: str, norms: int, devices: int) -> float:
    """Return the minimum for `whole`: the model, its accumulators, and the activations of one window.

    Devices share the former. Of the activations, the first of them holds as much as one device alone: a part
    of the blocks, for as many windows as there are devices.
    """
    activations = (_activations(shape, shape.blocks, dtype) + _logits(shape)) * windows.length
    sums = _FLOAT32_BYTES * norms * shape.block_weights / devices
    return _share(shape, dtype, devices) + sums + activations


def streamed_gradients(shape: ModelShape, windows: Windows, dtype: str, device: str, norms: int) -> float:
    """Return one block, its accumulators, a micro-batch of activations, and the weights around the blocks."""
    one = (shape.largest_block,)
    activations = max(_activations(shape, one, dtype), _logits(shape)) * _micro_batch(windows, device)
    accumulators = _FLOAT32_BYTES * norms * shape.largest_block.weights
    return _around_blocks(shape, dtype) + _block(shape, dtype, device) + accumulators + activations


def pruning(shape: ModelShape, windows: Windows, dtype: str, device: str, recipe: Recipe) -> float:
    """Return one block with its masks, the hidden states before it, its statistics, and what a matrix takes.

    For a refit toward the dense model there are a dense block and its hidden states besides.
    """
    block = shape.largest_block
    models = 2 if "activation_error" in recipe.needs else 1
    statistics = working = 0.0
    held = _block(shape, dtype, device) + (models - 1) * block.weights * BYTES[dtype] + block.weights
    if recipe.needs & {"input_norms", "second_moments"}:
        held += models * block_inputs(shape, windows, dtype)
        second_moments = "second_moments" in recipe.needs
        largest = _FLOAT32_BYTES * max(matrix.inputs**2 for matrix in block.inputs) if second_moments else 0
        working = _passing(block, shape.hidden, windows, dtype, device, largest_moments=largest)
        statistics = _FLOAT32_BYTES * _numbers_of_statistics(block, recipe) if second_moments else 0.0
    pruned = max(_to_prune(matrix, recipe, dtype, device) for matrix in block.matrices)
    return max(held + statistics + max(working, pruned), _checking(shape, windows, dtype, device))


def _checking(shape: ModelShape, windows: Windows, dtype: str, device: str) -> float:
    """Return what a model takes before its first block: to check that it runs by blocks, and to embed."""
    probe = _PROBED_TOKENS * (_activations(shape, (shape.largest_block,), dtype) + _logits(shape))
    check = _block(shape, dtype, device) + probe
    return _around_blocks(shape, dtype) + max(check, block_inputs(shape, windows, dtype))


def _numbers_of_statistics(block: BlockShape, recipe: Recipe) -> float:
    """Return the second moments of a block's inputs and the activation errors, of all that are held at once.

    With the order 'layers', those of the layers that share an input; of all experts' first or last matrices.
    Errors of experts are not measured, and the block's last layer has one of its outputs.
    """
    by_group: dict[object, float] = defaultdict(float)
    for matrix in block.inputs:
        numbers = float(matrix.inputs**2)
        if "activation_error" in recipe.needs and matrix.share == 1:
            of_outputs = matrix.given == block.matrices[-1].given
            numbers += matrix.outputs * matrix.inputs if of_outputs else matrix.inputs**2
        by_group[matrix.group if recipe.order == "layers" else None] += numbers * matrix.copies
    return max(by_group.values())


def _to_prune(matrix: Matrix, recipe: Recipe, dtype: str, device: str) -> float:
    """Return the bytes that pruning one matrix takes, its statistics not counted."""
    size = (matrix.outputs, matrix.inputs)
    numbers = recipe.mask_method.numbers_held(*size, recipe.pattern)
    if recipe.refit is not None:
        numbers = max(numbers, recipe.refit.numbers_held(*size))
        numbers += matrix.outputs * matrix.inputs if recipe.refit.toward else 0
    if recipe.swaps:
        numbers = max(numbers, _numbers_to_swap(matrix, device))
    if "gradient_norms" in recipe.mask_method.needs:  # they are read to the device matrix by matrix
        numbers += matrix.outputs * matrix.inputs
    narrow = BYTES[dtype] < _FLOAT32_BYTES and not (recipe.refit and recipe.refit.toward)
    return _FLOAT32_BYTES * (numbers + (matrix.outputs * matrix.inputs / 2 if narrow else 0))


def _numbers_to_swap(matrix: Matrix, device: str) -> float:
    """Return what the swaps of some rows hold: moments between candidates, and products with all weights."""
    rows = min(matrix.outputs, max(1, SWAPPED_WEIGHTS[device] // matrix.inputs))
    return rows * (11 * matrix.inputs + 19_200)


def cutting(
    shape: ModelShape, windows: Windows, dtype: str, device: str, structure: StructureOptions
) -> float:
    """Return one block, the hidden states before it, and what ranks and repairs the layers that read units.

    Those that read units of one kind are measured together: all experts, for MLP channels. A layer takes a
    factor and an inverse, or two inverses, and its weights before and after.
    """
    block, largest, held = shape.largest_block, 0, _block(shape, dtype, device)
    held += block_inputs(shape, windows, dtype)
    moments: dict[bool, int] = {True: 0, False: 0}
    solving = 0
    for reader in unit_readers(block, shape.hidden):
        of_attention = reader.inputs == block.attention and reader.share == 1
        if (
            structure.parameters is None
            and structure.amount("kv_groups" if of_attention else "mlp_channels") is None
        ):
            continue
        largest = max(largest, reader.inputs**2)
        moments[of_attention] += reader.inputs**2 * reader.copies
        solving = max(solving, 2 * reader.inputs**2 + 2 * reader.outputs * reader.inputs)
    passing = _passing(block, shape.hidden, windows, dtype, device, largest_moments=_FLOAT32_BYTES * largest)
    ranked = held + _FLOAT32_BYTES * max(moments.values()) + max(passing, _FLOAT32_BYTES * solving)
    return max(ranked, _checking(shape, windows, dtype, device))


def quantizing(shape: ModelShape, windows: Windows, dtype: str, device: str) -> float:
    """Return one block, the hidden states before it, and what INT4 takes: it measures one input at a time.

    The moments are put in the order of the columns, and factored; then the candidates of a matrix's scales
    are compared. The codes of the block before are written meanwhile.
    """
    block = shape.largest_block
    largest = _FLOAT32_BYTES * max(matrix.inputs**2 for matrix in block.inputs)
    passing = _passing(block, shape.hidden, windows, dtype, device, largest_moments=largest)
    scaling = max(matrix.inputs**2 + 4.5 * matrix.outputs * matrix.inputs for matrix in block.matrices)
    held = _block(shape, dtype, device) + 2 * block.weights + block_inputs(shape, windows, dtype)
    quantizing = held + max(largest + passing, 4 * largest, _FLOAT32_BYTES * scaling)
    return max(quantizing, _checking(shape, windows, dtype, device))


def shortening(shape: ModelShape, windows: Windows, dtype: str, device: str) -> float:
    """Return the hidden states of the model without each of its blocks, and a block that computes or logits.

    There are states of the dense model too, before and after all blocks, and those that are being computed;
    and a probe's after each block. Logits are those of two models and three terms of their divergence, and a
    probe's, one of them of half as many tokens.
    """
    count, window = len(shape.blocks), Windows(1, windows.length)
    states = (count + 4) * windows.tokens + count * _PROBED_TOKENS
    passing = _passing(shape.largest_block, shape.hidden, window, dtype, device, largest_moments=0)
    computing = _block(shape, dtype, device) + passing
    compared = 5 * min(windows.length, _COMPARED_TOKENS[device]) + 1.5 * _PROBED_TOKENS
    logits = _FLOAT32_BYTES * shape.vocabulary * compared
    most = max(computing, _around_blocks(shape, dtype) + logits)
    return max(BYTES[dtype] * shape.hidden * states + most, _checking(shape, window, dtype, device))


def training_of_weight(dtype: str, state: StateKind) -> float:
    """Return what the model computes with for a trained weight, its master, and two moments.

    In bfloat16 the former is the upper half of the master where moments are in 8 bits.
    """
    wide = max(_FLOAT32_BYTES, BYTES[dtype])
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
        graph = _activations(pruned, (pruned.largest_block,), dtype) * tokens
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

    Trained are the weights of all blocks; or all of the `smaller` model that a cut has left; or routers. The
    dense model is on the device one block at a time, but for what is around its blocks. `length`: the tokens
    of a window.
    """
    pruned, windows = smaller or shape, Windows(max(1, options.tokens_per_step // length), length)
    routers, every = options.train == "router", smaller is not None and options.train == "all"
    trained = pruned.trained_weights(options, cut=smaller is not None)
    held = training_of_weight(dtype, state) * trained + _around_blocks(shape, dtype)
    if not every:
        held += _weights(pruned, dtype) if routers else _around_blocks(shape, dtype)
    ahead, judged = _held_states(shape, options, windows, dtype, device), Windows(HELD_OUT_WINDOWS, length)
    if device == "cpu":  # where the host's memory is the device's
        held += ahead + block_inputs(shape, judged, dtype)
    of_block = max(block.router for block in pruned.blocks) if routers else pruned.largest_block.weights
    rounded = (BYTES[shape.stored_dtype] + BYTES[dtype]) * (of_block + (pruned.embeddings if every else 0))
    passing = _forward(shape.largest_block, shape.hidden, windows.tokens, dtype)
    judging = rounded + 2 * block_inputs(shape, judged, dtype) + passing
    dense = _block(shape, dtype, device) + passing + 2 * ahead + block_inputs(shape, judged, dtype)
    largest = of_block if routers else _largest_parameter(pruned.largest_block)
    step = _step_of_training(pruned, windows, dtype, device, state, largest=largest, every=every)
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
    largest: int,
    every: bool,
) -> float:
    """Return the inputs of all blocks, and one block with its activations and a gradient; or the logits.

    `largest`: the weights of the largest parameter in a block that is trained. `every`: so are embeddings.
    """
    tokens, hidden = windows.tokens, block_inputs(shape, windows, dtype)
    activations = _activations(shape, (shape.largest_block,), dtype) * tokens
    # Of the pruned and the dense model, with the gradient of the former, and terms of their divergence.
    logits = 4 * BYTES[dtype] * shape.vocabulary * min(tokens, HEAD_TOKENS[device])
    logits += 7 * _FLOAT32_BYTES * min(shape.vocabulary * tokens, WIDE_LOGITS[device])
    of_step = _BYTES_OF_STEP[state] + (2 * _FLOAT32_BYTES if BYTES[dtype] < _FLOAT32_BYTES else 0)
    gradients = BYTES[dtype] * largest + of_step * min(largest, STEP_WEIGHTS[device])
    if every:
        summed = BYTES[dtype] if state == "bfloat16" else max(_FLOAT32_BYTES, BYTES[dtype])
        gradients += (summed + BYTES[dtype]) * shape.embeddings
    probes = 2 * 1.5 * BYTES[dtype] * shape.vocabulary * _PROBED_TOKENS  # of both models
    return probes + len(shape.blocks) * hidden + activations + max(gradients, 2 * hidden + logits)


def _largest_parameter(block: BlockShape) -> int:
    """Return the weights of the largest parameter, which may hold the matrices of all experts."""
    weights: dict[object, int] = defaultdict(int)
    for number, matrix in enumerate(block.matrices):
        weights[number if matrix.share == 1 else matrix.group] += matrix.weights
    return max(weights.values())


def speed(dense: ModelShape, smaller: ModelShape, dtype: str) -> int:
    """Return both models; activations are negligible."""
    return _weights(dense, dtype) + _weights(smaller, dtype)


def evaluation(
    shape: ModelShape, windows: Windows, dtype: str, device: str, *, room: float, devices: int
) -> float:
    """Return a device's share of the model if it fits into `room`, else the blocks that compute.

    To that comes one batch.
    """
    batch = max(1, EVALUATED_TOKENS[device] // windows.length)
    tokens = min(batch, windows.count) * windows.length
    activations = _activations(shape, (shape.largest_block,), dtype) * tokens
    logits = _logits(shape) * min(tokens, _COMPARED_TOKENS[device])
    weights = _share(shape, dtype, devices)
    if weights > room:
        weights = _around_blocks(shape, dtype) + _block(shape, dtype, device)
    return weights + activations + logits

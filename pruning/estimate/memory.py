"""The peak device memory of each stage, in bytes."""

from collections import Counter, defaultdict

from pruning.estimate.pieces import (
    CHUNK_LOGITS,
    DENSE_HEAD_TOKENS,
    EVALUATED_TOKENS,
    FLOAT32_TOKENS,
    FULL_SPEED_TOKENS,
    HEAD_TOKENS,
    PROBE_TOKENS,
    SAMPLED_TOKENS,
    SWAPPED_WEIGHTS,
    WIDE_LOGITS,
)
from pruning.estimate.shape import BYTES, BlockShape, Matrix, ModelShape, ranked_readers, unit_readers
from pruning.estimate.work import Windows
from pruning.recipe import Recipe, StructureOptions

# Tokens whose logits an evaluation holds at a time: of the pruned and of the dense model.
_COMPARED_TOKENS = {device: HEAD_TOKENS[device] + DENSE_HEAD_TOKENS[device] for device in HEAD_TOKENS}
PROBED_TOKENS = 2 * PROBE_TOKENS
FLOAT32_BYTES = 4

MEMORY_SHARE = 0.7
"""The share of a device's memory for weights and accumulators; the rest is for activations."""
# That for weights, accumulators and one window's activations. The rest is for the device's own context, the
# logits, and copies within an operation.
_SHARE_WITH_WINDOW = 0.9
MAX_WHOLE_SECONDS = 600.0
"""An interrupted pass on the schedule `whole` starts again, so only a short one is worth its memory."""


def may_be_whole(held: float, activations: float, memory_bytes: float) -> bool:
    """Whether a device has the memory for the schedule `whole`, as estimates and runs decide it.

    `held`: the bytes of weights and sums. `activations`: of one window.
    """
    fits = held <= MEMORY_SHARE * memory_bytes
    return fits and held + activations <= _SHARE_WITH_WINDOW * memory_bytes


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
    norms = max(0, FLOAT32_BYTES - BYTES[dtype]) * 2 * hidden
    return BYTES[dtype] * (inputs + outputs + activated) + norms


def activations_of(shape: ModelShape, blocks: tuple[BlockShape, ...], dtype: str) -> float:
    """Return the sum of `block_activations`."""
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
    return max(measuring, forward(block, hidden, _micro_batch(windows, device), dtype))


def forward(block: BlockShape, hidden: int, tokens: int, dtype: str) -> float:
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
    return 2 * FLOAT32_BYTES * shape.vocabulary


def _weights(shape: ModelShape, dtype: str) -> int:
    return shape.parameters * BYTES[dtype]


def _share(shape: ModelShape, dtype: str, devices: int) -> float:
    """The resident weights of the device that has most: first and last have those around the blocks."""
    around = around_blocks(shape, dtype)
    return max((_weights(shape, dtype) + (around if devices > 1 else 0)) / devices, around)


def around_blocks(shape: ModelShape, dtype: str) -> int:
    """Return the weights outside the blocks."""
    return shape.embeddings * BYTES[dtype]


def computing_blocks(shape: ModelShape, dtype: str, device: str) -> int:
    """The block that computes, and on CUDA the next one, which is prefetched."""
    return shape.largest_block.weights * BYTES[dtype] * (2 if device == "cuda" else 1)


def block_inputs(shape: ModelShape, windows: Windows, dtype: str) -> int:
    """Return the hidden states of all windows before one block."""
    return windows.tokens * shape.hidden * BYTES[dtype]


def whole_gradients(
    shape: ModelShape, windows: Windows, dtype: str, device: str, norms: int, *, devices: int
) -> float:
    """Return the minimum for `whole`: the model, its sums, and what a pass of one window holds.

    Devices share the former. Of the activations, the first of them holds as much as one device alone: a part
    of the blocks, for as many windows as there are devices. `norms`: 0 for sums by input feature.
    """
    window, sums = Windows(1, windows.length), _sums(shape, shape.blocks, windows, norms) / devices
    held = _share(shape, dtype, devices) + sums + _kept(shape, shape.blocks, window, dtype, device)
    return held + _propagating(shape, window, dtype, device, norms)


def whole_fits(
    shape: ModelShape, windows: Windows, dtype: str, norms: int, *, devices: int, memory_bytes: float
) -> bool:
    """Whether each of the devices has the memory for `whole`; see `may_be_whole`."""
    sums = FLOAT32_BYTES * norms * shape.block_weights / devices
    activations = activations_of(shape, shape.blocks, dtype) * windows.length
    return may_be_whole(_share(shape, dtype, devices) + sums, activations, memory_bytes)


def streamed_gradients(shape: ModelShape, windows: Windows, dtype: str, device: str, norms: int) -> float:
    """Return one block, its sums, what a pass of a micro-batch holds, and the weights around the blocks."""
    one = (shape.largest_block,)
    batch = Windows(_micro_batch(windows, device) // windows.length, windows.length)
    weights = around_blocks(shape, dtype) + computing_blocks(shape, dtype, device)
    held = _sums(shape, one, windows, norms) + _kept(shape, one, batch, dtype, device)
    return weights + held + _propagating(shape, batch, dtype, device, norms)


def _sums(shape: ModelShape, blocks: tuple[BlockShape, ...], windows: Windows, norms: int) -> float:
    """Return the sums over windows of each weight; without `norms`, gates of the units, window by window."""
    if norms:
        return FLOAT32_BYTES * norms * sum(block.weights for block in blocks)
    readers = (reader for block in blocks for reader in unit_readers(block, shape.hidden))
    return FLOAT32_BYTES * windows.count * sum(reader.inputs * reader.copies for reader in readers)


def _kept(
    shape: ModelShape, blocks: tuple[BlockShape, ...], batch: Windows, dtype: str, device: str
) -> float:
    """Return what is kept from the forward pass of a micro-batch for its backward pass.

    The activations; the output, the gradient there and one more; and the outputs of experts times their share
    of a token, in float32. In a narrow dtype the output is joined, and the first tokens have activations in
    float32, for which weights are upcast, of experts those of one; but in bfloat16 on CUDA no weights are.
    """
    held = activations_of(shape, blocks, dtype) * batch.tokens
    states, first = 3, 0
    block = shape.largest_block
    if is_narrow(dtype):
        states, first = 4, FLOAT32_TOKENS * batch.count
        held += activations_of(shape, blocks, "float32") * first
        if (dtype, device) != ("bfloat16", "cuda"):
            shared = sum(matrix.weights for matrix in block.matrices if matrix.share == 1)
            of_experts = (matrix.size for matrix in block.matrices if matrix.share < 1)
            held += FLOAT32_BYTES * (shared + max(of_experts, default=0))
    matrices = (matrix for each in blocks for matrix in each.matrices if matrix.share < 1)
    routed = sum(matrix.copies * matrix.share for matrix in matrices if matrix.outputs == shape.hidden)
    held += FLOAT32_BYTES * routed * shape.hidden * (batch.tokens + first)
    return held + states * block_inputs(shape, batch, dtype)


def _propagating(shape: ModelShape, batch: Windows, dtype: str, device: str, norms: int) -> float:
    """Return the most of what a backward pass holds besides: where it begins, and at its last MLP.

    There it has three gradients of the widest input, whose own memory is free by then; or a window's weight
    gradient, but where a kernel adds it up; or without `norms` the products of a window's inputs and their
    gradients. At the beginning it has the logits of some tokens with their gradient, and for them what either
    the loss takes or the final norm.
    """
    block, size, narrow = shape.largest_block, BYTES[dtype], is_narrow(dtype)
    inputs = max(matrix.inputs for matrix in block.inputs)
    gradients = 2 * size * batch.tokens * max(matrix.inputs * matrix.share for matrix in block.inputs)
    forming = 0
    if not (narrow and device == "cuda"):
        forming = (FLOAT32_BYTES + narrow * size) * max(matrix.size for matrix in block.matrices)
    if not norms:
        forming = max(forming, (3 if narrow else 1) * FLOAT32_BYTES * batch.length * inputs)
    tokens = min(batch.tokens, max(HEAD_TOKENS[device], CHUNK_LOGITS[device] // shape.vocabulary))
    logits = tokens * shape.vocabulary
    of_loss = (3 + narrow) * min(logits, WIDE_LOGITS[device])
    of_norm = (5 + narrow) * tokens * shape.hidden
    return max(gradients, forming, 2 * size * logits + FLOAT32_BYTES * max(of_loss, of_norm))


def is_narrow(dtype: str) -> bool:
    """Whether numbers of this dtype are smaller than those of float32."""
    return BYTES[dtype] < FLOAT32_BYTES


def pruning(shape: ModelShape, windows: Windows, dtype: str, device: str, recipe: Recipe) -> float:
    """Return one block with its masks, the hidden states before it, its statistics, and what a matrix takes.

    For a refit toward the dense model there are a dense block and its hidden states besides.
    """
    block = shape.largest_block
    models = 2 if "activation_error" in recipe.needs else 1
    statistics = working = 0.0
    held = computing_blocks(shape, dtype, device) + block.weights * (1 + (models - 1) * BYTES[dtype])
    if recipe.needs & {"input_norms", "second_moments"}:
        held += models * block_inputs(shape, windows, dtype)
        second_moments = "second_moments" in recipe.needs
        largest = FLOAT32_BYTES * max(matrix.inputs**2 for matrix in block.inputs) if second_moments else 0
        working = _passing(block, shape.hidden, windows, dtype, device, largest_moments=largest)
        statistics = FLOAT32_BYTES * _numbers_of_statistics(block, recipe) if second_moments else 0.0
    pruned = max(_to_prune(matrix, recipe, dtype, device) for matrix in block.matrices)
    return max(held + statistics + max(working, pruned), _checking(shape, windows, dtype, device))


def _checking(shape: ModelShape, windows: Windows, dtype: str, device: str) -> float:
    """Return what a model takes before its first block: to check that it runs by blocks, and to embed."""
    probe = PROBED_TOKENS * (activations_of(shape, (shape.largest_block,), dtype) + _logits(shape))
    check = computing_blocks(shape, dtype, device) + probe
    return around_blocks(shape, dtype) + max(check, block_inputs(shape, windows, dtype))


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
        numbers += matrix.size if recipe.refit.toward else 0
    if recipe.swaps:
        numbers = max(numbers, _numbers_to_swap(matrix, device))
    if "gradient_norms" in recipe.mask_method.needs:  # they are read to the device matrix by matrix
        numbers += matrix.size
    narrow = is_narrow(dtype) and not (recipe.refit and recipe.refit.toward)
    return FLOAT32_BYTES * (numbers + (matrix.size / 2 if narrow else 0))


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
    block, largest, held = shape.largest_block, 0, computing_blocks(shape, dtype, device)
    held += block_inputs(shape, windows, dtype)
    moments = Counter[str]()
    solving = 0
    for kind, reader in ranked_readers(shape, block, structure):
        largest = max(largest, reader.inputs**2)
        moments[kind] += reader.inputs**2 * reader.copies
        solving = max(solving, 2 * reader.inputs**2 + 2 * reader.outputs * reader.inputs)
    passing = _passing(block, shape.hidden, windows, dtype, device, largest_moments=FLOAT32_BYTES * largest)
    ranked = held + FLOAT32_BYTES * max(moments.values(), default=0) + max(passing, FLOAT32_BYTES * solving)
    return max(ranked, _checking(shape, windows, dtype, device))


def quantizing(shape: ModelShape, windows: Windows, dtype: str, device: str) -> float:
    """Return one block, the hidden states before it, and what INT4 takes: it measures one input at a time.

    The moments are put in the order of the columns, and factored; then the candidates of a matrix's scales
    are compared. The codes of the block before are written meanwhile.
    """
    block = shape.largest_block
    largest = FLOAT32_BYTES * max(matrix.inputs**2 for matrix in block.inputs)
    passing = _passing(block, shape.hidden, windows, dtype, device, largest_moments=largest)
    scaling = max(matrix.inputs**2 + 4.5 * matrix.outputs * matrix.inputs for matrix in block.matrices)
    held = computing_blocks(shape, dtype, device) + 2 * block.weights + block_inputs(shape, windows, dtype)
    quantizing = held + max(largest + passing, 4 * largest, FLOAT32_BYTES * scaling)
    return max(quantizing, _checking(shape, windows, dtype, device))


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
    activations = activations_of(shape, (shape.largest_block,), dtype) * tokens
    logits = _logits(shape) * min(tokens, _COMPARED_TOKENS[device])
    weights = _share(shape, dtype, devices)
    if weights > room:
        weights = around_blocks(shape, dtype) + computing_blocks(shape, dtype, device)
    return weights + activations + logits

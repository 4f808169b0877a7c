"""How much memory of the device each stage holds at its peak, in bytes."""

from pruning.estimate.shape import BYTES, BlockShape, ModelShape
from pruning.estimate.work import Windows

# As pruning.model.batching sizes its pieces where there is room; one window is the least.
_TOKENS_AT_ONCE = {"cpu": 1024, "cuda": 8192}
_FLOAT = 4

MEMORY_SHARE = 0.7
"""Of a device's memory, what weights and sums may take: the rest is for what is computed with them."""


def _at_once(windows: Windows, device: str) -> int:
    """Tokens that go through a block together: whole windows."""
    count = max(1, -(-_TOKENS_AT_ONCE[device] // windows.length))
    return min(count, windows.count) * windows.length


def _activations(blocks: tuple[BlockShape, ...], dtype: str) -> float:
    """Per token: each layer's input and output, and about as much in norms, activations and residuals."""
    return 2 * BYTES[dtype] * sum(block.features for block in blocks)


def _logits(shape: ModelShape) -> float:
    """Per token: the logits and their gradient."""
    return 2 * _FLOAT * shape.vocabulary


def _weights(shape: ModelShape, dtype: str) -> int:
    return shape.parameters * BYTES[dtype]


def _around(shape: ModelShape, dtype: str) -> int:
    return shape.embeddings * BYTES[dtype]


def _block(shape: ModelShape, dtype: str, device: str) -> int:
    """The block that works, and on CUDA the next one, which is brought meanwhile."""
    return shape.largest_block.weights * BYTES[dtype] * (2 if device == "cuda" else 1)


def block_inputs(shape: ModelShape, windows: Windows, dtype: str) -> int:
    """What all windows are before one block."""
    return windows.tokens * shape.hidden * BYTES[dtype]


def whole_gradients(shape: ModelShape, windows: Windows, dtype: str, norms: int) -> float:
    """The model, its accumulators, and the activations of one window: the least that it needs."""
    activations = (_activations(shape.blocks, dtype) + _logits(shape)) * windows.length
    return _weights(shape, dtype) + _FLOAT * norms * shape.block_weights + activations


def streamed_gradients(shape: ModelShape, windows: Windows, dtype: str, device: str, norms: int) -> float:
    """One block, its accumulators, one micro-batch of its activations; what lies around the blocks."""
    one = (shape.largest_block,)
    activations = max(_activations(one, dtype), _logits(shape)) * _at_once(windows, device)
    accumulators = _FLOAT * norms * shape.largest_block.weights
    return _around(shape, dtype) + _block(shape, dtype, device) + accumulators + activations


def pruning(shape: ModelShape, windows: Windows, dtype: str, device: str, *, second_moments: bool) -> float:
    """One block, the windows before it, and what is measured."""
    block = shape.largest_block
    moments = _FLOAT * sum(matrix.inputs**2 * matrix.copies for matrix in block.inputs)
    # Weight, score, order and mask of the largest matrix.
    scores = 4 * _FLOAT * max(matrix.outputs * matrix.inputs for matrix in block.matrices)
    return (
        _around(shape, dtype)
        + _block(shape, dtype, device)
        + block_inputs(shape, windows, dtype)
        + _activations((block,), dtype) * _at_once(windows, device)
        + scores
        + (moments if second_moments else 0)
    )


def evaluation(shape: ModelShape, windows: Windows, dtype: str, device: str, room: float) -> float:
    """The whole model where it takes no more than `room`, else what works of it; and one micro-batch."""
    activations = _activations((shape.largest_block,), dtype) + _logits(shape)
    weights = _weights(shape, dtype)
    if weights > room:
        weights = _around(shape, dtype) + _block(shape, dtype, device)
    return weights + activations * _at_once(windows, device)

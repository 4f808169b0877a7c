"""The disk space of a run in addition to its output, in bytes."""

from collections.abc import Collection

from pruning.estimate.memory import block_inputs
from pruning.estimate.shape import BYTES, ModelShape
from pruning.estimate.training_memory import training_of_weight
from pruning.estimate.work import Windows
from pruning.recipe import DistilOptions, Evaluation, Recipe
from pruning.recipe.exports import CompressedTensorsExport, Export, GgufExport, MaskExport


def gradient_shards(shape: ModelShape, dtype: str, *, norms: int) -> int:
    """Return the gradient norms of all blocks, in float32 or wider: they stay until the run has ended."""
    return max(BYTES["float32"], BYTES[dtype]) * norms * shape.block_weights


def block_shards(shape: ModelShape, *, changed_dtype: str | None) -> int:
    """Return all pruned blocks: a bit per weight, and the weights where the run changes the kept ones."""
    changed = BYTES[changed_dtype] if changed_dtype else 0
    return shape.block_weights // 8 + shape.block_weights * changed


def trained_weights(shape: ModelShape, *, cut: bool) -> int:
    """Return the best weights so far, and the trained ones that are kept for later attempts.

    `cut`: whether the recipe has a structure.
    """
    return 2 * BYTES[shape.stored_dtype] * shape.trained_weights(cut=cut)


def training_state(shape: ModelShape, dtype: str, options: DistilOptions, *, cut: bool) -> int:
    """Return two states of a training, old and new, which have the best weights so far; at most."""
    state = "float32" if options.state == "auto" else options.state
    of_weight = 2 * (training_of_weight(dtype, state) + BYTES[shape.stored_dtype])
    return int(of_weight * shape.trained_weights(cut=cut))


def activation_checkpoint(shape: ModelShape, windows: Windows, dtype: str, *, models: int = 1) -> int:
    """Return two checkpoints of the windows, old and new, of `models` models each."""
    return 2 * models * block_inputs(shape, windows, dtype)


def final_states(shape: ModelShape, predictions: int, dtype: str) -> int:
    """Return the last block's outputs for the predicted tokens of an evaluation."""
    return predictions * shape.hidden * BYTES[dtype]


def spilled_block_inputs(shape: ModelShape, windows: Windows, dtype: str, *, memory: int) -> int:
    """Return the inputs of blocks that a streamed pass cannot keep in `memory` bytes, however few it retains.

    It retains every k-th input, and those between two of them while they are recomputed; one more is for the
    gradient between two blocks.
    """
    each, blocks = block_inputs(shape, windows, dtype), len(shape.blocks)
    fewest = 1 + min(-(-blocks // interval) + interval - 1 for interval in range(1, blocks + 1))
    return max(0, fewest - memory // each) * each


def exported_files(shape: ModelShape, exports: Collection[Export]) -> int:
    """Return the exported files of a result of this shape."""
    return int(sum(_exported_file(shape, export) for export in exports))


def _exported_file(shape: ModelShape, export: Export) -> float:
    match export:
        case GgufExport():
            return _gguf(shape, export)
        case CompressedTensorsExport():
            return _compressed(shape, export)
        case MaskExport():
            return shape.block_weights / 8


def _gguf(shape: ModelShape, export: GgufExport) -> float:
    widths = shape.weights_by_inputs.items()
    of_blocks = sum(export.bits_in_rows_of(inputs) * weights for inputs, weights in widths)
    return (of_blocks + export.bits_of_embeddings(shape.hidden) * shape.embeddings) / 8


def _compressed(shape: ModelShape, export: CompressedTensorsExport) -> float:
    return export.bits * shape.block_weights / 8 + BYTES[shape.stored_dtype] * shape.embeddings


def exports(shape: ModelShape, exports: Collection[Export], *, states: int = 0, spilled: int = 0) -> int:
    """Return the exported files, and what else is on the disk while they are written.

    That is the dense model and the result in 16 bits, of GGUF; of compressed-tensors the dense model's final
    states, of `states` bytes; of a mask another one; and the `spilled` bytes of a gradient pass. At most: a
    cut may have made the result smaller.
    """
    files = any(isinstance(export, GgufExport) for export in exports)
    others = any(isinstance(export, CompressedTensorsExport) for export in exports)
    masks = exported_files(shape, [export for export in exports if isinstance(export, MaskExport)])
    during = max(2 * BYTES["float16"] * shape.parameters if files else 0, states if others else 0) + masks
    return exported_files(shape, exports) + during + spilled


def scratch(recipe: Recipe, evaluation: Evaluation, shape: ModelShape, dtype: str, *, memory: int = 0) -> int:
    """Return the most that a job writes in addition to its output: norms stay as shards.

    `memory`: for inputs of blocks, in bytes. `pruning.pipeline.resources` counts the same once the model is
    loaded and the memory is known.
    """
    windows = Windows.of_calibration(recipe, shape)
    kept = largest = 0
    if recipe.structure is not None:
        copies = (recipe.structure.blocks is not None) + 2 * recipe.structure.cuts_blocks
        kept += copies * shape.stored_bytes
    gates = recipe.structure is not None and recipe.structure.ranks
    if (recipe.gradient_norms or gates) and recipe.gradients is None:
        kept += gradient_shards(shape, dtype, norms=len(recipe.gradient_norms))
        spilled = spilled_block_inputs(shape, windows, dtype, memory=memory)
        largest = spilled + activation_checkpoint(shape, windows, dtype)
    pruned = 0
    if recipe.method is not None:
        pruned = block_shards(shape, changed_dtype=dtype if recipe.computes_weights else None)
        largest = max(largest, pruned + _checkpoint_of_pruning(recipe, shape, windows, dtype))
    if not recipe.norms:
        predictions = Windows.of_evaluation(evaluation, shape).tokens
        largest = max(largest, pruned + final_states(shape, predictions, dtype))
    if recipe.distil is not None:
        cut = recipe.structure is not None
        trained = trained_weights(shape, cut=cut)
        trained += training_state(shape, dtype, recipe.distil, cut=cut)
        largest = max(largest, pruned + trained)
    return kept + largest


def _checkpoint_of_pruning(recipe: Recipe, shape: ModelShape, windows: Windows, dtype: str) -> int:
    if not recipe.needs & {"input_norms", "second_moments"}:
        return 0
    models = 2 if "activation_error" in recipe.needs else 1
    return activation_checkpoint(shape, windows, dtype, models=models)


def shards_in_memory(recipe: Recipe, shape: ModelShape) -> int:
    """Return two blocks of shards: one is written while the next one is computed."""
    of_weight = BYTES["float32"] * max(1, len(recipe.gradient_norms)) + BYTES[shape.stored_dtype]
    return 2 * of_weight * shape.largest_block.weights

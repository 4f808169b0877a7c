"""The disk space of a run in addition to its output, in bytes."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Self

from pruning.estimate.memory import block_inputs
from pruning.estimate.shape import BYTES, ModelShape
from pruning.estimate.training_memory import training_of_weight
from pruning.estimate.work import Windows
from pruning.recipe import DistilOptions, Evaluation, Recipe
from pruning.recipe.exports import (
    CompressedTensorsExport,
    Export,
    GgufExport,
    MaskExport,
    has_mask,
    importances,
)


def gradient_shards(shape: ModelShape, dtype: str, *, norms: int) -> int:
    """Return the gradient norms of all blocks, in float32 or wider: they stay until the run has ended."""
    return max(BYTES["float32"], BYTES[dtype]) * norms * shape.block_weights


def block_shards(shape: ModelShape, *, changed_dtype: str | None) -> int:
    """Return all pruned blocks: a bit per weight, and the weights where the run changes the kept ones."""
    changed = BYTES[changed_dtype] if changed_dtype else 0
    return shape.block_weights // 8 + shape.block_weights * changed


def trained_weights(shape: ModelShape, *, cut: bool) -> int:
    """Return the trained weights: they stay until the run has ended. `cut`: whether it has a structure."""
    return BYTES[shape.stored_dtype] * shape.trained_weights(cut=cut)


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


def spilled_block_inputs(
    shape: ModelShape, windows: Windows, dtype: str, *, memories: Collection[int]
) -> int:
    """Return the inputs of blocks that a streamed pass cannot keep in memory, however few it retains.

    `memories`: the bytes for them on the device and on the host, each of which holds whole inputs. The pass
    retains every k-th input, and those between two of them while they are recomputed; one more is for the
    gradient between two blocks.
    """
    each, blocks = block_inputs(shape, windows, dtype), len(shape.blocks)
    fewest = 1 + min(-(-blocks // interval) + interval - 1 for interval in range(1, blocks + 1))
    return max(0, fewest - sum(memory // each for memory in memories)) * each


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
    """Return the exported files, and what else is on the disk until all are written.

    That is the dense model and the result in 16 bits, of GGUF; of compressed-tensors the dense model's final
    states, of `states` bytes; and the `spilled` bytes of a gradient pass. At most: a cut may have made the
    result smaller.
    """
    files = any(isinstance(export, GgufExport) for export in exports)
    others = any(isinstance(export, CompressedTensorsExport) for export in exports)
    during = (2 * BYTES["float16"] * shape.parameters if files else 0) + (states if others else 0)
    return exported_files(shape, exports) + during + spilled


@dataclass(frozen=True)
class RunFiles:
    """What a run writes: shards next to its resume state, and the output."""

    recipe: Recipe
    shape: ModelShape  # of the dense model
    dtype: str  # of the computation
    windows: Windows  # of the calibration
    predictions: int  # tokens that the evaluation predicts, on all texts
    stored_bytes: int  # of the dense model's files
    norms: int  # gradient norms that are written as shards
    is_streamed: bool  # whether gradients are computed, block by block
    spilled: int  # bytes of the blocks' inputs that such a pass cannot keep in memory
    exports: tuple[Export, ...] = ()
    has_masks: bool = False  # whether masks are written, which the export of a mask reads
    dequantised: int = 0  # bytes of a dense model that is yet to be dequantised
    is_resumable: bool = True  # whether passes and a training save their state

    @classmethod
    def estimated(
        cls,
        recipe: Recipe,
        evaluation: Evaluation,
        shape: ModelShape,
        dtype: str,
        *,
        exports: tuple[Export, ...] = (),
        save_masks: bool = False,
        memory: int = 0,
    ) -> Self:
        """Return the files as far as a config tells. `memory`: for inputs of blocks, in bytes."""
        windows = Windows.of_calibration(recipe, shape)
        computes = recipe.gradients is None and recipe.needs_gradient_pass
        return cls(
            recipe,
            shape,
            dtype,
            windows,
            0 if recipe.norms else Windows.of_evaluation(evaluation, shape).tokens,
            shape.stored_bytes,
            len(recipe.gradient_norms) if computes else 0,
            is_streamed=computes,
            spilled=spilled_block_inputs(shape, windows, dtype, memories=(memory,)),
            exports=exports,
            has_masks=save_masks or has_mask(exports),
            dequantised=shape.stored_bytes if shape.is_quantised else 0,
        )

    def moments(self) -> Iterator[tuple[int, int]]:
        """Yield the bytes of shards and of output at each moment that may have the most of them."""
        recipe = self.recipe
        kept = self.dequantised + self._cut + gradient_shards(self.shape, self.dtype, norms=self.norms)
        yield kept + max(self._during_gradients, self._during_cut), 0
        if recipe.masks:
            kept += block_shards(self.shape, changed_dtype=self.dtype if recipe.computes_weights else None)
        yield kept + self._during_pruning, self._output
        yield kept + self._during_recovery, self._output
        kept += self._trained + final_states(self.shape, self.predictions, self.dtype)
        yield kept, self._output + self._during_exports

    @property
    def _output(self) -> int:
        if self.recipe.norms:  # they are all that is written
            return gradient_shards(self.shape, self.dtype, norms=len(self.recipe.norms))
        return self.stored_bytes + (self.shape.block_weights // 8 if self.has_masks else 0)

    @property
    def _cut(self) -> int:
        """At most: the repaired weights of all blocks, and the smaller model."""
        return 0 if self.recipe.structure is None else 2 * self.stored_bytes

    @property
    def _trained(self) -> int:
        if self.recipe.distil is None:
            return 0
        return trained_weights(self.shape, cut=self.recipe.structure is not None)

    @property
    def _during_gradients(self) -> int:
        return self.spilled + self._checkpoint() if self.is_streamed else 0

    @property
    def _during_cut(self) -> int:
        return 0 if self.recipe.structure is None else self._checkpoint()

    @property
    def _during_pruning(self) -> int:
        if not self.recipe.needs & {"input_norms", "second_moments"}:
            return 0
        return self._checkpoint(models=2 if "activation_error" in self.recipe.needs else 1)

    @property
    def _during_recovery(self) -> int:
        """The best weights so far, then the trained ones as well; and the state."""
        kept = 2 * self._trained
        if self.recipe.distil is None or not self.is_resumable:
            return kept
        is_cut = self.recipe.structure is not None
        return kept + training_state(self.shape, self.dtype, self.recipe.distil, cut=is_cut)

    @property
    def _during_exports(self) -> int:
        states = final_states(self.shape, self.predictions, self.dtype)
        spilled = self.spilled if "gradients" in importances(self.exports) else 0
        return exports(self.shape, self.exports, states=states, spilled=spilled)

    def _checkpoint(self, models: int = 1) -> int:
        if not self.is_resumable:
            return 0
        return activation_checkpoint(self.shape, self.windows, self.dtype, models=models)


def shards_in_memory(recipe: Recipe, shape: ModelShape) -> int:
    """Return two blocks of shards: one is written while the next one is computed."""
    of_weight = BYTES["float32"] * max(1, len(recipe.gradient_norms)) + BYTES[shape.stored_dtype]
    return 2 * of_weight * shape.largest_block.weights

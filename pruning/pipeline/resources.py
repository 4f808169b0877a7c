"""The one policy for memory and disk: what a run needs, and what happens if there is too little.

- Disk: `refuse_before_download` by the config alone, `DiskRoom` once the model is loaded,
  `has_room_for_states` for files that a run can do without.
- Memory: `training_memory` decides how a training uses it, or refuses it; `memory_for_models` whether
  models stay on their device or are brought block by block.

What runs out of memory all the same is tried again where it runs: a gradient pass with half of the
micro-batch (`pruning.calibration.gradient_pass`), a training with the activations of one block
(`RecoverStage`). A block that is pruned is tried once more with less on the device (`retry_block`): its
micro-batch decides how sums are rounded. What fails after that ends the run; the worker raises what the job
needs (`jobs.queue.memory`). Numbers of bytes are those of `pruning.estimate.memory` and
`pruning.estimate.disk`.
"""

import logging
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from pruning.byte_size import byte_size
from pruning.calibration.activation_store import Budget
from pruning.calibration.gradient_cache import GradientCache
from pruning.calibration.gradient_schedule import Schedule, ScheduleChoice
from pruning.calibration.mixed_precision import float32_tokens
from pruning.errors import InvalidInput, PruningError
from pruning.estimate import ModelShape, disk
from pruning.estimate.memory import MEMORY_SHARE
from pruning.estimate.training_memory import TrainingMemory
from pruning.estimate.work import Windows
from pruning.models.memory import shape_of
from pruning.pipeline.models import LoadedModel
from pruning.recipe import DistilOptions, Evaluation, GradientNorm, Recipe, Stage
from pruning.recipe.exports import Export, importances
from pruning.resume.store import EphemeralResumeStore, ResumeStore
from pruning.runtime.device import (
    is_device_out_of_memory,
    is_out_of_memory,
    release_memory,
    total_memory,
)
from pruning.runtime.process_memory import host_memory

log = logging.getLogger(__name__)

_NO_BOUND = 2**62
_MAX_STATES = 4 << 30  # bytes of final states that runs share
_FILES_OF_A_RUN = "the pruned model, its shards and the activations between blocks"


class DiskTooSmall(PruningError):
    """A disk has too little free space for a run, which is about its `output`."""

    def __init__(self, what: str, directory: Path, *, needed: int, free: int) -> None:
        """`what` needs so many bytes on the disk of a directory that has `free` bytes."""
        super().__init__(
            f"{what} need {byte_size(needed)}, and the disk of {directory} has {byte_size(free)} free: free "
            f"{byte_size(needed - free)} or more",
            field="output",
        )
        self.needed = needed
        self.free = free


@dataclass(frozen=True)
class DiskRoom:
    """The files of a run, and their directories; those of an earlier attempt are not counted again."""

    recipe: Recipe
    exports: tuple[Export, ...]
    model: LoadedModel
    windows: Tensor | None  # token ids (windows, length); None for a recipe that measures no inputs
    predictions: int  # tokens that the evaluation predicts, on all texts
    output: Path
    resume_store: ResumeStore
    schedule: ScheduleChoice
    gradient_cache: GradientCache | None  # where there is one, norms are written as shards on any schedule

    def check(self) -> None:
        """Raise DiskTooSmall where a disk has too little free space.

        Raises InvalidInput where the schedule does not fit the model.
        """
        shards, kept = self._shards, self._gradient_shards + self._cut
        _refuse_full_disks({shards: kept + self._during_gradients - self._written})
        pruned = kept + max(self._pruned_blocks + self._final_states, self._during_pruning)
        _refuse_full_disks({self.output: self._output, shards: pruned - self._written})
        trained = kept + self._pruned_blocks + self._during_recovery
        _refuse_full_disks({self.output: self._output, shards: trained - self._written})
        states, spilled = self._final_states, self._during_importance
        exported = self._output + disk.exports(self._shape, self.exports, states=states, spilled=spilled)
        shard_files = kept + self._pruned_blocks + self._final_states - self._written
        _refuse_full_disks({self.output: exported, shards: shard_files})

    @property
    def _shards(self) -> Path:
        return self.resume_store.directory(Stage.PRUNE)

    @property
    def _written(self) -> int:
        return _written(self.resume_store)

    @property
    def _output(self) -> int:
        if self.recipe.norms:  # the norms are all that is written
            return disk.gradient_shards(self._shape, self._dtype, norms=len(self.recipe.norms))
        return self.model.checkpoint.files.size

    @property
    def _cut(self) -> int:
        """At most: the model with fewer blocks, the repaired weights of all blocks, and the smaller model."""
        structure = self.recipe.structure
        if structure is None:
            return 0
        return ((structure.blocks is not None) + 2 * structure.cuts_blocks) * self._output

    @property
    def _gradient_shards(self) -> int:
        if self._gradient_schedule is None or not self.recipe.gradient_norms:
            return 0
        if self._gradient_schedule.name == "whole" and self.gradient_cache is None:
            return 0
        return disk.gradient_shards(self._shape, self._dtype, norms=len(self._norms))

    @property
    def _during_gradients(self) -> int:
        """The blocks' inputs that do not fit into memory, and the gradient between two blocks."""
        if self._gradient_schedule is None or self._gradient_schedule.name == "whole":
            return 0
        return self._during_pass(self._windows())

    @property
    def _during_importance(self) -> int:
        """The blocks' inputs that do not fit into memory; an export saves no checkpoint."""
        return self._spilled(self._windows()) if "gradients" in importances(self.exports) else 0

    def _during_pass(self, windows: Windows) -> int:
        return self._spilled(windows) + self._checkpoint(windows)

    def _spilled(self, windows: Windows) -> int:
        dtype, device = self.model.placement.dtype, self.model.placement.device
        # Packed, a float32 token takes the rows of two.
        windows = Windows(windows.count, windows.length + float32_tokens(dtype, windows.length))
        budget = Budget.of(device, self._shards)
        memory = budget.device + budget.host
        return disk.spilled_block_inputs(self._shape, windows, self._dtype, memory=memory)

    @property
    def _pruned_blocks(self) -> int:
        if self.recipe.method is None:
            return 0
        changed = self._dtype if self.recipe.computes_weights else None
        return disk.block_shards(self._shape, changed_dtype=changed)

    @property
    def _final_states(self) -> int:
        return disk.final_states(self._shape, self.predictions, self._dtype)

    @property
    def _during_pruning(self) -> int:
        if self.recipe.method is None:
            return 0
        shards = self._pruned_blocks
        if not self.recipe.needs & {"input_norms", "second_moments"}:
            return shards
        models = 2 if "activation_error" in self.recipe.needs else 1
        return shards + self._checkpoint(self._windows(), models)

    @property
    def _during_recovery(self) -> int:
        """The files of a training, in addition to the pruned blocks, which are kept."""
        if self.recipe.distil is None:
            return 0
        cut = self.recipe.structure is not None
        kept = disk.trained_weights(self._shape, cut=cut)
        if isinstance(self.resume_store, EphemeralResumeStore):  # it keeps no state
            return kept
        return kept + disk.training_state(self._shape, self._dtype, self.recipe.distil, cut=cut)

    def _checkpoint(self, windows: Windows, models: int = 1) -> int:
        if isinstance(self.resume_store, EphemeralResumeStore):  # it keeps none
            return 0
        return disk.activation_checkpoint(self._shape, windows, self._dtype, models=models)

    @cached_property
    def _gradient_schedule(self) -> Schedule | None:
        """The schedule of the gradient pass, of norms rather than of gates; None where there is none."""
        structure = self.recipe.structure
        gates = structure is not None and structure.ranks
        if self.recipe.gradients is not None or self.windows is None:
            return None
        if not self.recipe.gradient_norms and not gates:
            return None
        return Schedule.choose(
            self.schedule, self.model.stack, self.windows, self._norms, self.model.placement
        )

    @property
    def _norms(self) -> Collection[GradientNorm]:
        """At most these are computed: the recipe's, and those that other runs will need."""
        later = frozenset() if self.gradient_cache is None else self.gradient_cache.needed_later
        return self.recipe.gradient_norms | later

    @cached_property
    def _shape(self) -> ModelShape:
        return shape_of(self.model.stack, stored_dtype=self._dtype)

    @property
    def _dtype(self) -> str:
        return str(self.model.placement.dtype).removeprefix("torch.")

    def _windows(self) -> Windows:
        assert self.windows is not None  # noqa: S101 - the recipe measures inputs
        return Windows(*self.windows.shape)


def refuse_before_download(
    recipe: Recipe,
    evaluation: Evaluation,
    shape: ModelShape,
    *,
    output: Path,
    resume_store: ResumeStore | None,
    downloads: Mapping[Path, int],
) -> None:
    """Raise PruningError(field='output') where the disks cannot hold the weights and the least of the rest.

    By the config alone, before a byte of the weights is fetched. `downloads`: bytes by directory.
    `resume_store`: where norms are written as shards on any schedule; without it nothing counts but the
    result. Inputs of blocks count as if memory held them. `DiskRoom` knows better, once the model is loaded.
    """
    dtype = shape.stored_dtype if recipe.dtype == "auto" else recipe.dtype
    result = shape.stored_bytes
    if recipe.norms:
        result = disk.gradient_shards(shape, dtype, norms=len(recipe.norms))
    needed = Counter({output: result, **downloads})
    if resume_store is not None:
        least = disk.scratch(recipe, evaluation, shape, dtype, memory=_NO_BOUND)
        needed[resume_store.directory(Stage.PRUNE)] += least - _written(resume_store)
    _refuse_full_disks(needed, f"the weights to download, {_FILES_OF_A_RUN}")


def refuse_downloads(downloads: Mapping[Path, int]) -> None:
    """Raise PruningError(field='output') where the disks cannot hold the weights by themselves.

    For a model whose config does not determine its shape. `downloads`: bytes by directory.
    """
    _refuse_full_disks(downloads, "the weights to download")


def _written(resume_store: ResumeStore) -> int:
    """Return the bytes of the shards and checkpoints that an earlier attempt has left here."""
    stages = (Stage.GRADIENTS, Stage.CUT, Stage.PRUNE, Stage.RECOVER, Stage.EVALUATE)
    directories = (resume_store.directory(stage) for stage in stages)
    files = (path for directory in directories for path in directory.rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files)


def _refuse_full_disks(needed: Mapping[Path, int], what: str = _FILES_OF_A_RUN) -> None:
    """`needed`: bytes by directory; several may be on one disk."""
    by_disk: dict[int, dict[Path, int]] = defaultdict(dict)
    for directory, size in needed.items():
        by_disk[directory.stat().st_dev][directory] = size
    for sizes in by_disk.values():
        directory, total = next(iter(sizes)), sum(max(0, size) for size in sizes.values())
        free = shutil.disk_usage(directory).free
        if total > free:
            raise DiskTooSmall(what, directory.parent, needed=total, free=free)


def training_memory(
    shape: ModelShape,
    smaller: ModelShape | None,
    options: DistilOptions,
    length: int,
    device: torch.device,
    dtype: torch.dtype,
) -> TrainingMemory:
    """Return how the training of a whole model uses the device's memory.

    `shape`: of the dense model. `smaller`: after a cut. `length`: the tokens of a window.
    `dtype`: of the computation. Raises InvalidInput(field='recovery.distil') where it does not fit.
    """
    have, name = memory_of(device), str(dtype).removeprefix("torch.")

    def fitting(options: DistilOptions) -> TrainingMemory:
        return TrainingMemory.fitting(
            shape, options, length, name, device.type, smaller=smaller, memory_bytes=have
        )

    found, narrowest = fitting(options), fitting(options.model_copy(update={"state": "auto"}))
    if found.size <= have:
        return found
    other = f"give recovery.distil.state as {narrowest.state}, " if narrowest.size <= have else ""
    fewer = "give fewer recovery.distil.tokens_per_step, " if options.tokens_per_step > length else ""
    raise InvalidInput(
        f"to train the whole model with {max(length, options.tokens_per_step)} tokens per step needs "
        f"{byte_size(found.size)} of memory with the state in {found.state}, and {device} has "
        f"{byte_size(have)}: {other}{fewer}use a machine with more, or omit recovery.distil",
        field="recovery.distil",
    )


def memory_of(device: torch.device) -> int:
    """Return the memory that this process may use on a device, in bytes."""
    return host_memory() if device.type == "cpu" else total_memory(device)


def memory_for_models(*devices: torch.device) -> int:
    """Return the bytes of each device's memory that models may take; the rest is for their activations."""
    return int(MEMORY_SHARE * min(map(memory_of, devices)))


def has_room_for_states(directory: Path, size: int, other: int) -> bool:
    """Whether final states of `size` bytes can be shared: they fill at most half of what `other` leave."""
    return size <= min(_MAX_STATES, (shutil.disk_usage(directory).free - other) / 2)


def retry_block(attempt: Callable[[], None], reduce: Callable[[], None]) -> None:
    """Call `attempt`; if a device runs out of memory, call `reduce`, and `attempt` once more.

    `reduce`: takes less of the devices' memory from now on. The host's does not become more by it: what runs
    out of that fails at once.
    """
    try:
        attempt()
        return
    except RuntimeError as error:
        if not (is_out_of_memory(error) and is_device_out_of_memory(error)):
            raise
        log.warning("a device ran out of memory: trying the block once more, with less on the device")
    # Not while the error is handled: it refers to all tensors of the attempt.
    reduce()
    release_memory()
    attempt()

"""The one policy for memory and disk: what a run needs, and what happens if there is too little.

- Disk: `DiskRoom`, by the config alone, once the model is loaded, and before a gradient pass is streamed that
  does not fit as a whole.
- Memory: `training_memory` decides how a training uses it, or refuses it; `memory_for_models` whether
  models stay on their device or are brought block by block.

What runs out of memory all the same is tried again where it runs: a gradient pass with half of the
micro-batch (`pruning.calibration.gradient_pass`), a training with the activations of one block
(`RecoverStage`). A block that is pruned is tried once more with less on the device (`retry_block`): its
micro-batch decides how sums are rounded. What fails after that ends the run; the worker raises what the job
needs (`jobs.queue.shortage`). Numbers of bytes are those of `pruning.estimate.memory` and
`pruning.estimate.disk`.
"""

import logging
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
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
from pruning.models.blocks import parameter_count
from pruning.models.memory import shape_of
from pruning.models.placement import Placement
from pruning.pipeline.models import LoadedModel
from pruning.recipe import DistilOptions, Evaluation, GradientNorm, Recipe, Stage
from pruning.recipe.exports import Export, has_mask
from pruning.resume.store import EphemeralResumeStore, ResumeStore
from pruning.runtime.device import (
    dtype_name,
    is_device_out_of_memory,
    is_out_of_memory,
    release_memory,
    total_memory,
)

log = logging.getLogger(__name__)

_NO_BOUND = 2**62
_FILES_OF_A_RUN = "the pruned model, its shards and the activations between blocks"


class DiskTooSmall(PruningError):
    """A disk has too little free space for a run, which is about its `output`."""

    def __init__(self, what: str, directory: Path, *, needed: int, free: int) -> None:
        """`what` needs so many bytes on the disk of a directory that has `free` bytes."""
        super().__init__(
            f"{what} need {byte_size(needed)}, and the disk of {directory.parent} has {byte_size(free)} "
            f"free: free {byte_size(needed - free)} or more",
            field="output",
        )
        self.disk = directory.stat().st_dev  # now: what raises this may take the directory with it
        self.needed = needed
        self.free = free


@dataclass(frozen=True)
class DiskRoom:
    """Refuses a run for which the disks have no room. Files of an earlier attempt are not counted again."""

    recipe: Recipe
    exports: tuple[Export, ...]
    save_masks: bool
    output: Path  # a directory on the disk that the result is written to
    resume_store: ResumeStore
    gradient_cache: GradientCache | None  # where there is one, norms are written as shards on any schedule
    min_free_bytes: int = 0  # of the output's disk, which no file of the run may take

    def check_before_download(
        self, evaluation: Evaluation, shape: ModelShape, downloads: Mapping[Path, int]
    ) -> None:
        """Raise DiskTooSmall where the disks cannot hold the weights and the least of the rest.

        By the config alone. `downloads`: bytes by directory. Inputs of blocks count as if memory held them,
        and gradients as if they were computed in one pass where that writes no norms.
        """
        dtype = shape.stored_dtype if self.recipe.dtype == "auto" else self.recipe.dtype
        files = disk.RunFiles.estimated(
            self.recipe,
            evaluation,
            shape,
            dtype,
            exports=self.exports,
            save_masks=self.save_masks,
            memory=_NO_BOUND,
        )
        if self.gradient_cache is None:
            files = replace(files, norms=0, is_streamed=False)
        self._check(
            replace(files, is_resumable=self._is_resumable),
            downloads,
            f"the weights to download, {_FILES_OF_A_RUN}",
        )

    def check_downloads(self, downloads: Mapping[Path, int]) -> None:
        """Raise DiskTooSmall where the disks cannot hold the weights by themselves.

        For a model whose config does not determine its shape. `downloads`: bytes by directory.
        """
        self._refuse_full_disks([downloads], "the weights to download")

    def check(
        self, model: LoadedModel, windows: Tensor | None, predictions: int, schedule: ScheduleChoice
    ) -> None:
        """Raise DiskTooSmall where a disk has too little free space, once the model is loaded.

        `windows`: token ids (windows, length) of the calibration; None for a recipe that reads no text.
        `predictions`: tokens that the evaluation predicts, on all texts. Raises InvalidInput where the
        schedule does not fit the model.
        """
        recipe, placement = self.recipe, model.placement
        counted = Windows(0, 0) if windows is None else Windows(*windows.shape)
        shape = shape_of(model.stack, stored_dtype=dtype_name(model.checkpoint.stored_dtype))
        # Exports have the layers that are not selected, too, and a training after a cut changes them.
        shape = replace(shape, embeddings=parameter_count(model.stack.model) - shape.block_weights)
        norms: Collection[GradientNorm] = recipe.gradient_norms
        if self.gradient_cache is not None:  # at most these are computed
            norms = recipe.gradient_norms | self.gradient_cache.needed_later
        computed = None
        if windows is not None and recipe.gradients is None and recipe.needs_gradient_pass:
            computed = Schedule.choose(schedule, model.stack, windows, norms, placement).name
        has_shards = (
            recipe.gradient_norms and computed and (computed == "streamed" or self.gradient_cache is not None)
        )
        files = disk.RunFiles(
            recipe,
            shape,
            dtype_name(placement.dtype),
            counted,
            predictions,
            model.checkpoint.files.size,
            norms=len(norms) if has_shards else 0,
            is_streamed=computed == "streamed",
            spilled=self._spilled(shape, counted, placement) if counted.count else 0,
            exports=self.exports,
            has_masks=self.save_masks or has_mask(self.exports),
            is_resumable=self._is_resumable,
        )
        self._check(files)

    def _check(
        self, files: disk.RunFiles, downloads: Mapping[Path, int] | None = None, what: str = _FILES_OF_A_RUN
    ) -> None:
        written, directory = _written(self.resume_store), self.resume_store.directory(Stage.PRUNE)
        moments = []
        for shards, output in files.moments():
            needed = Counter({self.output: output, **(downloads or {})})
            needed[directory] += shards - written
            moments.append(needed)
        self._refuse_full_disks(moments, what)

    def _refuse_full_disks(self, moments: Iterable[Mapping[Path, int]], what: str) -> None:
        """`moments`: bytes by directory, at each of several times; directories may be on one disk."""
        most: dict[int, tuple[int, Path]] = {}
        for needed in moments:
            by_disk: dict[int, dict[Path, int]] = defaultdict(dict)
            for directory, size in needed.items():
                by_disk[directory.stat().st_dev][directory] = size
            for disk_id, sizes in by_disk.items():
                total = sum(max(0, size) for size in sizes.values())
                most[disk_id] = max(most.get(disk_id, (-1, directory)), (total, next(iter(sizes))))
        of_output = self.output.stat().st_dev
        for disk_id, (total, directory) in most.items():
            kept = self.min_free_bytes if disk_id == of_output else 0
            free = max(0, shutil.disk_usage(directory).free - kept)
            if total > free:
                raise DiskTooSmall(what, directory, needed=total, free=free)

    @property
    def _is_resumable(self) -> bool:
        return not isinstance(self.resume_store, EphemeralResumeStore)

    def _spilled(self, shape: ModelShape, windows: Windows, placement: Placement) -> int:
        dtype = placement.dtype
        # Packed, a float32 token takes the rows of two.
        windows = Windows(windows.count, windows.length + float32_tokens(dtype, windows.length))
        budget = Budget.of(placement.device, self.resume_store.directory(Stage.PRUNE))
        name = dtype_name(dtype)
        return disk.spilled_block_inputs(shape, windows, name, memories=(budget.device, budget.host))


def _written(resume_store: ResumeStore) -> int:
    """Return the bytes of the shards and checkpoints that an earlier attempt has left here."""
    stages = (Stage.GRADIENTS, Stage.CUT, Stage.PRUNE, Stage.RECOVER, Stage.EVALUATE)
    directories = (resume_store.directory(stage) for stage in stages)
    files = (path for directory in directories for path in directory.rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files)


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
    have, name = total_memory(device), dtype_name(dtype)

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


def memory_for_models(*devices: torch.device) -> int:
    """Return the bytes of each device's memory that models may take; the rest is for their activations."""
    return int(MEMORY_SHARE * min(map(total_memory, devices)))


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

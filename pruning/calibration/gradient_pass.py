"""The gradient pass: per weight, the norm over calibration windows of the loss gradient.

Each window needs its own weight gradient, which `window_norms` forms and adds up inside the backward pass.
Two schedules drive that same code and give the same numbers: `whole` takes each micro-batch through the whole
model, whose weights and sums are all in memory; `streamed` takes all windows through one block at a time
(`streamed`). A pass that runs out of memory starts over with half as many windows per micro-batch, and one
that runs out at a single window on `whole` starts over on `streamed`.
"""

import logging
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import get_args

import torch
from torch import Tensor
from transformers import PreTrainedModel

from pruning.calibration.accumulate import KernelVariant, variants_in_use
from pruning.calibration.activation_store import ActivationStore, Budget
from pruning.calibration.gradient_files import BlockShards
from pruning.calibration.gradient_schedule import Schedule, ScheduleChoice
from pruning.calibration.mixed_precision import PassInputs, float32_tokens
from pruning.calibration.streamed_gradients import StreamedPass, streamed_steps
from pruning.calibration.whole_gradients import WholePass
from pruning.calibration.window_norms import GradientNorms
from pruning.models.blocks import Stack, selected_stack
from pruning.models.placement import Placement
from pruning.models.replay import Replay
from pruning.progress import Step
from pruning.recipe import GradientNorm, LayerSelection, Stage
from pruning.recipe.methods import WeightNorm
from pruning.resume.store import NumericsKey, ResumeStore
from pruning.resume.writer import writer_for
from pruning.runtime.determinism import (
    deterministic_algorithms,
    has_no_deterministic_algorithm,
    refuse_variable_workspace,
)
from pruning.runtime.device import is_out_of_memory, release_memory
from pruning.runtime.process_memory import retain_freed_heap

log = logging.getLogger(__name__)

# Only logits need larger blocks. Retained in the heap, they would add a tenth to the peak memory.
_MAX_RETAINED_BLOCK = 1 << 25


def gradient_norms(
    model: PreTrainedModel,
    windows: Tensor,
    *,
    norms: Collection[GradientNorm],
    step: Step,
    selection: LayerSelection = LayerSelection(),  # noqa: B008 - immutable
    deterministic: bool = True,
) -> GradientNorms:
    """Compute gradient norms on the schedule `whole`, of a model that is already on its device.

    Parameters and errors are those of `GradientPass` and `GradientPass.run`.
    """
    stack = selected_stack(model, selection)
    gradient_pass = GradientPass(
        Placement(model), windows, norms=norms, stack=stack, schedule="whole", deterministic=deterministic
    )
    return gradient_pass.run(step)


class GradientPass:
    """Computes, per weight of the selected linear layers, the norm over windows of the loss gradient.

    The loss of a window is the mean next-token cross-entropy over its length - 1 predictions.
    """

    def __init__(
        self,
        placement: Placement,
        windows: Tensor,
        *,
        norms: Collection[GradientNorm],
        stack: Stack,
        schedule: ScheduleChoice = "auto",
        deterministic: bool = True,
        model_key: NumericsKey = MappingProxyType({}),
    ) -> None:
        """Freeze the model, put it in eval mode and choose the schedule.

        Parameters
        ----------
        placement
            The model, with the device and dtype that it computes in.
        windows
            Calibration token ids, int64 (windows, length).
        norms
            Which norms to compute; or `gates` alone; or `columns` alone.
        stack
            The blocks of the model, narrowed to the linear layers to compute them for.
        schedule
            "auto" chooses `whole` where it fits into memory and takes minutes, else `streamed`.
        deterministic
            Give equal bits for equal inputs on CUDA, too; a CPU always does.
        model_key
            Identifies the model, where the run of the resume store does not pin it.

        Raises
        ------
        InvalidInput
            With field='schedule', if the schedule does not fit the model; with field='deterministic', where
            cuBLAS was not set up for it.
        """
        self.deterministic = deterministic or placement.device.type == "cpu"
        if self.deterministic:
            refuse_variable_workspace(placement.device)
        placement.model.requires_grad_(False).eval()
        self._placement = placement
        self._windows = windows
        self._norms = sorted(norms)
        self._stack = stack
        self._model_key = model_key
        self.schedule = Schedule.choose(schedule, stack, windows, self._norms, placement)

    @property
    def device(self) -> torch.device:
        """Where the norms are computed."""
        return self._placement.device

    @property
    def steps(self) -> int:
        """How many steps `run` reports."""
        count = len(self._micro_batches)
        return count if self.schedule.name == "whole" else streamed_steps(self._stack, count)

    @property
    def numerics_key(self) -> NumericsKey:
        """What decides the bits of the norms in addition to recipe, windows and the run's dense model."""
        # torch chooses another attention backend where algorithms must be deterministic.
        with deterministic_algorithms(self.device, enabled=self.deterministic):
            of_placement = self._placement.numerics_key
        return {
            **self._model_key,
            "schedule": self.schedule.name,
            "micro_batch": self.schedule.micro_batch,
            "norms": ",".join(self._norms),
            "float32 tokens": self._float32_tokens,
            "deterministic": self.deterministic,
            "fused": self._fused_variants,
            **of_placement,
        }

    def run(
        self,
        step: Step,
        resume_store: ResumeStore | None = None,
        *,
        before_streaming: Callable[[], None] = lambda: None,
    ) -> GradientNorms:
        """Compute the norms.

        Parameters
        ----------
        step
            Called after each micro-batch (of each block, if streamed).
        resume_store
            Required by the streamed schedule, which computes only the blocks that the store lacks and commits
            a shard for each of them.
        before_streaming
            Called before a pass that does not fit on `whole` is streamed, which needs disk; what it raises
            ends the pass.

        Returns
        -------
        GradientNorms
            Tensors on the devices for `whole`; for `streamed`, tensors that are read from the shards on
            access.

        Raises
        ------
        InvalidInput
            With field 'model.id', for a model that cannot be run block by block; with 'layers.exclude', for
            a layer that is never called.
        NumericalFailure
            With a layer's name, where its gradients are not finite.
        """
        while True:
            try:
                return self._try(step, resume_store)
            except (RuntimeError, MemoryError, OSError) as error:
                name = self.schedule.name
                if not self._degrade_after(error, resume_store):
                    raise
                if self.schedule.name != name:
                    before_streaming()
            finally:
                self._placement.end_stage()
            release_memory()  # of the failed pass

    def _try(self, step: Step, resume_store: ResumeStore | None) -> GradientNorms:
        with deterministic_algorithms(self._placement.device, enabled=self.deterministic):
            if self.schedule.name == "whole":
                return self._run_whole(step)
            return self._run_streamed(step, resume_store)

    def _degrade_after(self, error: BaseException, resume_store: ResumeStore | None) -> bool:
        """Reduce what the failed pass needs, and return whether to retry it.

        Out of memory halves the micro-batch; at one window, `whole` becomes `streamed`, if there is a store
        for its shards, and at last only the first of several devices is used. An operation without a
        deterministic algorithm gives up determinism.
        """
        if self.deterministic and has_no_deterministic_algorithm(error):
            log.warning("computing gradients without deterministic algorithms: %s", error)
            self.deterministic = False
        elif not is_out_of_memory(error):
            return False
        elif self.schedule.micro_batch > 1:
            self.schedule = self.schedule.halved()
        elif self.schedule.name == "whole" and resume_store is not None:
            self.schedule = self._streamed_schedule
        elif self.schedule.name == "streamed" and self._placement.drop_other_devices():
            log.warning("a device has too little memory: computing on %s alone", self._placement.device)
            self.schedule = self._streamed_schedule
        else:
            return False
        return True

    @property
    def _streamed_schedule(self) -> Schedule:
        return Schedule.choose("streamed", self._stack, self._windows, self._norms, self._placement)

    @property
    def _micro_batches(self) -> Sequence[Tensor]:
        return torch.split(self._windows, self.schedule.micro_batch)

    @property
    def _fused_variants(self) -> str:
        """The variants of the fused kernel that this pass uses, after testing them."""
        if not set(self._norms) <= set(get_args(WeightNorm)):  # the kernel accumulates norms alone
            return ""
        in_use = set[KernelVariant]().union(
            *(
                variants_in_use(
                    device,
                    self._placement.dtype,
                    self._norms,
                    tuple(self._stack.layers),
                    has_float32=self._float32_tokens > 0,
                )
                for device in self._placement.devices
            )
        )
        return " ".join(sorted("aligned" if one.aligned else "unaligned" for one in in_use))

    @property
    def _float32_tokens(self) -> int:
        return float32_tokens(self._placement.dtype, self._windows.shape[1])

    def _inputs(self, step: Step) -> PassInputs:
        """Return the inputs of a pass; the outer modules must be resident."""
        replay = Replay(self._stack, self._windows, self._placement)
        return PassInputs(replay, self._placement, self._micro_batches, self._norms, step)

    @retain_freed_heap()
    def _run_whole(self, step: Step) -> GradientNorms:
        placement = self._placement
        with placement.in_pipeline_stages(self._stack.modules), placement.resident(placement.model):
            return WholePass(self._inputs(step)).run()

    @retain_freed_heap(_MAX_RETAINED_BLOCK)
    def _run_streamed(self, step: Step, resume_store: ResumeStore | None) -> GradientNorms:
        if resume_store is None:
            raise ValueError("a streamed pass needs a resume store for its shards")
        with writer_for(self.device) as writer:
            shards = BlockShards(resume_store, self.numerics_key, self._norms, writer)
            blocks = enumerate(self._stack.blocks)
            missing = [index for index, block in blocks if block.layers and index not in shards]
            if missing:
                self._run_missing(missing, shards, step, resume_store)
        return shards.norms_of(self._stack)

    def _run_missing(
        self, missing: Collection[int], shards: BlockShards, step: Step, resume_store: ResumeStore
    ) -> None:
        scratch = resume_store.directory(Stage.GRADIENTS) / "inputs"
        modules = self._stack.modules
        with (
            self._placement.in_round_robin(modules),
            ExitStack() as outer_modules,
            self._activation_store(scratch) as inputs,
        ):
            outer_modules.enter_context(self._placement.resident_except(modules))
            streamed = StreamedPass(self._inputs(step))
            checkpoint = resume_store.activation_checkpoint(Stage.GRADIENTS)
            streamed.run(missing, inputs, checkpoint, shards, outer_modules)

    @contextmanager
    def _activation_store(self, scratch: Path) -> Iterator[ActivationStore]:
        shutil.rmtree(scratch, ignore_errors=True)  # of a run that was killed
        scratch.mkdir()
        features = self._placement.model.config.get_text_config().hidden_size
        count, length = self._windows.shape
        rows = count * (length + self._float32_tokens)  # packed, a float32 token takes two rows
        block_bytes = rows * features * self._placement.dtype.itemsize
        device, blocks = self._placement.device, len(self._stack.blocks)
        budget, others = Budget.of(device, scratch), self._placement.devices[1:]
        store = ActivationStore(blocks, block_bytes, budget, device, scratch, others=others)
        try:
            yield store
        finally:
            store.close()
            shutil.rmtree(scratch, ignore_errors=True)

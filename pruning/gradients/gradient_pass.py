"""Gradient norms over calibration windows: one pass, on one of two schedules, with the same numbers.

`whole`: micro-batch by micro-batch, forward and backward through the whole model, whose weights and sums are
all in memory. `streamed`: block by block; see pruning.gradients.streamed. A norm over windows needs every
window's own weight gradient; how it is formed and added, on either schedule, is in
pruning.gradients.window_norms.
"""

import gc
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor
from transformers import PreTrainedModel

from pruning.gradients.accumulate import is_fused
from pruning.gradients.activation_store import BlockInputs, Budget
from pruning.gradients.hidden_states import float32_tokens
from pruning.gradients.lm_head import LMHeadLoss
from pruning.gradients.loss import loss_scale
from pruning.gradients.mixed_precision import MixedPrecisionForward
from pruning.gradients.schedule import Schedule, ScheduleChoice
from pruning.gradients.shards import sharded_norms, write_shard
from pruning.gradients.streamed import StreamedPass, streamed_steps
from pruning.gradients.window_norms import GradientAccumulator, GradientNorms, WindowNorms, finished_norms
from pruning.model.placement import Placement
from pruning.model.replay import Replay
from pruning.model.selection import selected_stack
from pruning.recipe import GradientNorm, LayerSelection, Stage
from pruning.resume.store import NumericsKey, ResumeStore
from pruning.runtime.device import is_out_of_memory
from pruning.runtime.malloc import retain_freed_heap

Step = Callable[[int, int], None]

# Only logits are larger: in the heap, they would take a tenth more of a pass that is to save memory.
_LARGEST_KEPT_STREAMED = 1 << 25


def gradient_norms(
    model: PreTrainedModel,
    windows: Tensor,
    *,
    norms: Collection[GradientNorm],
    step: Step,
    selection: LayerSelection = LayerSelection(),  # noqa: B008 - immutable
) -> GradientNorms:
    """Of a model that lies where it computes, on the schedule `whole`. See GradientPass."""
    return GradientPass(Placement(model), windows, norms=norms, selection=selection, schedule="whole").run(
        step
    )


class GradientPass:
    """Per weight of the blocks' selected linear layers, the norm over windows of the loss gradient.

    The loss of a window is the mean next-token cross-entropy of its length - 1 predictions.
    """

    def __init__(
        self,
        placement: Placement,
        windows: Tensor,
        *,
        norms: Collection[GradientNorm],
        selection: LayerSelection = LayerSelection(),  # noqa: B008 - immutable
        schedule: ScheduleChoice = "auto",
    ) -> None:
        """`windows`: token ids, int64 (windows, length). The model is left frozen and in eval mode.

        Raises InvalidInput with the field for a model, a selection or a schedule that cannot be.
        """
        placement.model.requires_grad_(False).eval()
        self._placement = placement
        self._windows = windows
        self._norms = sorted(norms)
        self._stack = selected_stack(placement.model, selection)
        self.schedule = Schedule.choose(schedule, self._stack, windows, norms, placement)

    @property
    def steps(self) -> int:
        """How many steps the pass takes."""
        count = len(self._pieces)
        return count if self.schedule.name == "whole" else streamed_steps(self._stack, count)

    @property
    def numerics_key(self) -> NumericsKey:
        """What decides the last bits of the norms, beside the model, the windows and the selection."""
        return {
            "schedule": self.schedule.name,
            "micro_batch": self.schedule.micro_batch,
            "norms": ",".join(self._norms),
            "float32 tokens": self._float32_tokens,
            "fused": is_fused(self._placement.device, self._placement.dtype),
            **self._placement.numerics_key,
        }

    def run(self, step: Step, resume_store: ResumeStore | None = None) -> GradientNorms:
        """The norms asked for, by layer name: (outputs, inputs), float32 (float64 for a float64 model).

        Without any scale: l1 is Σ|g|, l2 is sqrt(Σ g²). `whole` gives tensors on the device. `streamed` needs
        a resume store: it computes the blocks that the store lacks, commits a shard for each, and returns
        norms that are read from the shards on access.

        `step(done, total)` is called after each micro-batch (of each block, if `streamed`); what it raises
        ends the pass. Where memory runs out, the pass starts again with half as many windows at once; then
        `schedule` says so. Raises InvalidInput(field='model.id') for a model that cannot be pruned block by
        block, and NumericalFailure with a layer's name.
        """
        while True:
            try:
                return (
                    self._whole(step) if self.schedule.name == "whole" else self._streamed(step, resume_store)
                )
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error) or self.schedule.micro_batch == 1:
                    raise
            self.schedule = self.schedule.halved()
            gc.collect()  # what the failed pass held
            if self._placement.device.type == "cuda":
                torch.cuda.empty_cache()

    @property
    def _pieces(self) -> Sequence[Tensor]:
        return torch.split(self._windows, self.schedule.micro_batch)

    def _passage(self, replay: Replay) -> MixedPrecisionForward:
        return MixedPrecisionForward(replay, self._float32_tokens)

    @property
    def _float32_tokens(self) -> int:
        return float32_tokens(self._placement.dtype, self._windows.shape[1])

    @retain_freed_heap()
    def _whole(self, step: Step) -> GradientNorms:
        with self._placement.resident(self._placement.model):
            replay = Replay(self._stack, self._windows, self._placement)
            scale = loss_scale(self._placement.dtype, self._windows.shape[1])
            passage, tail = self._passage(replay), LMHeadLoss(replay, scale)
            layers = tuple(self._stack.layers)
            sums = {layer.name: WindowNorms(layer, self._norms) for layer in layers}
            for done, piece in enumerate(self._pieces, start=1):
                tokens = piece.to(self._placement.device)
                forming = passage.forming(layers, sums)
                self._through_all_blocks(passage, tail, tokens, forming)
                forming.finish()
                step(done, len(self._pieces))
        return finished_norms(sums, self._norms, scale)

    def _through_all_blocks(
        self, passage: MixedPrecisionForward, tail: LMHeadLoss, tokens: Tensor, forming: GradientAccumulator
    ) -> None:
        """Forward, and backward to the first block with a selected layer: with every weight frozen, nothing
        else would start autograd.
        """
        hidden = passage.enter(tokens)
        start = None
        for index, block in enumerate(self._stack.blocks):
            if start is None and block.layers:
                start = hidden = hidden.leaves()
            with torch.set_grad_enabled(start is not None):
                hidden = passage.through(index, tokens, hidden, forming)
        assert start is not None  # noqa: S101 - a selection without layers is refused
        with torch.enable_grad():
            output = hidden.joined()
        delta = tail.gradient(output.detach(), tokens)
        torch.autograd.grad(output, start.tensors, delta)

    @retain_freed_heap(_LARGEST_KEPT_STREAMED)
    def _streamed(self, step: Step, resume_store: ResumeStore | None) -> GradientNorms:
        if resume_store is None:
            raise ValueError("a streamed pass needs a resume store for its shards")
        shards = dict(resume_store.begin(Stage.GRADIENTS, self.numerics_key))
        directory = resume_store.directory(Stage.GRADIENTS)

        def keep(block: int, norms: GradientNorms) -> None:
            path = directory / f"{block:05}.safetensors"
            write_shard(norms, path)
            resume_store.commit(Stage.GRADIENTS, block, path)
            shards[block] = path

        blocks = enumerate(self._stack.blocks)
        missing = [index for index, block in blocks if block.layers and index not in shards]
        if missing:
            replay = Replay(self._stack, self._windows, self._placement)
            passage = self._passage(replay)
            streamed = StreamedPass(replay, passage, self._placement, self._pieces, self._norms, step)
            with self._block_inputs(directory / "inputs") as inputs:
                streamed.run(missing, inputs, resume_store.activation_checkpoint(Stage.GRADIENTS), keep)
        blocks = enumerate(self._stack.blocks)
        files = {layer.name: shards[index] for index, block in blocks for layer in block.layers}
        return sharded_norms(files, self._norms)

    @contextmanager
    def _block_inputs(self, scratch: Path) -> Iterator[BlockInputs]:
        shutil.rmtree(scratch, ignore_errors=True)  # left by a run that was killed
        scratch.mkdir()
        features = self._placement.model.config.get_text_config().hidden_size
        count, length = self._windows.shape
        rows = count * (length + self._float32_tokens)  # of which a float32 token takes two
        one = rows * features * self._placement.dtype.itemsize
        budget = Budget.of(self._placement.device, scratch)
        try:
            yield BlockInputs(len(self._stack.blocks), one, budget, self._placement.device, scratch)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

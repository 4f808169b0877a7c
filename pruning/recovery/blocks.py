"""Block reconstruction: right behind its masks, a block's kept weights and norms are trained.

The masks stay (as in EBFT, arXiv 2402.12419). The target is the output of the dense block, in part on the
pruned model's inputs and in part on the dense model's. All calibration windows are trained on, and windows of
other articles are held out; the epoch with the lowest loss on these is kept, as it is after rounding to the
checkpoint's dtype, and a block that no epoch improves stays as it was.
"""

import itertools
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd import backward

from pruning.activations.paired_walk import PairedForward
from pruning.model.blocks import Block
from pruning.recipe import BlockRecoveryOptions
from pruning.recovery.adam import linear
from pruning.recovery.block_loss import block_loss, mixed_target
from pruning.recovery.trained import Trainable, TrainedParameters


@dataclass(frozen=True)
class TrainingSetting:
    """What the training of blocks depends on besides the recipe."""

    stored: torch.dtype | None = None  # the dtype of the checkpoint; None: that of the model
    deterministic: bool = False  # on CUDA; see pruning.runtime.determinism
    held_out: Tensor | None = None  # by which blocks are judged, int64 (windows, length of the calibration's)


@dataclass(frozen=True)
class TrainedBlock:
    """The result for one block."""

    block: int
    before: float  # the loss on the held-out windows
    after: float  # the same, of what was kept
    epoch: int  # that was kept; 0: the block stays as it was


class BlockTraining:
    """The training of one block whose layers have just been pruned; the walk stands before it."""

    def __init__(
        self,
        block: Block,
        index: int,
        walk: PairedForward,
        options: BlockRecoveryOptions,
        *,
        trainable: Mapping[str, Trainable],
        stored: torch.dtype,
        seed: int,
    ) -> None:
        """`walk`: with the held-out windows beside it. `trainable`: by the parameter's name.

        `stored`: the dtype of the checkpoint. `seed`: of the order of the windows.
        """
        count = walk.window_count
        self._block, self._index, self._walk, self._options = block, index, walk, options
        self._trainable, self._stored = trainable, stored
        self._order = random.Random(f"{seed} {index}")  # noqa: S311 - a reproducible order
        self._windows, self._held_out = range(count), range(count, count + walk.windows_beside)
        self._scale: float | None = None  # of the gradients, besides the number of tokens
        self._together = min(options.windows_per_step, walk.windows_at_once)

    def run(self, step: Callable[[int], None]) -> tuple[TrainedBlock, Mapping[str, Tensor]]:
        """Train the block in place, and return its new parameters by name, in the dtype of the checkpoint.

        They are none where the block stays as it was. `step` is called after each micro-batch with their
        number so far, of `passes_of_block`; an exception that it raises ends the training. Raises
        NumericalFailure with the name of a parameter that becomes infinite.
        """
        count = itertools.count(1)

        def check() -> None:
            step(next(count))

        before = {name: one.parameter.data for name, one in self._trainable.items()}
        targets = self._targets(check)
        self._scale = _float16_scale(targets) if targets[0].dtype == torch.float16 else None
        try:
            with TrainedParameters(self._trainable, self._stored) as trained:
                losses, best = self._train(trained, targets, check)
        finally:
            for name, tensor in before.items():
                self._trainable[name].parameter.data = tensor
        for name, tensor in best.items():
            before[name].copy_(tensor)
        kept = min(range(len(losses)), key=losses.__getitem__)
        return TrainedBlock(self._index, losses[0], losses[kept], kept), {
            name: tensor.cpu() for name, tensor in best.items()
        }

    def _train(
        self, trained: TrainedParameters, targets: Sequence[Tensor], check: Callable[[], None]
    ) -> tuple[list[float], dict[str, Tensor]]:
        """Return the held-out loss before the first epoch and after each, and the weights with the lowest."""
        options, steps = self._options, -(-len(self._windows) // self._options.windows_per_step)
        losses, best, number = [self._judged(trained, trained.rounded(), targets, check)], {}, 0
        for _ in range(options.epochs):
            order = self._order.sample(self._windows, len(self._windows))
            for start in range(0, len(order), options.windows_per_step):
                number += 1
                scale = self._step(order[start : start + options.windows_per_step], targets, check)
                rate = options.learning_rate * linear(number, options.epochs * steps)
                trained.step(rate, number, scale=scale)
            rounded = trained.rounded()
            losses.append(self._judged(trained, rounded, targets, check))
            if losses[-1] < min(losses[:-1]):
                best = rounded
        return losses, best

    def _step(self, windows: Sequence[int], targets: Sequence[Tensor], check: Callable[[], None]) -> float:
        """Add up the gradients of one step, and return the factor by which they are too large."""
        tokens = sum(targets[number].shape[1] for number in windows)
        scale = tokens * self._scale if self._scale else 1.0
        for numbers in self._pieces(windows):
            hidden, _ = self._walk.states(numbers)
            with torch.enable_grad():
                output = self._output(hidden)
            gradient, _ = block_loss(output.detach(), _joined(targets, numbers), scale / tokens)
            backward(output, gradient)
            check()
        return scale

    def _judged(
        self,
        trained: TrainedParameters,
        rounded: Mapping[str, Tensor],
        targets: Sequence[Tensor],
        check: Callable[[], None],
    ) -> float:
        """Return the mean loss of a token of the held-out windows."""
        total, tokens = 0.0, 0
        with trained.computing_with(rounded), torch.no_grad():
            for numbers in self._pieces(self._held_out):
                target = _joined(targets, numbers)
                _, loss = block_loss(self._output(self._walk.states(numbers)[0]), target, 1.0)
                total, tokens = total + float(loss), tokens + target.shape[:2].numel()
                check()
        return total / tokens

    @torch.no_grad()
    def _targets(self, check: Callable[[], None]) -> list[Tensor]:
        """Return each window's target, (1, length, features)."""
        dense, toward, targets = self._walk.dense_block, self._options.toward, list[Tensor]()
        for numbers in self._pieces(range(len(self._windows) + len(self._held_out))):
            call = self._walk.call(self._index, len(numbers))
            own, other = self._walk.states(numbers)
            targets += torch.split(mixed_target(call(dense, own), call(dense, other), toward), 1)
            check()
        return targets

    def _output(self, hidden: Tensor) -> Tensor:
        return self._walk.call(self._index, len(hidden))(self._block.module, hidden)

    def _pieces(self, windows: Sequence[int]) -> list[Sequence[int]]:
        return [windows[start : start + self._together] for start in range(0, len(windows), self._together)]


def passes_of_block(options: BlockRecoveryOptions, windows: int, held_out: int, at_once: int) -> int:
    """Return the micro-batches that run through a block while it is trained.

    `windows`, `held_out`: their numbers. `at_once`: the windows of a micro-batch of the walk.
    """
    per_step = options.windows_per_step
    together = min(per_step, at_once)
    whole, rest = divmod(windows, per_step)
    epoch = whole * -(-per_step // together) + -(-rest // together)
    judgement = -(-held_out // together)
    return -(-(windows + held_out) // together) + judgement + options.epochs * (epoch + judgement)


def _float16_scale(targets: Sequence[Tensor]) -> float:
    """Return the power of two that makes a token's gradient about an eighth of its relative error.

    Both are elements of the block's output. Unscaled, the gradient is divided by the target's size once more,
    and by the number of features: most of it would underflow, as would a mean over thousands of tokens.
    """
    sizes = torch.cat([torch.linalg.vector_norm(one, dim=-1, dtype=torch.float32)[0] for one in targets])
    typical = float(sizes.median()) * math.sqrt(targets[0].shape[-1]) / 16
    return 2.0 ** round(math.log2(typical)) if 0 < typical < math.inf else 1.0


def _joined(targets: Sequence[Tensor], numbers: Sequence[int]) -> Tensor:
    return torch.cat([targets[number] for number in numbers])

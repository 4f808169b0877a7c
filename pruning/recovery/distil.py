"""Masked distillation of a whole model towards the output of the dense one.

Kept weights and norms are trained; pruned weights stay zero. The gradient of each step is that of the mean
over its positions of KL(dense ‖ pruned), at temperature 1. The pruned model may be smaller than the dense
one. The state with the lowest loss on held-out windows is kept, rounded to the dtype of the checkpoint; a
model that no state improves is not changed.

`Plan` divides the training into steps and micro-batches, `Distillation` runs it, and `TrainingBoundary`
saves its state between two steps.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor
from torch.autograd import backward

from pruning.errors import InvalidInput, NumericalFailure
from pruning.models.blocks import find_stack
from pruning.models.placement import Placement
from pruning.models.replay import Call, LogitsByPosition, Replay
from pruning.progress import Step
from pruning.recovery.distillation import distillation_loss
from pruning.recovery.final_states import FinalStates
from pruning.recovery.optimizer import RATE, cosine
from pruning.recovery.parameters import TrainedParameters
from pruning.resume.store import ActivationCheckpoint, SaveThrottle
from pruning.runtime.process_memory import retain_freed_heap

_SAVE_INTERVAL = 120.0
"""Seconds between two saves, at least. A run that is killed every five minutes still makes progress."""


class TrainingBoundary:
    """Saves the state every two minutes, or less often where saving would take a tenth of the time."""

    def __init__(
        self,
        checkpoint: ActivationCheckpoint,
        saved: Callable[[int], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`saved` is called with the number of the step after each save. `clock`: in seconds."""
        self._checkpoint = checkpoint
        self._saved = saved
        self._clock = clock
        self._throttle = SaveThrottle(clock)
        self._last = clock()

    def load(self) -> tuple[int, dict[str, Tensor]] | None:
        """Return the step and the state of an earlier attempt on this machine; None if there is none."""
        return self._checkpoint.load()

    def drop(self) -> None:
        """Free the disk after the training has ended."""
        self._checkpoint.drop()

    def offer(self, step: int, state: Mapping[str, Tensor]) -> None:
        """Save the state after this step if that is due."""
        size = sum(tensor.nbytes for tensor in state.values())
        if self._clock() - self._last < _SAVE_INTERVAL or not self._throttle.is_due(size):
            return
        with self._throttle.saving():
            self._checkpoint.save(step, state)
        self._last = self._clock()
        self._saved(step)


_MAX_EVALUATIONS = 8  # besides the one before the first step: each costs a pass over the held-out windows


@dataclass(frozen=True)
class Plan:
    """The steps of one training, on each window in turn."""

    windows: Tensor  # int64 (windows, length)
    held_out: Tensor  # the same
    windows_per_step: int
    micro_batch: int  # windows that run through the model together, at most those of a step

    def halved(self) -> "Plan":
        """Return the same plan with half of the micro-batch."""
        return replace(self, micro_batch=self.micro_batch // 2)

    @property
    def steps(self) -> int:
        """The number of optimiser steps."""
        return -(-len(self.windows) // self.windows_per_step)

    def is_judged(self, step: int) -> bool:
        """Whether the state after this step is judged; step 0 is the state before the training."""
        return step % self._interval == 0 or step == self.steps

    def batches_from(self, step: int) -> Iterator[tuple[int, Tensor]]:
        """Yield the number of each step, from `step`, and its windows."""
        for number, batch in enumerate(torch.split(self.windows, self.windows_per_step), start=1):
            if number >= step:
                yield number, batch

    def micro_batches(self, windows: Tensor) -> tuple[Tensor, ...]:
        """Split the windows of a step, or the held-out ones."""
        return torch.split(windows, self.micro_batch)

    def tokens_until(self, step: int) -> int:
        """Return the tokens that have been trained on after a step."""
        length = self.windows.shape[1]
        return min(len(self.windows), step * self.windows_per_step) * length

    @property
    def passes(self) -> int:
        """How many micro-batches run through the pruned model, in training and in judgements."""
        return self.passes_until(self.steps)

    def passes_until(self, step: int) -> int:
        """Return the micro-batches that have run once this step is done and judged."""
        judged = 1 + step // self._interval + (step == self.steps and step % self._interval > 0)
        whole, rest = divmod(min(len(self.windows), step * self.windows_per_step), self.windows_per_step)
        trained = whole * self._pieces(self.windows_per_step) + self._pieces(rest)
        return trained + judged * self._pieces(len(self.held_out))

    @property
    def _interval(self) -> int:
        return -(-self.steps // _MAX_EVALUATIONS)

    def _pieces(self, windows: int) -> int:
        return -(-windows // self.micro_batch)


_BEST, _CURVE, _SUMS = "best/", "curve", "sums"


@dataclass(frozen=True)
class CurvePoint:
    """One judgement of the state after a step."""

    step: int
    tokens: int  # that have been trained on
    training: float | None  # the mean loss of the steps since the last judgement; None before the first step
    held_out: float  # the loss on the held-out windows, with weights in the checkpoint's dtype


@dataclass(frozen=True)
class Distilled:
    """The result of a training."""

    curve: tuple[CurvePoint, ...]
    weights: Mapping[str, Tensor]  # of the best step, in the checkpoint's dtype, on the CPU; empty for step 0

    @property
    def best(self) -> CurvePoint:
        """The judgement with the lowest loss, the first of equals."""
        return min(self.curve, key=lambda point: point.held_out)


@dataclass
class _Progress:
    """The progress of a training."""

    curve: list[CurvePoint] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)
    sums: Tensor = field(
        default_factory=lambda: torch.zeros(2, dtype=torch.float64)
    )  # since the last judgement

    def state(self) -> dict[str, Tensor]:
        rows = [
            (point.step, point.tokens, -1.0 if point.training is None else point.training, point.held_out)
            for point in self.curve
        ]
        best = {f"{_BEST}{name}": tensor for name, tensor in self.best.items()}
        return best | {_CURVE: torch.tensor(rows, dtype=torch.float64), _SUMS: self.sums}

    @classmethod
    def restored(cls, state: Mapping[str, Tensor]) -> "_Progress":
        curve = [
            CurvePoint(int(step), int(tokens), None if int(step) == 0 else training, held_out)
            for step, tokens, training, held_out in state[_CURVE].tolist()
        ]
        best = {name.removeprefix(_BEST): tensor for name, tensor in state.items() if name.startswith(_BEST)}
        return cls(curve, best, state[_SUMS])


class _Model:
    """A model that is resident, up to its last block's output, and from there to the logits."""

    def __init__(self, placement: Placement, probe: Tensor, *, with_embeddings: bool = False) -> None:
        """`with_embeddings`: gradients reach back to what is before the first block.

        Raises InvalidInput(field='recovery') for a model whose head sees more than the last block's output.
        """
        self._device, self._with_embeddings = placement.device, with_embeddings
        self._replay = Replay(find_stack(placement.model), probe, placement)
        self.logits = LogitsByPosition(self._replay)
        if not self.logits.are_exact:
            raise InvalidInput(
                f"{type(placement.model).__name__} cannot be trained: its logits depend on more than the "
                "last block's output; leave recovery out",
                field="recovery",
            )
        self._calls: dict[int, list[Call]] = {}  # by number of windows, on which alone they depend

    def hidden(self, tokens: Tensor) -> Tensor:
        """Return the last block's output, (windows, length, features), with its graph if gradients are on."""
        embedded = self._replay.embed(tokens, differentiable=self._with_embeddings)
        hidden, self._calls[len(tokens)] = embedded
        for block, call in zip(self._replay.stack.blocks, self._calls[len(tokens)], strict=True):
            hidden = call(block.module, hidden)
        return hidden


class Distillation:
    """One training of a pruned model towards the dense one."""

    def __init__(
        self,
        pruned: Placement,
        dense: Placement,
        trained: TrainedParameters,
        plan: Plan,
        *,
        rate: float = RATE,
        with_embeddings: bool = False,
        states: FinalStates | None = None,
    ) -> None:
        """Both models must be resident, here and in `run`.

        `rate`: the highest learning rate, of parameters whose factor is 1.
        `with_embeddings`: what is before the first block is trained, too. `states`: of the dense model, which
        may have been computed before; by default it computes its own.
        """
        probe = plan.windows[:1]
        self._pruned = _Model(pruned, probe, with_embeddings=with_embeddings)
        self._dense = _Model(dense, probe)
        self._states = states or FinalStates(len(plan.held_out), len(plan.windows))
        self._device = pruned.device
        # The gradients of a mean over thousands of tokens underflow in float16.
        self._scaled = pruned.dtype == torch.float16
        self._trained, self._plan, self._rate = trained, plan, rate

    @retain_freed_heap()
    def run(self, step: Step, boundary: TrainingBoundary) -> Distilled:
        """Train, from the state of an earlier attempt if there is one.

        Raises NumericalFailure with the name of a parameter that becomes infinite.
        """
        plan, progress, first = self._plan, _Progress(), 1
        if (saved := boundary.load()) is not None:
            first, progress = saved[0] + 1, _Progress.restored(saved[1])
            self._trained.restore(saved[1])
            step(plan.passes_until(saved[0]), plan.passes)
        with self._trained:
            if not progress.curve:
                self._judge(0, progress, step)
            for number, batch in plan.batches_from(first):
                self._step(number, batch, progress, step)
                if plan.is_judged(number):
                    self._judge(number, progress, step)
                boundary.offer(number, self._trained.state() | progress.state())
        return Distilled(tuple(progress.curve), progress.best)

    def _step(self, number: int, batch: Tensor, progress: _Progress, step: Step) -> None:
        positions = batch.numel()
        scale = float(positions) if self._scaled else 1.0
        weight = 1 / positions * scale
        done = self._plan.passes_until(number - 1)
        first = len(self._plan.held_out) + (number - 1) * self._plan.windows_per_step
        for micro_batch in self._plan.micro_batches(batch):
            progress.sums[0] += self._forward_backward(micro_batch.to(self._device), first, weight).cpu()
            first, done = first + len(micro_batch), done + 1
            step(done, self._plan.passes)
        progress.sums[1] += positions
        self._trained.step(self._rate * cosine(number, self._plan.steps), number, scale=scale)

    def _forward_backward(self, windows: Tensor, first: int, weight: float) -> Tensor:
        """Add one micro-batch's gradients to the step's, and return the sum of its losses.

        `first`: the number of its first window, see FinalStates.
        """
        with torch.enable_grad():
            output = self._pruned.hidden(windows)
        dense = self._dense_hidden(windows, first)
        at_output, total = torch.empty_like(output), torch.zeros((), dtype=torch.float64, device=self._device)
        for chunk in self._pruned.logits.chunks(windows.shape, self._device.type):
            with torch.enable_grad():
                leaf = output[chunk].detach().requires_grad_()
                logits = self._pruned.logits(leaf)
            gradient, loss = self._loss(logits.detach(), dense[chunk], weight)
            backward(logits, gradient)  # also of the final norm
            assert leaf.grad is not None  # noqa: S101 - logits depend on it
            at_output[chunk] = leaf.grad
            total += loss
        backward(output, at_output)
        return total

    @torch.no_grad()
    def _loss(self, logits: Tensor, dense: Tensor, weight: float) -> tuple[Tensor, Tensor]:
        """`dense`: the dense model's final states at the positions of the logits."""
        gradient, total = distillation_loss(
            logits.flatten(0, 1), self._dense.logits(dense).flatten(0, 1), weight
        )
        return gradient.view_as(logits), total

    @torch.no_grad()
    def _dense_hidden(self, windows: Tensor, first: int) -> Tensor:
        return self._states.of(first, windows, self._dense.hidden)

    @torch.no_grad()
    def _judge(self, number: int, progress: _Progress, step: Step) -> None:
        """Measure the rounded weights' loss on the held-out windows, and keep them if it is the lowest.

        Raises NumericalFailure where it is not finite.
        """
        plan = self._plan
        pieces = plan.micro_batches(plan.held_out)
        done = plan.passes_until(number) - len(pieces)
        rounded, total = self._trained.rounded(), torch.zeros((), dtype=torch.float64)
        with self._trained.computing_with(rounded):
            first = 0
            for piece in pieces:
                total += self._held_out_sum(piece.to(self._device), first).cpu()
                first, done = first + len(piece), done + 1
                step(done, plan.passes)
        before = [point.held_out for point in progress.curve]
        held_out = float(total) / plan.held_out.numel()
        if not math.isfinite(held_out):
            raise NumericalFailure(
                f"the held-out loss after step {number} of the training is {held_out}; use dtype float32"
            )
        training = float(progress.sums[0] / progress.sums[1]) if number else None
        progress.curve.append(CurvePoint(number, plan.tokens_until(number), training, held_out))
        progress.sums.zero_()
        if number and held_out < min(before):
            progress.best = {name: tensor.cpu() for name, tensor in rounded.items()}

    def _held_out_sum(self, windows: Tensor, first: int) -> Tensor:
        output, dense = self._pruned.hidden(windows), self._dense_hidden(windows, first)
        total = torch.zeros((), dtype=torch.float64, device=self._device)
        for chunk in self._pruned.logits.chunks(windows.shape, self._device.type):
            total += self._loss(self._pruned.logits(output[chunk]), dense[chunk], 0.0)[1]
        return total

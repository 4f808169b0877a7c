"""Masked distillation of a whole model towards the output of the dense one.

Kept weights and norms are trained; pruned weights stay zero. The gradient of each step is that of the mean
over its positions of KL(dense ‖ pruned), at temperature 1. The pruned model may be smaller than the dense
one. The state with the lowest loss on held-out windows is kept, rounded to the dtype of the checkpoint; a
model that no state improves is not changed.

`Plan` divides the training into steps, whose windows run together; `Distillation` runs it; and
`TrainingBoundary` saves its state between two steps.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor
from torch.autograd import backward

from pruning.errors import NumericalFailure
from pruning.estimate.pieces import HELD_STATES
from pruning.models.placement import Placement
from pruning.progress import Step
from pruning.recovery.distillation_loss import distillation_loss
from pruning.recovery.final_states import FinalStates
from pruning.recovery.optimizer import RATE, cosine
from pruning.recovery.parameters import TrainedParameters
from pruning.recovery.passes import BlockPasses
from pruning.resume.hashed_file import ComputedTensors, save_tensors
from pruning.resume.store import ActivationCheckpoint, SaveThrottle
from pruning.runtime.process_memory import retain_freed_heap

_BEST = "best/"  # before the name of the best weights in a saved state
_SAVE_INTERVAL = 120.0
"""Seconds between two saves, at least. A run that is killed every five minutes still makes progress."""
_MAX_SCALE = 1024  # of gradients in float16, which are sums over a step's tokens and end at 65504


class TrainingBoundary:
    """Saves the state every two minutes, or less often where saving would take a tenth of the time.

    The best weights so far are in a file of their own.
    """

    def __init__(
        self,
        checkpoint: ActivationCheckpoint,
        best: Path,
        saved: Callable[[int], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`best`: a file to write. `saved` is called with the number of the step after each save.

        `clock`: in seconds.
        """
        self._checkpoint, self._file = checkpoint, best
        self._saved = saved
        self._clock = clock
        self._throttle = SaveThrottle(clock)
        self._last = clock()
        self.best: Mapping[str, Tensor] = {}
        """The best weights so far, each read from the file when it is used; none before the first."""

    def load(self) -> tuple[int, dict[str, Tensor]] | None:
        """Return the step and the state of an earlier attempt on this machine; None if there is none."""
        if (found := self._checkpoint.load()) is None:
            return None
        step, state = found
        best = {name: state.pop(name) for name in list(state) if name.startswith(_BEST)}
        if best:
            self.keep({name.removeprefix(_BEST): tensor for name, tensor in best.items()})
        return step, state

    def drop(self) -> None:
        """Free the disk after the training has ended."""
        self._checkpoint.drop()
        self._file.unlink(missing_ok=True)

    def keep(self, weights: Mapping[str, Tensor]) -> None:
        """Write weights that are better than all before."""
        save_tensors(weights, self._file)
        self.best = ComputedTensors(list(weights), self._read)

    def offer(self, step: int, state: Mapping[str, Tensor]) -> None:
        """Save the state after this step, and the best weights, if that is due."""
        size = sum(tensor.nbytes for tensor in state.values())
        if self._clock() - self._last < _SAVE_INTERVAL or not self._throttle.is_due(size):
            return
        names = [*state, *(f"{_BEST}{name}" for name in self.best)]
        with self._throttle.saving():
            self._checkpoint.save(
                step,
                ComputedTensors(
                    names, lambda name: state[name] if name in state else self._read(name.removeprefix(_BEST))
                ),
            )
        self._last = self._clock()
        self._saved(step)

    def _read(self, name: str) -> Tensor:
        with safe_open(self._file, framework="pt") as file:
            tensor: Tensor = file.get_tensor(name)
        return tensor


_MAX_EVALUATIONS = 8  # besides the one before the first step: each costs a pass over the held-out windows


@dataclass(frozen=True)
class Plan:
    """The steps of one training, on each window in turn."""

    windows: Tensor  # int64 (windows, length)
    held_out: Tensor  # the same
    windows_per_step: int  # they run together, and so do as many that are judged

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

    @property
    def judged(self) -> tuple[Tensor, ...]:
        """The held-out windows, in batches."""
        return torch.split(self.held_out, self.windows_per_step)

    def tokens_until(self, step: int) -> int:
        """Return the tokens that have been trained on after a step."""
        length = self.windows.shape[1]
        return min(len(self.windows), step * self.windows_per_step) * length

    @property
    def passes(self) -> int:
        """How many batches run through the pruned model, in training and in judgements."""
        return self.passes_until(self.steps)

    def passes_until(self, step: int) -> int:
        """Return the batches that have run once this step is done and judged."""
        judgements = 1 + step // self._interval + (step == self.steps and step % self._interval > 0)
        return step + judgements * len(self.judged)

    @property
    def _interval(self) -> int:
        return -(-self.steps // _MAX_EVALUATIONS)


_CURVE, _SUMS = "curve", "sums"


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
    weights: Mapping[str, Tensor]  # of the best step, in the checkpoint's dtype; empty for step 0

    @property
    def best(self) -> CurvePoint:
        """The judgement with the lowest loss, the first of equals."""
        return min(self.curve, key=lambda point: point.held_out)


@dataclass
class _Progress:
    """The progress of a training."""

    curve: list[CurvePoint] = field(default_factory=list)
    sums: Tensor = field(
        default_factory=lambda: torch.zeros(2, dtype=torch.float64)
    )  # since the last judgement

    def state(self) -> dict[str, Tensor]:
        rows = [
            (point.step, point.tokens, -1.0 if point.training is None else point.training, point.held_out)
            for point in self.curve
        ]
        return {_CURVE: torch.tensor(rows, dtype=torch.float64), _SUMS: self.sums}

    @classmethod
    def restored(cls, state: Mapping[str, Tensor]) -> "_Progress":
        curve = [
            CurvePoint(int(step), int(tokens), None if int(step) == 0 else training, held_out)
            for step, tokens, training, held_out in state[_CURVE].tolist()
        ]
        return cls(curve, state[_SUMS])


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
        graphs: int = 1,
    ) -> None:
        """`pruned` must be resident, and of `dense` all but the blocks, here and in `run`.

        `rate`: the highest learning rate, of parameters whose factor is 1.
        `with_embeddings`: what is before the first block is trained, too. `graphs`: of how many blocks
        activations are kept, which decides memory and time alone.
        """
        probe = plan.windows[:1]
        self._pruned = BlockPasses(pruned, probe, with_embeddings=with_embeddings)
        self._dense, self._dense_blocks = BlockPasses(dense, probe), dense
        self._states = FinalStates(len(plan.held_out))
        self._device = pruned.device
        # The gradients of a mean over thousands of tokens underflow in float16.
        self._scaled = pruned.dtype == torch.float16
        self._trained, self._plan, self._rate, self._graphs = trained, plan, rate, graphs

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
        if not progress.curve:
            self._judge(0, progress, step, boundary)
        for number, batch in plan.batches_from(first):
            self._step(number, batch, progress, step)
            if plan.is_judged(number):
                self._judge(number, progress, step, boundary)
            boundary.offer(number, self._trained.state() | progress.state())
        return Distilled(tuple(progress.curve), boundary.best)

    def _step(self, number: int, batch: Tensor, progress: _Progress, step: Step) -> None:
        plan, positions, tokens = self._plan, batch.numel(), batch.to(self._device)
        scale = float(min(positions, _MAX_SCALE)) if self._scaled else 1.0
        rate, done = self._rate * cosine(number, plan.steps), plan.passes_until(number - 1)
        first = len(plan.held_out) + (number - 1) * plan.windows_per_step
        coming = (windows for _, windows in plan.batches_from(number))
        dense = self._dense_states(first, tokens, coming, lambda: step(done, plan.passes))

        def gradient_at(output: Tensor) -> Tensor:
            gradient, loss = self._gradient(output, dense, scale / positions)
            progress.sums[0] += loss.cpu()
            return gradient

        with self._trained.step(rate, number, self._pruned.shared, scale=scale):
            self._pruned.backpropagate(tokens, gradient_at, graphs=self._graphs)
        progress.sums[1] += positions
        step(done + 1, plan.passes)

    def _gradient(self, output: Tensor, dense: Tensor, weight: float) -> tuple[Tensor, Tensor]:
        """Return the gradient at the last block's output, and the sum of the losses.

        What is behind it, such as the final norm, gets its own gradients, piece by piece.
        """
        at_output, total = torch.empty_like(output), torch.zeros((), dtype=torch.float64, device=self._device)
        for chunk in self._pruned.logits.chunks(output.shape[:2], self._device.type):
            with torch.enable_grad():
                leaf = output[chunk].detach().requires_grad_()
                logits = self._pruned.logits(leaf)
            gradient, loss = self._loss(logits.detach(), dense[chunk], weight)
            backward(logits, gradient)
            assert leaf.grad is not None  # noqa: S101 - logits depend on it
            at_output[chunk] = leaf.grad
            total += loss
        return at_output, total

    @torch.no_grad()
    def _loss(self, logits: Tensor, dense: Tensor, weight: float) -> tuple[Tensor, Tensor]:
        """`dense`: the dense model's final states at the positions of the logits."""
        gradient, total = distillation_loss(
            logits.flatten(0, 1), self._dense.logits(dense).flatten(0, 1), weight
        )
        return gradient.view_as(logits), total

    def _dense_states(
        self, first: int, tokens: Tensor, coming: Iterator[Tensor], block_done: Callable[[], None]
    ) -> Tensor:
        """Return the dense model's final states of a batch; compute those of the next ones with them.

        `first`: the number of its first window. `coming`: the batch, and those after it.
        """
        if first not in self._states:
            count = max(1, HELD_STATES[self._device.type] // self._dense.state_bytes(tokens))
            batches = list(islice(coming, count))
            placed = self._dense_blocks
            found = self._dense.final_states(
                batches, lambda block, then: placed.resident(block, then=then), block_done
            )
            number = first
            for batch, states in zip(batches, found, strict=True):
                self._states.put(number, states)
                number += len(batch)
        return self._states.take(first, tokens)

    @torch.no_grad()
    def _judge(self, number: int, progress: _Progress, step: Step, boundary: TrainingBoundary) -> None:
        """Measure the rounded weights' loss on the held-out windows, and keep them if it is the lowest.

        Raises NumericalFailure where it is not finite.
        """
        plan, trained = self._plan, self._trained
        done = plan.passes_until(number) - len(plan.judged)

        def alive() -> None:
            step(done, plan.passes)

        total, first = torch.zeros((), dtype=torch.float64), 0
        with trained.computing_rounded(self._pruned.shared):
            outputs = self._pruned.final_states(
                plan.judged, lambda block, _: trained.computing_rounded(block.parameters()), alive
            )
            for index, batch in enumerate(plan.judged):
                dense = self._dense_states(first, batch.to(self._device), iter(plan.judged[index:]), alive)
                total += self._sum_of_losses(outputs[index], dense).cpu()
                first, done = first + len(batch), done + 1
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
            boundary.keep(trained.rounded())

    def _sum_of_losses(self, output: Tensor, dense: Tensor) -> Tensor:
        total = torch.zeros((), dtype=torch.float64, device=self._device)
        for chunk in self._pruned.logits.chunks(output.shape[:2], self._device.type):
            total += self._loss(self._pruned.logits(output[chunk]), dense[chunk], 0.0)[1]
        return total

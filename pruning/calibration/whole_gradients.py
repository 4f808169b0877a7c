"""The schedule `whole`: the model stays resident, and micro-batches go through all of it.

On one device each micro-batch runs forward, then backward. Several devices are a pipeline: each has a stage
of consecutive blocks and their sums, and hidden states and their gradients are copied between them during the
computation. Each block takes the windows in order, so the bits are those of one device.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import torch
from torch import Tensor

from pruning.calibration.lm_head import LMHeadLoss
from pruning.calibration.mixed_precision import HiddenStates, PassInputs, PendingStates
from pruning.calibration.window_norms import (
    GateAccumulator,
    GradientAccumulator,
    GradientNorms,
    PassSums,
)
from pruning.runtime.copy_streams import DeviceTransfers


class Task(NamedTuple):
    """One pass of one micro-batch through one stage: a device with its consecutive blocks."""

    stage: int
    micro_batch: int
    is_forward: bool


@dataclass(frozen=True)
class _Stage:
    """A device with its run of blocks."""

    device: torch.device
    blocks: tuple[int, ...]


@dataclass(frozen=True)
class _ForwardResult:
    """A micro-batch's activations at the ends of a stage, kept for its backward pass."""

    leaf: HiddenStates | None  # where its backward pass ends; None below the first selected layer
    output: HiddenStates


class WholePass:
    """One pass of all micro-batches through a resident model, `in_pipeline_stages` on several devices."""

    def __init__(self, inputs: PassInputs) -> None:
        replay, placement, micro_batches = inputs.replay, inputs.placement, inputs.micro_batches
        self._forward = inputs.forward()
        self._placement = placement
        self._modules = replay.stack.modules
        self._micro_batches = micro_batches
        self._step = inputs.step
        self._loss_scale = inputs.loss_scale
        self._head = LMHeadLoss(replay, self._loss_scale)
        self._sums = PassSums(tuple(replay.stack.layers), inputs.norms)
        blocks = replay.stack.blocks
        self._lowest = next(index for index, block in enumerate(blocks) if block.layers)
        by_device = groupby(range(len(blocks)), key=lambda index: placement.device_of(blocks[index].module))
        self._stages = [_Stage(device, tuple(indices)) for device, indices in by_device]
        # By the number of a micro-batch that is in flight.
        self._accumulators: dict[int, GradientAccumulator | GateAccumulator] = {}
        self._forward_results: dict[tuple[int, int], _ForwardResult] = {}  # by stage and micro-batch
        self._transfers = DeviceTransfers()
        self._pending: dict[int, PendingStates] = {}  # inputs of the next stage, by micro-batch

    def run(self) -> GradientNorms:
        """Compute the norms of all selected layers, each on its block's device."""
        tasks = one_forward_one_backward(len(self._stages), len(self._micro_batches))
        with self._transfers:
            for stage, number, is_forward in tasks:
                if is_forward:
                    self._run_forward(stage, number)
                else:
                    self._run_backward(stage, number)
        return self._sums.finish(self._loss_scale)

    def _run_forward(self, stage: int, number: int) -> None:
        """Run a micro-batch through a stage's blocks.

        The input of the first of them that has a selected layer, or comes after one, becomes a leaf that
        requires gradients: all weights are frozen, so nothing else would make autograd record.
        """
        tokens, leaf = self._micro_batches[number], None
        if stage == 0:
            self._send(number, self._forward.embed(tokens), stage)
            self._accumulators[number] = self._forward.accumulator(self._sums)
        hidden = self._pending.pop(number)()
        for index in self._stages[stage].blocks:
            if leaf is None and index >= self._lowest:
                leaf = hidden = hidden.as_leaves()
            with torch.set_grad_enabled(leaf is not None):
                hidden = self._forward.run_block(index, tokens, hidden, self._accumulators[number])
        self._forward_results[stage, number] = _ForwardResult(leaf, hidden)
        if stage + 1 < len(self._stages):
            self._send(number, hidden, stage + 1)

    def _run_backward(self, stage: int, number: int) -> None:
        """Propagate a micro-batch's delta from a stage's output to its input."""
        result, is_last = self._forward_results.pop((stage, number)), stage + 1 == len(self._stages)
        if result.leaf is not None:
            output = [self._joined(result.output)] if is_last else result.output.tensors
            delta = [self._loss_delta(output[0], number)] if is_last else self._pending.pop(number)().tensors
            at_input = torch.autograd.grad(output, result.leaf.tensors, delta)
            if stage and self._stages[stage - 1].blocks[-1] >= self._lowest:
                self._send(number, HiddenStates(*at_input), stage - 1)
        if stage == 0:
            self._accumulators.pop(number).check_complete()
            self._step(number + 1, len(self._micro_batches))

    def _send(self, number: int, states: HiddenStates, stage: int) -> None:
        """Send a micro-batch's hidden states, or their gradient, to a stage."""
        self._pending[number] = states.transfer(self._transfers, self._stages[stage].device)

    def _joined(self, output: HiddenStates) -> Tensor:
        with torch.enable_grad():
            return output.join()

    def _loss_delta(self, output: Tensor, number: int) -> Tensor:
        """Return the loss gradient at the last block's output."""
        with self._placement.outer_modules_on(output.device, self._modules):
            return self._head.gradient(output.detach(), self._micro_batches[number].to(output.device))


def one_forward_one_backward(stages: int, micro_batches: int) -> Iterator[Task]:
    """Yield the tasks of all stages in an order in which they can be queued: each after what it needs.

    A stage takes forward passes until as many micro-batches are in flight in it as there are stages from it
    to the last; then a backward and a forward pass in turn (Narayanan et al., arXiv 2104.04473, figure 4).
    So every stage has work at any time but at the beginning and the end, the first one holds the activations
    of as many micro-batches as there are stages, and each takes all passes in the order of the micro-batches.
    Tasks of different stages that follow one another may run at the same time.
    """
    waiting = [deque(_tasks_of(stage, stages, micro_batches)) for stage in range(stages)]
    queued: set[Task] = set()
    while any(waiting):
        ready = [tasks[0] for tasks in waiting if tasks and _needed_by(tasks[0], stages) <= queued]
        for task in ready:
            waiting[task.stage].popleft()
            yield task
        queued.update(ready)


def _tasks_of(stage: int, stages: int, micro_batches: int) -> Iterator[Task]:
    """Yield the tasks of one stage, in the order in which it takes them."""
    ahead = min(stages - stage, micro_batches)
    yield from (Task(stage, number, is_forward=True) for number in range(ahead))
    for number in range(micro_batches):
        yield Task(stage, number, is_forward=False)
        if number + ahead < micro_batches:
            yield Task(stage, number + ahead, is_forward=True)


def _needed_by(task: Task, stages: int) -> set[Task]:
    """Return the task of another stage that a task continues from, if there is one."""
    neighbour = task.stage - 1 if task.is_forward else task.stage + 1
    return {task._replace(stage=neighbour)} if 0 <= neighbour < stages else set()

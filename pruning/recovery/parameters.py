"""The parameters that a recovery trains: which, at which rates, and the step of each.

The model computes with parameters in its own dtype. What is trained are their masters, in which a step of a
ten-thousandth of a weight is not lost. What is measured and kept is the masters rounded to the dtype of the
checkpoint.
"""

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn

from pruning.errors import NumericalFailure
from pruning.estimate.pieces import STEP_WEIGHTS
from pruning.models.blocks import Block, Stack
from pruning.recipe import Recipe, StateKind
from pruning.recovery.masters import masters_of
from pruning.recovery.optimizer import adam_step, moments_of, rate_factor
from pruning.resume.hashed_file import ComputedTensors


@dataclass(frozen=True)
class Trainable:
    """One parameter to train."""

    parameter: nn.Parameter  # as the model computes with it
    weights: Tensor  # that it starts from: as the checkpoint has them, on any device
    is_masked: bool  # whether its zeros are pruned weights, and stay zero; otherwise all of it is trained
    factor: float = 1.0  # of the learning rate

    @property
    def size(self) -> float:
        """The root mean square of its weights."""
        # In float64: how many threads add up must not show in a rate that is rounded to float32.
        norm = torch.linalg.vector_norm(self.weights.to(self.parameter.device), dtype=torch.float64)
        return float(norm) / math.sqrt(max(1, self.weights.numel()))

    @property
    def kept(self) -> float:
        """The share of its weights that are trained."""
        weights = self.weights.to(self.parameter.device)
        return int(weights.count_nonzero()) / max(1, weights.numel()) if self.is_masked else 1.0


class TrainedParameters:
    """Some parameters of a model, with their masters and moments. Each takes its step in a backward pass.

    So no gradient outlives the pass through its block, but for those of parameters that several parts of the
    model use.
    """

    def __init__(
        self, trainable: Mapping[str, Trainable], stored: torch.dtype, *, state: StateKind = "float32"
    ) -> None:
        """`trainable`: by the parameter's name. The parameters must be on the device that computes.

        `stored`: the dtype of the checkpoint. `state`: how masters and moments are kept.
        """
        self._stored = stored
        self._trained = {name: _TrainedParameter(name, one, state) for name, one in trainable.items()}
        self._names = {one.parameter: name for name, one in trainable.items()}

    @contextmanager
    def step(
        self, rate: float, number: int, shared: Collection[nn.Parameter], *, scale: float = 1.0
    ) -> Iterator[None]:
        """While active, parameters require gradients. One that gets its own takes step `number`, from 1.

        `rate`: of parameters whose factor is 1. `shared`: those that may get several gradients; they take
        their steps on exit. `scale`: by which gradients are divided.

        Raises NumericalFailure with the name of a parameter that has become infinite.
        """
        now, hooks = _Step(rate, number, scale), list[torch.utils.hooks.RemovableHandle]()
        try:
            for parameter, name in self._names.items():
                parameter.requires_grad_(True)
                used = partial(_add if parameter in shared else _take, self._trained[name], now)
                hooks.append(parameter.register_post_accumulate_grad_hook(used))  # type: ignore[no-untyped-call]
            yield
        finally:
            for hook in hooks:
                hook.remove()
            for parameter in self._names:
                parameter.requires_grad_(False)
        for one in self._trained.values():
            one.take_sum(now)
        self._refuse_infinite(number)

    def rounded(self) -> Mapping[str, Tensor]:
        """Return the parameters in the dtype of the checkpoint, each computed when it is read."""
        return ComputedTensors(self._trained, self._rounded)

    @contextmanager
    def computing_rounded(self, parameters: Iterable[nn.Parameter]) -> Iterator[None]:
        """While active, the model computes with these parameters, where they are trained, as rounded."""
        chosen = [parameter for parameter in parameters if parameter in self._names]
        computed = [parameter.data for parameter in chosen]
        try:
            for parameter in chosen:
                parameter.data = self._rounded(self._names[parameter]).to(parameter.dtype)
            yield
        finally:
            for parameter, data in zip(chosen, computed, strict=True):
                parameter.data = data

    def state(self) -> dict[str, Tensor]:
        """Return all that the next step depends on, by name."""
        return {
            f"{part}/{name}": tensor
            for name, one in self._trained.items()
            for part, tensor in one.state().items()
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Continue from the `state` of an earlier training of the same parameters."""
        for name, tensor in self.state().items():
            tensor.copy_(state[name])
        for one in self._trained.values():
            one.restored()

    def _rounded(self, name: str) -> Tensor:
        return self._trained[name].masters.to(self._stored)

    def _refuse_infinite(self, step: int) -> None:
        # In one transfer: each of them makes the host wait for the device.
        sums = torch.stack([one.sum for one in self._trained.values()]).tolist()
        for name, total in zip(self._trained, sums, strict=True):
            if not math.isfinite(total):
                raise NumericalFailure(
                    f"{name}: step {step} of the training made it infinite; use dtype float32"
                )


@dataclass(frozen=True)
class _Step:
    rate: float
    number: int
    scale: float


class _TrainedParameter:
    """One parameter with its masters and moments."""

    def __init__(self, name: str, one: Trainable, kind: StateKind) -> None:
        self._name, self._one = name, one
        self._masters = masters_of(one.parameter, one.weights, masked=one.is_masked, kind=kind)
        count, device = one.parameter.numel(), one.parameter.device
        self._moments = moments_of(count, self._masters.dtype, device, kind)
        self._sum_dtype = one.parameter.dtype if kind == "bfloat16" else self._masters.dtype
        self._gradients: Tensor | None = None  # the sum of several
        self.sum = torch.zeros((), dtype=torch.float64, device=device)
        """Of the masters after the last step."""

    @property
    def masters(self) -> Tensor:
        """The masters, in the parameter's shape."""
        return self._masters.read(0, self._one.parameter.numel()).view(self._one.parameter.shape)

    def take(self, gradient: Tensor, step: _Step) -> None:
        """Take a step by a gradient, which is changed."""
        flat, masters, piece = gradient.reshape(-1), self._masters, STEP_WEIGHTS[gradient.device.type]
        self.sum.zero_()
        for start in range(0, len(flat), piece):
            end = min(len(flat), start + piece)
            weights, moments = masters.read(start, end), self._moments.read(start, end)
            gradients = flat[start:end].to(masters.dtype)
            if step.scale != 1.0:
                gradients.div_(step.scale)
            adam_step(
                weights,
                gradients,
                moments,
                mask=weights == 0 if self._one.is_masked else None,
                rate=step.rate * self._one.factor,
                step=step.number,
            )
            masters.write(start, weights, f"{step.number} {start} {self._name}")
            self._moments.write(start, *moments)
            self.sum += weights.sum()

    def add(self, gradient: Tensor) -> None:
        """Add one of several gradients of a step."""
        if self._gradients is None:
            self._gradients = gradient.to(self._sum_dtype)
        else:
            self._gradients += gradient

    def take_sum(self, step: _Step) -> None:
        """Take a step by the gradients that were added, if there are any."""
        if self._gradients is not None:
            self.take(self._gradients, step)
            self._gradients = None

    def state(self) -> dict[str, Tensor]:
        return self._masters.state() | self._moments.state()

    def restored(self) -> None:
        self._masters.restored()


def _take(one: _TrainedParameter, step: _Step, parameter: Tensor) -> None:
    one.take(_gradient_of(parameter), step)


def _add(one: _TrainedParameter, step: _Step, parameter: Tensor) -> None:
    one.add(_gradient_of(parameter))


def _gradient_of(parameter: Tensor) -> Tensor:
    """Return the gradient of one backward pass, which the parameter no longer holds."""
    gradient = parameter.grad
    assert gradient is not None  # noqa: S101 - it has just been accumulated
    parameter.grad = None
    return gradient


Stored = Callable[[nn.Parameter], Tensor]
"""Returns the stored value of a parameter, whose dtype may differ from that of the computation."""

_NORM = re.compile("norm", re.IGNORECASE)


def trainable_parameters(recipe: Recipe, stack: Stack, stored: Stored) -> dict[str, Trainable]:
    """Return the parameters of a pruned model that a recipe's training of the whole model changes, by name.

    `stack`: the blocks of the model, narrowed to the layers that are pruned.
    """
    if recipe.structure is None:
        return kept_parameters(stack, stored)
    return every_parameter(stack, stored, masked=recipe.masks)


def with_rates(trainable: Mapping[str, Trainable]) -> dict[str, Trainable]:
    """Return the same parameters, each with the factor of its rate, which depends on all of its weights."""
    return {name: replace(one, factor=rate_factor(one.size, one.kept)) for name, one in trainable.items()}


def kept_parameters(stack: Stack, stored: Stored) -> dict[str, Trainable]:
    """Return those of a model's pruned layers, and the gains of its norms.

    Embeddings, head, biases and routers stay as they are, and so does a norm before the first block, as BLOOM
    has one: it gets no gradient. The zeros of a layer are its mask: whatever wrote
    the checkpoint, what was zero before the training is zero after it. A parameter that stacks several
    matrices, as those of fused experts do, is trained as a whole if one of them is pruned.
    """
    layers = {name: one for block in stack.blocks for name, one in pruned_layers(block, stored).items()}
    return layers | dict(_gains(stack.model, stored))


def every_parameter(stack: Stack, stored: Stored, *, masked: bool) -> dict[str, Trainable]:
    """Return all parameters of a model that a cut has left; tied ones once, by the first of their names.

    `masked`: whether the zeros of its layers are masks, as they are where a method has pruned it.
    """
    found = {
        name: Trainable(parameter, stored(parameter), is_masked=False)
        for name, parameter in stack.model.named_parameters()
        if parameter.is_floating_point()
    }
    for block in stack.blocks if masked else ():
        found |= pruned_layers(block, stored)
    return found


def pruned_layers(block: Block, stored: Stored) -> dict[str, Trainable]:
    """Return the parameters that hold a block's layers, whose zeros are masks."""
    parameters = {layer.parameter_name: layer.parameter for layer in block.layers}
    return {
        name: Trainable(parameter, stored(parameter), is_masked=True)
        for name, parameter in parameters.items()
    }


def _gains(model: nn.Module, stored: Stored) -> Iterator[tuple[str, Trainable]]:
    for name, part in model.named_modules():
        weight = getattr(part, "weight", None)
        if _NORM.search(type(part).__name__) and isinstance(weight, nn.Parameter):
            yield f"{name}.weight", Trainable(weight, stored(weight), is_masked=False)

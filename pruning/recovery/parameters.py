"""The parameters that a recovery trains: which, at which rates, and their float32 masters.

The model computes with parameters in its own dtype. What is trained are masters in float32, in which a step
of a ten-thousandth of a weight is not lost. What is measured and kept is these masters rounded to the dtype
of the checkpoint.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from types import TracebackType
from typing import Self

import torch
from torch import Tensor, nn

from pruning.errors import NumericalFailure
from pruning.masks.packed import set_to_zero
from pruning.models.blocks import Block, Stack
from pruning.recipe import MomentsKind, Recipe
from pruning.recovery.optimizer import moments_of, rate_factor


@dataclass(frozen=True)
class Trainable:
    """One parameter to train."""

    parameter: nn.Parameter  # as the model computes with it
    weights: Tensor  # that it starts from: as the checkpoint has them, on any device
    mask: Tensor | None  # bool, in its shape, True where a weight is pruned; None: all of it is trained
    factor: float = 1.0  # of the learning rate

    @property
    def size(self) -> float:
        """The root mean square of its weights, in which those that are pruned are zeros."""
        weights = (
            self.weights
            if self.mask is None
            else torch.where(self.mask, 0, self.weights.to(self.mask.device))
        )
        # In float64: how many threads add up must not show in a rate that is rounded to float32.
        norm = torch.linalg.vector_norm(weights, dtype=torch.float64)
        return float(norm) / math.sqrt(max(1, weights.numel()))

    @property
    def kept(self) -> float:
        """The share of its weights that are trained."""
        return 1.0 if self.mask is None else 1 - int(self.mask.count_nonzero()) / self.mask.numel()


class TrainedParameters:
    """Float32 masters of some parameters (float64 where they are), with the moments and the gradient's sum.

    While it is entered, the parameters require gradients, and what a backward pass gives them is added to the
    sums at once, in the masters' dtype. Afterwards the parameters hold the masters.
    """

    def __init__(
        self, trainable: Mapping[str, Trainable], stored: torch.dtype, *, moments: MomentsKind = "float32"
    ) -> None:
        """`trainable`: by the parameter's name. The parameters must be on the device that computes.

        `stored`: the dtype of the checkpoint. `moments`: how Adam's are kept.
        """
        self._trainable, self._stored = trainable, stored
        self.masters = {name: _master(one) for name, one in trainable.items()}
        self._sums = {name: torch.zeros_like(master) for name, master in self.masters.items()}
        self._moments = {name: moments_of(master, moments) for name, master in self.masters.items()}
        self._hooks: list[torch.utils.hooks.RemovableHandle] = []

    def __enter__(self) -> Self:
        for name, one in self._trainable.items():
            one.parameter.requires_grad_(True)
            collect = partial(_collect, total=self._sums[name])
            hook = one.parameter.register_post_accumulate_grad_hook(collect)  # type: ignore[no-untyped-call]
            self._hooks.append(hook)
        self._compute_with_masters()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()
        for one in self._trainable.values():
            one.parameter.requires_grad_(False)

    def step(self, rate: float, number: int, *, scale: float = 1.0) -> None:
        """Take step `number`, from 1, with the gradients since the last one, divided by `scale`.

        `rate`: of parameters whose factor is 1.

        Raises NumericalFailure with the name of a parameter whose gradient is not finite.
        """
        for name, one in self._trainable.items():
            total = self._sums[name]
            if scale != 1.0:
                total.div_(scale)
            self._moments[name].step(
                self.masters[name], total, mask=one.mask, rate=rate * one.factor, step=number
            )
            total.zero_()
        self._refuse_infinite(number)
        self._compute_with_masters()

    def rounded(self) -> dict[str, Tensor]:
        """Return the parameters as the checkpoint will hold them: in its dtype, by name."""
        return {name: master.to(self._stored, copy=True) for name, master in self.masters.items()}

    @contextmanager
    def computing_with(self, rounded: Mapping[str, Tensor]) -> Iterator[None]:
        """While active, the model computes with these values instead of the masters."""
        for name, one in self._trainable.items():
            one.parameter.data = rounded[name].to(one.parameter.device, one.parameter.dtype)
        try:
            yield
        finally:
            self._compute_with_masters()

    def state(self) -> dict[str, Tensor]:
        """Return all that the next step depends on, by name."""
        state: dict[str, Tensor] = {}
        for name, master in self.masters.items():
            moments = self._moments[name].state()
            state |= {f"master/{name}": master, **{f"{part}/{name}": one for part, one in moments.items()}}
        return state

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Continue from the `state` of an earlier training of the same parameters."""
        for name, tensor in self.state().items():
            tensor.copy_(state[name])
        if self._hooks:
            self._compute_with_masters()

    def _refuse_infinite(self, step: int) -> None:
        # In one transfer: each of them makes the host wait for the device.
        sums = torch.stack([master.sum(dtype=torch.float64) for master in self.masters.values()]).tolist()
        for name, total in zip(self.masters, sums, strict=True):
            if not math.isfinite(total):
                raise NumericalFailure(
                    f"{name}: step {step} of the training made it infinite; use dtype float32"
                )

    def _compute_with_masters(self) -> None:
        for name, one in self._trainable.items():
            master = self.masters[name]
            # A parameter in the masters' dtype is the master itself.
            one.parameter.data = (
                master if one.parameter.dtype == master.dtype else master.to(one.parameter.dtype)
            )


def _master(one: Trainable) -> Tensor:
    computed = torch.promote_types(one.parameter.dtype, torch.float32)
    wide = torch.promote_types(one.weights.dtype, computed)
    master = one.weights.detach().to(
        one.parameter.device, wide, copy=True, memory_format=torch.contiguous_format
    )
    if one.mask is not None:
        set_to_zero(master, one.mask)
    return master


def _collect(parameter: Tensor, total: Tensor) -> None:
    """Add the gradient of one backward pass to the step's, and free it."""
    assert parameter.grad is not None  # noqa: S101 - it has just been accumulated
    total.add_(parameter.grad)
    parameter.grad = None


Stored = Callable[[nn.Parameter], Tensor]
"""Returns the stored value of a parameter, whose dtype may differ from that of the computation."""

_NORM = re.compile("norm", re.IGNORECASE)


def trainable_parameters(recipe: Recipe, stack: Stack, stored: Stored) -> dict[str, Trainable]:
    """Return the parameters of a pruned model that a recipe's training of the whole model changes, by name.

    `stack`: the blocks of the model, narrowed to the layers that are pruned.
    """
    if recipe.structure is None:
        return kept_parameters(stack, stored)
    return every_parameter(stack, stored, masked=recipe.method is not None)


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
        name: Trainable(parameter, stored(parameter), mask=None)
        for name, parameter in stack.model.named_parameters()
        if parameter.is_floating_point()
    }
    for block in stack.blocks if masked else ():
        found |= pruned_layers(block, stored)
    return found


def pruned_layers(block: Block, stored: Stored) -> dict[str, Trainable]:
    """Return the parameters that hold a block's layers, with their zeros as masks."""
    found: dict[str, Trainable] = {}
    for name, parameter in {layer.parameter_name: layer.parameter for layer in block.layers}.items():
        weights = stored(parameter)
        found[name] = Trainable(parameter, weights, mask=weights.to(parameter.device) == 0)
    return found


def _gains(model: nn.Module, stored: Stored) -> Iterator[tuple[str, Trainable]]:
    for name, part in model.named_modules():
        weight = getattr(part, "weight", None)
        if _NORM.search(type(part).__name__) and isinstance(weight, nn.Parameter) and weight.ndim == 1:
            yield f"{name}.weight", Trainable(weight, stored(weight), mask=None)

"""Small models that compute in float64 all through, so that two ways to compute differ by rounding alone."""

import types
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tests.pruning.families import make


def make_exact(family: str, **overrides: object) -> PreTrainedModel:
    """Make a random float64 model of a family, see `exactly`."""
    return exactly(make(family, torch.float64, **overrides))


def exactly(model: PreTrainedModel) -> PreTrainedModel:
    """Let the norms of a float64 model compute in float64 too; transformers computes them in float32."""
    for module in model.modules():
        kind = type(module).__name__
        if kind.endswith("RMSNorm") or kind == "CohereLayerNorm":
            module.forward = types.MethodType(_norm, module)  # type: ignore[method-assign]
    return model


def _norm(self: Any, hidden: Tensor) -> Tensor:
    kind = type(self).__name__
    if kind == "CohereLayerNorm":
        hidden = hidden - hidden.mean(-1, keepdim=True)
    epsilon = self.eps if hasattr(self, "eps") else self.variance_epsilon
    scale = torch.rsqrt(hidden.square().mean(-1, keepdim=True) + epsilon)
    gain = 1 + self.weight if kind.startswith("Gemma") else self.weight
    normed: Tensor = gain * (hidden * scale)
    return normed


class Gate(nn.Module):
    """A factor on each input feature of a layer, as a hook."""

    def __init__(self, layer: nn.Module, inputs: int) -> None:
        super().__init__()
        self.values = torch.ones(inputs, dtype=torch.float64, requires_grad=True)
        self._hook = layer.register_forward_pre_hook(self._scale)

    def _scale(self, _: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (args[0] * self.values.to(args[0].dtype), *args[1:])

    def remove(self) -> None:
        self._hook.remove()

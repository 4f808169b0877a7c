"""What one use of a layer contributes to its weight gradients."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Part:
    """What one use of a layer gives to its gradients, window by window."""

    inputs: Sequence[Tensor]  # (tokens, inputs) of each, taken apart from one tensor
    deltas: Sequence[Tensor]  # (tokens, outputs): the gradient at what the layer returned

    def product(self, window: int) -> Tensor:
        """δᵀx, (outputs, inputs)."""
        return self.deltas[window].T @ self.inputs[window]

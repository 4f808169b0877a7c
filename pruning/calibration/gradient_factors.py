"""The two factors of a linear layer's weight gradient: its input x, and δ, the gradient at its output."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class GradientFactors:
    """The factors that one forward call of a layer contributes to its weight gradient, window by window.

    A layer is called twice per window where the first tokens run separately in float32; the window's gradient
    is then the sum of both products.
    """

    inputs: Sequence[Tensor]  # x of each window, (tokens, inputs); views of one tensor
    deltas: Sequence[Tensor]  # δ of each window, (tokens, outputs)

    def gradient(self, window: int) -> Tensor:
        """Return δᵀx of one window, (outputs, inputs)."""
        return self.deltas[window].T @ self.inputs[window]


def is_aligned(outputs: int, inputs: int) -> bool:
    """Whether rows of both factors, δ and x, can be read 16 bytes at a time wherever they start."""
    return outputs % 16 == 0 and inputs % 16 == 0

"""Hidden states in mixed precision: the first tokens of each window in float32, the rest in a narrow dtype.

See pruning.calibration.mixed_precision for why the first tokens are special.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pruning.runtime.hand_over import HandOver

_FLOAT32_TOKENS = 8


def float32_tokens(dtype: torch.dtype, length: int) -> int:
    """Return how many first tokens of a window run in float32 in a pass in `dtype`; 0 in wide dtypes."""
    return min(_FLOAT32_TOKENS, length - 1) if dtype.itemsize < torch.float32.itemsize else 0


@dataclass(frozen=True)
class HiddenStates:
    """A micro-batch's hidden states between two blocks, or the gradient with respect to them."""

    rest: Tensor  # (windows, tokens, features), in the pass's dtype: the tokens after `first`, or all of them
    first: Tensor | None = None  # (windows, tokens, features), float32; None: all tokens are in `rest`

    @classmethod
    def split(cls, states: Tensor, first: int) -> "HiddenStates":
        """Split (windows, tokens, features) after the `first` tokens, and cast those to float32."""
        return cls(states[:, first:], states[:, :first].float()) if first else cls(states)

    @classmethod
    def unpack(cls, packed: Tensor, first: int) -> "HiddenStates":
        """Undo `pack`, given the number of `first` tokens."""
        if not first:
            return cls(packed)
        rows = torch.float32.itemsize // packed.itemsize * first
        pairs = packed[:, :rows].reshape(len(packed), first, -1)
        return cls(packed[:, rows:], pairs.view(torch.float32))

    def pack(self) -> Tensor:
        """Return all tokens in one narrow tensor, bit for bit: a float32 token takes the rows of two."""
        if self.first is None:
            return self.rest
        features = self.rest.shape[-1]
        pairs = self.first.contiguous().view(self.rest.dtype).view(len(self.first), -1, features)
        return torch.cat([pairs, self.rest], dim=1)

    def join(self) -> Tensor:
        """Return all tokens, (windows, tokens, features), cast to the narrow dtype. Differentiable."""
        if self.first is None:
            return self.rest
        return torch.cat([self.first.to(self.rest.dtype), self.rest], dim=1)

    def to(self, device: torch.device) -> "HiddenStates":
        """Return the same values on `device`."""
        return HiddenStates(self.rest.to(device), None if self.first is None else self.first.to(device))

    def handed_over(self, hand_over: HandOver, device: torch.device) -> "Arriving":
        """Begin to pass the values on to `device`; return what returns them there."""
        arriving = [hand_over.begin(tensor, device) for tensor in self.tensors]
        return lambda: HiddenStates(*(tensor() for tensor in arriving))

    def as_leaves(self) -> "HiddenStates":
        """Return the same values as autograd leaves that require gradients."""
        first = None if self.first is None else self.first.detach().requires_grad_()
        return HiddenStates(self.rest.detach().requires_grad_(), first)

    @property
    def tensors(self) -> list[Tensor]:
        """`rest`, and `first` where there is one: what autograd differentiates."""
        return [self.rest] if self.first is None else [self.rest, self.first]


Arriving = Callable[[], HiddenStates]
"""Returns hidden states once they have arrived; see `HandOver.begin`."""

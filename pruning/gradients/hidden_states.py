"""Hidden states whose first tokens are float32, where the others are of a narrow dtype."""

from dataclasses import dataclass

import torch
from torch import Tensor

_FIRST_TOKENS = 8


def float32_tokens(dtype: torch.dtype, length: int) -> int:
    """How many of a window's tokens are float32 in a pass that computes in `dtype`: none where all are."""
    return min(_FIRST_TOKENS, length - 1) if dtype.itemsize < torch.float32.itemsize else 0


@dataclass(frozen=True)
class HiddenStates:
    """Of a micro-batch, before or behind a block; or the gradient there."""

    others: (
        Tensor  # (windows, tokens, features), in the dtype of the pass: all tokens, or those behind `first`
    )
    first: Tensor | None = None  # (windows, tokens, features), float32

    @classmethod
    def split(cls, states: Tensor, first: int) -> "HiddenStates":
        """Of (windows, tokens, features) in one dtype, with so many first tokens made float32."""
        return cls(states[:, first:], states[:, :first].float()) if first else cls(states)

    @classmethod
    def unpacked(cls, packed: Tensor, first: int) -> "HiddenStates":
        """What `packed` made one tensor of."""
        if not first:
            return cls(packed)
        rows = torch.float32.itemsize // packed.itemsize * first
        pairs = packed[:, :rows].reshape(len(packed), first, -1)
        return cls(packed[:, rows:], pairs.view(torch.float32))

    def packed(self) -> Tensor:
        """All in one tensor, bit for bit, of the narrow dtype: a float32 token takes the rows of two."""
        if self.first is None:
            return self.others
        features = self.others.shape[-1]
        pairs = self.first.contiguous().view(self.others.dtype).view(len(self.first), -1, features)
        return torch.cat([pairs, self.others], dim=1)

    def joined(self) -> Tensor:
        """(windows, tokens, features) in the narrow dtype; can be differentiated."""
        if self.first is None:
            return self.others
        return torch.cat([self.first.to(self.others.dtype), self.others], dim=1)

    def leaves(self) -> "HiddenStates":
        """The same, for autograd to begin with."""
        first = None if self.first is None else self.first.detach().requires_grad_()
        return HiddenStates(self.others.detach().requires_grad_(), first)

    @property
    def tensors(self) -> list[Tensor]:
        """One or two."""
        return [self.others] if self.first is None else [self.others, self.first]

"""How many calibration tokens of each dataset the routers of a model give to each expert.

Counted in a pass that runs the windows through a block anyway, from what the router gives to the experts.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from pruning.models.layers import holds_fused_experts, takes_routes

RoutedTokens = tuple[tuple[int, ...], ...]
"""Of the experts of a block: for each dataset, the tokens that each expert was given."""


class RouteCounter:
    """Counts the tokens of one block's experts in one pass of all windows; nothing for a block without any.

    Windows are those of one dataset after the other.
    """

    def __init__(self, windows_of: Sequence[int]) -> None:
        """`windows_of`: the number of windows of each dataset; nothing is counted for fewer than two."""
        self._datasets = torch.arange(len(windows_of)).repeat_interleave(
            torch.tensor([*windows_of], dtype=torch.int64)
        )
        self._is_mixture = len(windows_of) > 1
        self._windows = 0  # that have been counted
        self._counted: Tensor | None = None  # (datasets, experts)

    @contextmanager
    def counting(self, block: nn.Module, windows: int) -> Iterator[None]:
        """While active, count in one forward pass of the block on the next `windows`."""
        with ExitStack() as hooks:
            for module in block.modules() if self._is_mixture else ():
                if holds_fused_experts(module):
                    hook = module.register_forward_pre_hook(self._counter(windows), with_kwargs=True)
                    hooks.callback(hook.remove)
            yield
        self._windows += windows

    @property
    def tokens(self) -> RoutedTokens:
        """The tokens by dataset and expert."""
        return () if self._counted is None else tuple(map(tuple, self._counted.tolist()))

    def _counter(self, windows: int) -> Any:  # noqa: ANN401 - a forward hook of torch
        datasets = self._datasets[self._windows : self._windows + windows]

        def count(experts: Any, args: tuple[Any, ...], given: dict[str, Any]) -> None:  # noqa: ANN401 - of many classes
            chosen = _chosen(experts, args, given).reshape(windows, -1)
            # A number past the experts is none.
            places = (
                chosen.clamp(max=experts.num_experts)
                + (experts.num_experts + 1) * (torch.arange(windows, device=chosen.device)[:, None])
            )
            counts = places.flatten().bincount(minlength=windows * (experts.num_experts + 1)).cpu()
            of_windows = counts.view(windows, -1)[:, :-1]
            if self._counted is None:
                self._counted = torch.zeros(
                    int(self._datasets[-1]) + 1, experts.num_experts, dtype=torch.int64
                )
            self._counted.index_add_(0, datasets, of_windows)

        return count


def _chosen(experts: Any, args: tuple[Any, ...], given: dict[str, Any]) -> Tensor:  # noqa: ANN401 - of many classes
    """Return the experts of each token, (tokens, choices)."""
    if takes_routes(experts):
        chosen: Tensor = args[1] if len(args) > 1 else given["top_k_index"]
        return chosen
    # Llama 4: all tokens for each expert in turn, zeros where it is not chosen.
    rows: Tensor = args[0] if args else given["hidden_states"]
    count = experts.num_experts
    is_given = rows.view(count, -1, rows.shape[-1]).ne(0).any(dim=-1).T
    return torch.arange(count, device=rows.device).expand_as(is_given).where(is_given, count)

"""Routed experts as units: where a block holds them, their score, and a router that avoids removed ones.

The score is that of REAP (arXiv 2510.13999): S_j = Σ_t g_tj·‖f_j(x_t)‖₂ ÷ T_j over the T_j tokens that are
routed to expert j, with g the weight that the model multiplies the expert's output f_j by.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from transformers import PretrainedConfig, PreTrainedModel

from pruning.calibration.activation_statistics import StopForward
from pruning.calibration.activation_walk import BlockwiseForward
from pruning.errors import NumericalFailure
from pruning.models.blocks import Block, Stack
from pruning.models.layers import holds_fused_experts, routers_in, takes_routes
from pruning.recipe.units import EXPERT_COUNTS, EXPERTS
from pruning.structure.units import ScoredUnits, Slice, refused

_ARGUMENTS = ("hidden_states", "top_k_index", "top_k_weights")  # of every fused experts module


@dataclass(frozen=True)
class Experts(ScoredUnits):
    """The routed experts of one block."""

    name: str
    module: nn.Module  # runs them all
    router: nn.Module
    biases: tuple[tuple[nn.Module, str], ...]  # tensors that the router adds to logits or scores, (experts,)
    per_token: int
    groups: int  # of equal size, some of which the router picks before it picks experts in them
    groups_per_token: int

    def reason_against(self, kept: int) -> str | None:
        """Return why the router cannot work with this many experts; None if it can."""
        if kept < self.per_token:
            return f"each token goes to {self.per_token}"
        if kept % self.groups:
            return f"its {self.groups} groups have as many experts each"
        if kept // self.groups * self.groups_per_token < self.per_token:
            return f"{self.per_token} must be found in {self.groups_per_token} of {self.groups} groups"
        if self.groups > 1 and kept // self.groups < 2:
            return "its router ranks groups by their two best experts"
        return None

    def mask(self, units: Tensor) -> None:
        """Let the router send no token to these experts."""
        router, count = self.router, self.count

        def forward(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - replaces any router's forward
            with _LogitsMasked(units, count):
                return type(router).forward(router, *args, **kwargs)

        router.forward = forward
        for module, name in self.biases:
            tensor: Tensor = getattr(module, name)
            tensor.detach()[units.to(tensor.device)] = -inf

    def cut(self, index: int, keep: int, forward: BlockwiseForward) -> tuple[Tensor, list[str]]:
        vars(self.router).pop("forward", None)  # a mask of an attempt at this block that has failed
        outputs = RoutedOutputs(self)
        forward.watch(index, outputs.collecting)
        if not torch.isfinite(outputs.scores).all():
            raise NumericalFailure(
                f"the outputs of {self.name} are not finite; check that the model gives a finite perplexity "
                "in this dtype, or use float32"
            )
        kept = kept_experts(outputs.scores, keep, self.groups)
        self.mask(self.removed(kept))
        unseen = int((outputs.tokens[kept] == 0).sum())
        if not unseen:
            return kept, []
        return kept, [
            f"{unseen} of the experts left of {self.name} saw no token: use more calibration windows"
        ]

    def config_after(self, kept: int, config: PretrainedConfig, values: Mapping[str, Any]) -> dict[str, Any]:
        names = [name for name in EXPERT_COUNTS if getattr(config, name, None) == self.count]
        own = {config.attribute_map.get(name, name) for name in names}
        return dict.fromkeys({name for name in names if name in values} or own, kept)


class _LogitsMasked(TorchFunctionMode):
    """While active, linear layers with an output per expert give -∞ for removed experts."""

    def __init__(self, experts: Tensor, count: int) -> None:
        super().__init__()
        self._masked, self._count = experts, count

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - of any function
        result = func(*args, **(kwargs or {}))
        if func is F.linear and result.shape[-1] == self._count:
            return result.index_fill(-1, self._masked.to(result.device), -inf)
        return result


class RoutedOutputs:
    """Collects what REAP needs of the tokens that a block's experts are given."""

    def __init__(self, experts: Experts) -> None:
        self._experts = experts
        self._sums = torch.zeros(experts.count, dtype=torch.float64)
        self.tokens = torch.zeros(experts.count, dtype=torch.int64)
        """How many tokens were routed to each expert."""

    @contextmanager
    def collecting(self, windows: Tensor) -> Iterator[None]:
        """While active, collect from a pass of the block, and end it by StopForward at the experts."""
        del windows  # which token is of which window makes no difference
        hook = self._experts.module.register_forward_pre_hook(self._add, with_kwargs=True)
        try:
            yield
        finally:
            hook.remove()

    @property
    def scores(self) -> Tensor:
        """The mean weighted output norm of each expert, float64 (experts,); 0 where no token was routed."""
        return self._sums / self.tokens.clamp(min=1)

    def _add(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:  # noqa: ANN401 - experts of many classes
        hidden, chosen, shares = (*args, *(kwargs[name] for name in _ARGUMENTS[len(args) :]))
        wide = torch.promote_types(hidden.dtype, torch.float32)
        for expert in range(self._experts.count):
            tokens, ranks = torch.where(chosen == expert)
            if not len(tokens):
                continue
            of_tokens = shares[tokens, ranks]
            # The module itself, with one expert per token and a weight of 1: its output is f(x).
            alone = torch.full_like(chosen[tokens, :1], expert)
            outputs = module.forward(hidden[tokens], alone, torch.ones_like(of_tokens)[:, None])
            norms = torch.linalg.vector_norm(outputs.to(wide), dim=-1)
            self._sums[expert] += float((of_tokens.to(wide) * norms).sum())
            self.tokens[expert] += len(tokens)
        raise StopForward


def kept_experts(scores: Tensor, keep: int, groups: int) -> Tensor:
    """Return the `keep` experts with the highest scores, as many of each group: int64, in ascending order."""
    by_group = scores.view(groups, -1)
    size = by_group.shape[1]
    highest = by_group.argsort(dim=1, stable=True)[:, size - keep // groups :]
    return (highest + size * torch.arange(groups)[:, None]).flatten().sort().values


def find_experts(stack: Stack) -> tuple[Experts | None, ...]:
    """Return the routed experts of each block. Raises InvalidInput(field='structure.experts')."""
    found = tuple(experts_of(stack.model, block) for block in stack.blocks)
    if not any(found):
        raise refused(stack.model, EXPERTS.name, "its blocks have no experts of a kind that is known")
    return found


def experts_of(model: PreTrainedModel, block: Block) -> Experts | None:
    """Return the routed experts of a block; None if it has none that run as one module.

    Raises InvalidInput(field='structure.experts') for a block whose router is not known.
    """
    modules = dict(block.module.named_modules())
    names = [name for name, module in modules.items() if holds_fused_experts(module)]
    if not names:
        return None
    name, parent = names[0], names[0].rpartition(".")[0]
    routers = routers_in(block.module)
    if len(names) > 1 or len(routers) != 1:
        raise refused(model, EXPERTS.name, f"the router of {block.name} is not known by its name")
    if not takes_routes(modules[name]):
        raise refused(model, EXPERTS.name, f"{name} of {block.name} is not given the experts of each token")
    ((router_name, router),) = routers.items()
    experts, config = modules[name], model.config.get_text_config()
    count = int(experts.num_experts)
    per_token = getattr(router, "top_k", None) or getattr(config, "num_experts_per_tok", None)
    if not isinstance(per_token, int):
        raise refused(model, EXPERTS.name, f"the router of {block.name} does not say how many it picks")
    held = [
        (f"{block.name}.{path}", owner, own)
        for root in (name, router_name)
        for path, owner, own in _tensors(modules, root)
    ]
    held += [(f"{block.name}.{parent}.{own}", modules[parent], own) for own, _ in _own(modules[parent])]
    each = torch.arange(count)[:, None]
    sliced = [(path, owner, own) for path, owner, own in held if getattr(owner, own).shape[:1] == (count,)]
    groups = getattr(config, "n_group", None) or 1
    return Experts(
        EXPERTS.name,
        count,
        tuple(Slice(path, 0, (each,)) for path, _, _ in sliced),
        name=f"{block.name}.{name}",
        module=experts,
        router=router,
        biases=tuple(
            (owner, own) for _, owner, own in sliced if owner is not experts and getattr(owner, own).ndim == 1
        ),
        per_token=per_token,
        groups=groups,
        groups_per_token=getattr(config, "topk_group", None) or groups,
    )


def _tensors(modules: dict[str, nn.Module], root: str) -> Iterator[tuple[str, nn.Module, str]]:
    """Yield the name in the block of each tensor in a module, its owner, and its name there."""
    for path, module in modules.items():
        if path == root or path.startswith(f"{root}."):
            yield from ((f"{path}.{own}", module, own) for own, _ in _own(module))


def _own(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a module itself that its checkpoint holds."""
    kept = module.state_dict()
    yield from ((name, tensor) for name, tensor in kept.items() if "." not in name)

"""Which blocks a model keeps, and the config of the model without the others.

A config has one number of blocks, and may say by lists or numbers which block is of which kind. Both are
cut alike; then the smaller config must build exactly the kept blocks. A family whose config cannot
say that is refused before anything is computed.

The blocks to remove are chosen one after the other, by what the model predicts without each, as in SLEB
(arXiv 2402.09025). The measure is the KL divergence from the next-token distributions of the dense model.
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite
from types import NoneType
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel

from pruning.checkpoint.description import text_field
from pruning.checkpoint.text_decoder import auto_class, text_decoder
from pruning.errors import InvalidInput, NumericalFailure
from pruning.models.blocks import Stack, find_stack
from pruning.models.placement import Placement
from pruning.models.replay import Call, LogitsByPosition, Replay
from pruning.recipe import StructureOptions
from pruning.recipe.structure import MAX_BLOCK_SELECTION_WINDOWS


def skeleton_of(config: Mapping[str, Any], dense: PreTrainedModel) -> PreTrainedModel:
    """Return the text decoder that `Checkpoint.config_values` describe, on the meta device.

    `dense`: the model that is cut, of the same class. Raises whatever its config or model class does.
    """
    built = type(dense.config.get_text_config()).from_dict(copy.deepcopy(dict(config)))
    if (field := text_field(dense.config)) is not None:
        whole = copy.deepcopy(dense.config)
        setattr(whole, field, built)
        built = whole
    built._attn_implementation = None  # a config may name a kernel on the Hub
    with torch.device("meta"):
        model = auto_class(built).from_config(built, trust_remote_code=False)
    assert isinstance(model, PreTrainedModel)  # noqa: S101 - what from_config promises
    return text_decoder(model)


# Fields that hold the numbers of some blocks, and fields that say how many of the first are of one kind.
# Lists with an entry for each block are found by their length and their name.
_NUMBERS_OF_BLOCKS = ("mlp_only_layers",)
_FIRST_BLOCKS = ("first_k_dense_replace", "max_window_layers")
_PER_BLOCK_FIELDS = ("layer", "type")

# Attributes that hold the position of a block, which changes.
_OWN_NUMBER = frozenset({"layer_idx", "layer_id", "layer_index", "layer_number", "training"})


@dataclass(frozen=True)
class DepthPlan:
    """How many blocks of one model a recipe keeps."""

    dense: int
    kept: int
    _stack: Stack = field(repr=False)  # may be without weights
    _config: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, options: StructureOptions, skeleton: PreTrainedModel, config: Mapping[str, Any]) -> Self:
        """Plan how many blocks of a model are kept; it may be without weights.

        `config`: its config.json. Raises InvalidInput(field='structure.blocks') for a model that cannot lose
        blocks, or not as many; it then names the nearest number that can stay.
        """
        stack = find_stack(skeleton)
        dense = len(stack.blocks)
        try:
            plan = cls(dense, options.blocks_left(dense), stack, config)
        except ValueError as error:
            raise InvalidInput(str(error), field="structure.blocks") from error
        for blocks in plan._examples():
            plan.refuse_unbuildable(blocks)
        return plan

    def some(self) -> list[int]:
        """Return any blocks that can be kept, before they are chosen."""
        return list(range(self.kept))

    def skeleton(self, blocks: Sequence[int]) -> PreTrainedModel:
        """Return the model that has `blocks` alone, in ascending order, without weights."""
        return skeleton_of(self.config(blocks), self._stack.model)

    def config(self, blocks: Sequence[int]) -> dict[str, Any]:
        """Return the config.json of the model that has `blocks` alone, in ascending order."""
        full, values = self._stack.model.config.get_text_config(), dict(self._config)
        own = full.attribute_map.get("num_hidden_layers", "num_hidden_layers")
        for name in {own, "num_hidden_layers"} & {own, *values}:
            values[name] = len(blocks)
        for name, value in {**full.to_dict(), **values}.items():
            if name in _NUMBERS_OF_BLOCKS and value:
                values[name] = [place for place, block in enumerate(blocks) if block in value]
            elif name in _FIRST_BLOCKS and isinstance(value, int):
                values[name] = sum(block < value for block in blocks)
            elif _is_per_block(name, value, self.dense) and (name in values or _varies(value)):
                values[name] = [value[block] for block in blocks]
        return values

    def refuse_unbuildable(self, blocks: Sequence[int]) -> None:
        """Raise InvalidInput where the smaller config does not build these blocks."""
        reason = self._reason_against(blocks)
        if reason is not None:
            raise InvalidInput(
                f"{type(self._stack.model).__name__} cannot lose blocks: {reason}", field="structure.blocks"
            )

    def _examples(self) -> Iterator[list[int]]:
        """Yield blocks that could be kept: any of equal blocks, else such that others move."""
        removed = self.dense - self.kept
        kinds = [_described(block.module) for block in self._stack.blocks]
        mixed = any(kind != kinds[0] for kind in kinds)
        offsets = {0, 1, removed // 2, self.kept} if mixed else {self.kept}
        for offset in sorted(offset for offset in offsets if offset <= self.kept):
            yield [*range(offset), *range(offset + removed, self.dense)]
        if mixed:  # a rule that repeats, as in every second block, survives where as many neighbours go
            spread = {number * self.dense // removed for number in range(removed)}
            yield [block for block in range(self.dense) if block not in spread]
            yield [*range(removed - 1, self.dense - 1)]

    def _reason_against(self, blocks: Sequence[int]) -> str | None:
        if getattr(self._stack.model.config.get_text_config(), "num_hidden_layers", None) != self.dense:
            return "its config has no field for their number"
        try:
            stack = find_stack(self.skeleton(blocks))
        except Exception as error:  # each config and model class refuses in its own way
            return f"transformers refuses the smaller config ({type(error).__name__})"
        if len(stack.blocks) != len(blocks):
            return f"the smaller config builds {len(stack.blocks)} blocks in place of {len(blocks)}"
        for built, block in zip(stack.blocks, blocks, strict=True):
            if _described(built.module) != _described(self._stack.blocks[block].module):
                return f"its config cannot say of which kind block {block} is once others are removed"
        if _around(stack) != _around(self._stack):
            return "what surrounds them depends on their number"
        return None


def _is_per_block(name: str, value: object, count: int) -> bool:
    """Whether a field has an entry for each block."""
    return isinstance(value, list) and len(value) == count and any(part in name for part in _PER_BLOCK_FIELDS)


def _varies(entries: Sequence[object]) -> bool:
    return any(entry != entries[0] for entry in entries)


def _described(block: nn.Module) -> tuple[object, ...]:
    """Return what identifies a block: its modules, with their settings, and its shapes."""
    modules = tuple((name, type(module), _settings(module)) for name, module in block.named_modules())
    tensors = (*block.named_parameters(), *block.named_buffers())
    return modules, tuple((name, tuple(tensor.shape)) for name, tensor in tensors)


def _settings(module: nn.Module) -> dict[str, object]:
    plain = (bool, int, float, str, tuple, NoneType)
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, plain) and not name.startswith("_") and name not in _OWN_NUMBER
    }


def _around(stack: Stack) -> dict[str, tuple[int, ...]]:
    inside = tuple(f"{block.name}." for block in stack.blocks)
    tensors = stack.model.state_dict().items()
    return {name: tuple(tensor.shape) for name, tensor in tensors if not name.startswith(inside)}


@dataclass(frozen=True)
class Drop:
    """A block that is removed."""

    block: int
    divergence: float  # KL(dense ‖ without it and those before it), in nats per token


@torch.no_grad()
def choose_blocks(
    stack: Stack,
    windows: Tensor,
    keep: int,
    *,
    placement: Placement,
    earlier: Sequence[Drop],
    found: Callable[[Drop], None],
) -> list[int]:
    """Return the kept blocks, in ascending order.

    Parameters
    ----------
    stack
        The dense model.
    windows
        Token ids, int64 (windows, length), of which the first four at most are used.
    keep
        How many blocks stay.
    placement
        Where the model computes.
    earlier
        What an interrupted attempt has chosen, in its order.
    found
        Called with each further block that is removed, once it is chosen; an exception that it raises ends
        the run.

    Raises
    ------
    NumericalFailure
        Where the predictions are not finite, whichever block is left out.
    """
    removed = {drop.block for drop in earlier}
    left = [index for index in range(len(stack.blocks)) if index not in removed]
    stack.model.requires_grad_(False).eval()
    walk = _Walk(Replay(stack, windows, placement), placement, windows[:MAX_BLOCK_SELECTION_WINDOWS])
    dense = walk.to_the_end() if len(left) > keep else []
    while len(left) > keep:
        divergences = walk.divergences(left, dense)
        lowest = min(left, key=lambda index: divergences[index])
        if not isfinite(divergences[lowest]):
            raise NumericalFailure(
                "the predictions without one of the blocks are not finite; check that the model gives a "
                "finite perplexity in this dtype, or use float32"
            )
        left.remove(lowest)
        found(Drop(lowest, divergences[lowest]))
    return left


class _Walk:
    """The hidden states of a few windows on their way through some of the blocks."""

    def __init__(self, replay: Replay, placement: Placement, windows: Tensor) -> None:
        self._replay, self._placement = replay, placement
        self._blocks = replay.stack.blocks
        self._first: list[Tensor] = []
        self._calls: list[Call] = []
        with replay.outer_modules_resident():
            for window in windows:
                hidden, self._calls = replay.embed(window[None])
                self._first.append(hidden)

    def to_the_end(self) -> list[Tensor]:
        """Return the hidden states after all blocks, of each window: (1, length, features)."""
        hidden = self._first
        for index, block in enumerate(self._blocks):
            with self._placement.resident(block.module, then=self._replay.stack.module_after(index)):
                hidden = self._advanced(index, hidden)
        return self._at_home(hidden)

    def divergences(self, left: Sequence[int], dense: Sequence[Tensor]) -> dict[int, float]:
        """Return, for each block of `left`, how far the predictions of the others are from the dense ones.

        All candidates advance together, so that each block is brought to the device once. What comes before
        the block that a candidate omits is computed once for all.
        """
        common = self._first
        without: dict[int, list[Tensor]] = {}
        for index, then in zip(left, [*left[1:], None], strict=True):
            following = None if then is None else self._blocks[then].module
            with self._placement.resident(self._blocks[index].module, then=following):
                for other, states in without.items():
                    without[other] = self._advanced(index, states)
                without[index] = common
                common = self._advanced(index, common)
        return self._compared({index: self._at_home(states) for index, states in without.items()}, dense)

    def _compared(self, without: Mapping[int, Sequence[Tensor]], dense: Sequence[Tensor]) -> dict[int, float]:
        """Return KL(dense ‖ candidate) of each candidate, in nats per token; infinite where not a number."""
        totals = dict.fromkeys(without, 0.0)
        with self._replay.outer_modules_resident():
            logits = LogitsByPosition(self._replay)
            for number, last in enumerate(dense):
                for chunk in logits.chunks(last.shape[:2], last.device.type):
                    expected = _log_probabilities(logits(last[chunk]))
                    for index, states in without.items():
                        found = _log_probabilities(logits(states[number][chunk]))
                        totals[index] += _divergence(expected, found)
        tokens = sum(last.shape[1] for last in dense)
        return {index: total / tokens if isfinite(total) else inf for index, total in totals.items()}

    def _advanced(self, index: int, states: Sequence[Tensor]) -> list[Tensor]:
        return [self._calls[index](self._blocks[index].module, hidden) for hidden in states]

    def _at_home(self, states: Sequence[Tensor]) -> list[Tensor]:
        """Return the states on the device of the modules around the blocks."""
        return [hidden.to(self._placement.device) for hidden in states]


def _divergence(expected: Tensor, found: Tensor) -> float:
    """Return the sum of KL(expected ‖ found); an impossible token adds nothing, as 0·ln 0 = 0."""
    terms = F.kl_div(found, expected, reduction="none", log_target=True)
    return float(terms.masked_fill_(expected == -inf, 0.0).sum())


def _log_probabilities(logits: Tensor) -> Tensor:
    return F.log_softmax(logits.to(torch.promote_types(logits.dtype, torch.float32)), dim=-1)

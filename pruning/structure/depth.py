"""How many blocks a model keeps, and the config of the model without the others.

A config has one number of blocks, and may say by lists or numbers which block is of which kind. Both are cut
alike; then the smaller config must build the very blocks that are left. A family whose config cannot say that
is refused before anything is computed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, Self

from torch import nn
from transformers import PreTrainedModel

from pruning.errors import InvalidInput
from pruning.models.blocks import Stack, find_stack
from pruning.recipe import StructureOptions
from pruning.structure.skeleton import skeleton_of

# Fields that hold the numbers of some blocks, and fields that say how many of the first are of one kind.
# Lists with an entry for each block are found by their length and their name.
_NUMBERS_OF_BLOCKS = ("mlp_only_layers",)
_FIRST_BLOCKS = ("first_k_dense_replace", "max_window_layers")
_PER_BLOCK_FIELDS = ("layer", "type")

# What a block knows of its own place, which changes.
_OWN_NUMBER = frozenset({"layer_idx", "layer_id", "layer_index", "layer_number", "training"})


@dataclass(frozen=True)
class DepthPlan:
    """How many blocks a recipe's structure leaves of one model."""

    dense: int
    kept: int
    _stack: Stack = field(repr=False)  # may be without weights
    _config: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, options: StructureOptions, skeleton: PreTrainedModel, config: Mapping[str, Any]) -> Self:
        """Plan which number of blocks stays of a model, which may be without weights.

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
        """Return any blocks that can stay, before it is known which do."""
        return list(range(self.kept))

    def skeleton(self, blocks: Sequence[int]) -> PreTrainedModel:
        """Return the model that has `blocks` alone, in ascending order, without weights."""
        return skeleton_of(self.config(blocks), self._stack.model)

    def config(self, blocks: Sequence[int]) -> dict[str, Any]:
        """Return the config.json of the model that has `blocks` alone, in ascending order."""
        full, values = self._stack.model.config, dict(self._config)
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
        """Yield blocks that could stay: of equal blocks any, otherwise such that others change places."""
        gone = self.dense - self.kept
        kinds = [_described(block.module) for block in self._stack.blocks]
        mixed = any(kind != kinds[0] for kind in kinds)
        offsets = {0, 1, gone // 2, self.kept} if mixed else {self.kept}
        for offset in sorted(offset for offset in offsets if offset <= self.kept):
            yield [*range(offset), *range(offset + gone, self.dense)]
        if mixed:  # a rule that repeats, as in every second block, survives where as many neighbours go
            spread = {number * self.dense // gone for number in range(gone)}
            yield [block for block in range(self.dense) if block not in spread]
            yield [*range(gone - 1, self.dense - 1)]

    def _reason_against(self, blocks: Sequence[int]) -> str | None:
        if getattr(self._stack.model.config, "num_hidden_layers", None) != self.dense:
            return "its config has no field for their number"
        try:
            stack = find_stack(self.skeleton(blocks))
        except Exception as error:  # each config and model class refuses in its own way
            return f"transformers refuses the smaller config ({type(error).__name__})"
        if len(stack.blocks) != len(blocks):
            return f"the smaller config builds {len(stack.blocks)} blocks in place of {len(blocks)}"
        for built, block in zip(stack.blocks, blocks, strict=True):
            if _described(built.module) != _described(self._stack.blocks[block].module):
                return f"its config cannot say of which kind block {block} is once others are gone"
        if _around(stack) != _around(self._stack):
            return "what surrounds them depends on their number"
        return None


def _is_per_block(name: str, value: object, count: int) -> bool:
    """Whether a field has an entry for each block."""
    return isinstance(value, list) and len(value) == count and any(part in name for part in _PER_BLOCK_FIELDS)


def _varies(entries: Sequence[object]) -> bool:
    return any(entry != entries[0] for entry in entries)


def _described(block: nn.Module) -> tuple[object, ...]:
    """Return all that a config has made of a block: its modules, with their settings, and its shapes."""
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

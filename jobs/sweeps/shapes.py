"""The shapes that a search for the best model of a size compares: pure functions of the dense model's shape.

What must go can be divided among KV heads and MLP channels. For each number of heads, as many channels go
as the target needs, so that every shape of the comparison meets it as closely as it can. In addition
there are shapes that lose whole blocks instead, some blocks and for the rest MLP channels, and of a mixture
of experts those that lose experts.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TypeVar

from pydantic import BaseModel, Field

from jobs.sweeps.target import Target
from pruning.estimate import BlockShape, ModelShape
from pruning.estimate.shape import BYTES, smaller_shape, unit_readers
from pruning.recipe import StructureOptions
from pruning.recipe.units import EXPERTS, KV_HEADS, MLP_CHANNELS

# Biases and the header of a file, of which a shape knows nothing.
_FILE_OVERHEAD = 1.002
# The width that is left is a multiple of this: less costs speed on every device, more costs quality.
_MULTIPLE = 8
# What is measured depends on the machine as well, so that each division is tried at two sizes.
_SPEED_SHARES = (0.9, 0.7)
# Numbers of blocks that are cut in addition to MLP channels: evenly spread, up to what would be enough
# without these.
_MIXED = 4
# What a search counts through one by one. A config.json may name far more than any model has.
_MAX_BLOCKS = 2048
_MAX_KV_HEADS = 1024
_MAX_EXPERTS = 4096
_MAX_CHANNELS = 1_000_000  # of which structure can name a number


Item = TypeVar("Item")


class Shape(BaseModel):
    """One shape of the comparison, and what it is estimated to have."""

    structure: dict[str, int] = Field(description="What its job takes out of the model.")
    parameters: int = Field(description="Parameters of the smaller model.")
    weight_bytes: int = Field(description="Size of its weight files.")
    speedup: float = Field(
        description="How many times fewer weights a token is multiplied with: no engine gains more in decode."
    )


class NoCandidateShape(Exception):
    """No shape meets the target. The message has the size of the smallest, for readers of the model only."""


class Unsearchable(Exception):
    """The model's config has what no search counts through. The message says which number, and the limit."""


@dataclass(frozen=True)
class _Space:
    """What can go of a model."""

    dense: ModelShape
    kv_heads: tuple[int, ...]  # numbers of KV heads that can go
    channels: int  # MLP channels of each block; 0 where none can go
    experts: int  # of each block, that can be cut: all but those that a token is routed to

    def without(self, units: Mapping[str, int]) -> Shape:
        """Return the shape without so many units of each kind."""
        structure = {name: count for name, count in units.items() if count}
        number, left = self._number, self._distinct
        if blocks := structure.get("blocks"):
            number = Counter(self.dense.blocks[:-blocks])
            left = replace(self.dense, blocks=tuple(number))
        if of_blocks := {name: count for name, count in structure.items() if name != "blocks"}:
            left = smaller_shape(left, StructureOptions.model_validate(of_blocks))
        counted = list(zip(left.blocks, number.values(), strict=True))
        norms = (2 * number.total() + 1) * left.hidden
        weights = sum(block.weights * count for block, count in counted)
        parameters = round((weights + left.embeddings + norms) * _FILE_OVERHEAD)
        return Shape(
            structure=structure,
            parameters=parameters,
            weight_bytes=parameters * BYTES[left.stored_dtype],
            speedup=self._active / self._read(counted),
        )

    def _read(self, counted: Iterable[tuple[BlockShape, int]]) -> float:
        """Return how many weights a token is multiplied with in decode."""
        head = self.dense.vocabulary * self.dense.hidden
        return head + sum(block.active * count for block, count in counted)

    # Blocks are mostly equal, so each kind of them is counted with once.

    @cached_property
    def _number(self) -> Counter[BlockShape]:
        return Counter(self.dense.blocks)

    @cached_property
    def _distinct(self) -> ModelShape:
        return replace(self.dense, blocks=tuple(self._number))

    @cached_property
    def _active(self) -> float:
        return self._read(self._number.items())


def shapes(dense: ModelShape, target: Target, *, multiple_of: int | None = None) -> list[Shape]:
    """Return the shapes to compare, at most `target.max_jobs`.

    Parameters
    ----------
    dense
        The shape of the dense model.
    target
        A bound on bytes, parameters, memory or speed.
    multiple_of
        The MLP width that is left is a multiple of it.

    Raises
    ------
    NoCandidateShape
        Where nothing that can go is enough, or nothing needs to go.
    Unsearchable
        Where the model has more blocks, KV heads or experts than a search counts through, or heads that are
        fewer than its KV heads.
    """
    _check(dense)
    space = _space(dense)
    multiple = multiple_of or _MULTIPLE
    if any(meets(space.without({})) for meets in _conditions(target)[:1]):
        raise NoCandidateShape("the dense model meets it already")
    found: list[Shape] = []
    for meets in _conditions(target):
        alone = list(_one_kind_only(space, meets))
        shorter = next((shape.structure["blocks"] for shape in alone if "blocks" in shape.structure), None)
        divided = (*_divisions(space, meets, multiple), *_mixed(space, meets, multiple, shorter), *alone)
        found += [shape for shape in divided if shape not in found]
    if not found:
        smallest = space.without(
            {KV_HEADS.name: space.kv_heads[-1], MLP_CHANNELS.name: _most_channels(space, multiple)}
        )
        raise NoCandidateShape(
            f"what can go is not enough: without channels and heads about {smallest.parameters:,} parameters "
            f"stay, {smallest.weight_bytes:,} bytes, {smallest.speedup:.2f} times as fast"
        )
    return _spread(found, target.max_jobs)


def _divisions(space: _Space, meets: Callable[[Shape], bool], multiple: int) -> Iterator[Shape]:
    """Yield for each number of KV heads the shape with the most MLP channels that meets the target."""
    for kv_heads in space.kv_heads:
        shape = _fewest_channels(space, meets, multiple, {KV_HEADS.name: kv_heads})
        if shape is not None:
            yield shape
            if MLP_CHANNELS.name not in shape.structure:
                return  # more heads would only take more out


def _mixed(
    space: _Space, meets: Callable[[Shape], bool], multiple: int, enough: int | None
) -> Iterator[Shape]:
    """Yield shapes that lose some blocks, fewer than are `enough` alone, and MLP channels of the others."""
    if not space.channels:
        return
    numbers = range(1, enough or len(space.dense.blocks))
    for blocks in _spread(numbers, _MIXED):
        shape = _fewest_channels(space, meets, multiple, {"blocks": blocks})
        if shape is not None:
            yield shape


def _fewest_channels(
    space: _Space, meets: Callable[[Shape], bool], multiple: int, gone: Mapping[str, int]
) -> Shape | None:
    """Return the shape that loses, in addition to `gone`, as few MLP channels as the target needs."""
    most = _most_channels(space, multiple)
    if not meets(space.without({**gone, MLP_CHANNELS.name: most})):
        return None
    low, high = 0, most  # the least that is enough is at least `low` and at most `high`
    while low < high:
        middle = (low + high) // 2
        is_enough = meets(space.without({**gone, MLP_CHANNELS.name: middle}))
        low, high = (low, middle) if is_enough else (middle + 1, high)
    left = (space.channels - low) // multiple * multiple
    return space.without({**gone, MLP_CHANNELS.name: space.channels - left if low else 0})


def _one_kind_only(space: _Space, meets: Callable[[Shape], bool]) -> Iterator[Shape]:
    """Yield the shapes that lose nothing but blocks, or experts: as few as the target needs."""
    for name, most in (("blocks", len(space.dense.blocks) - 1), (EXPERTS.name, space.experts)):
        shorter = partial(_is_met_without, space, meets, name)
        enough = bisect_left(range(1, most + 1), x=True, key=shorter)
        if enough < most:
            yield space.without({name: enough + 1})


def _is_met_without(space: _Space, meets: Callable[[Shape], bool], name: str, gone: int) -> bool:
    return meets(space.without({name: gone}))


def _most_channels(space: _Space, multiple: int) -> int:
    return max(0, space.channels - multiple)


def _conditions(target: Target) -> Sequence[Callable[[Shape], bool]]:
    """Return what a shape must be estimated to have, first what is asked for, then with more reserve."""
    if (parameters := target.max_parameters) is not None:
        return [lambda shape: shape.parameters <= parameters]
    if (weight_bytes := target.max_bytes) is not None:
        return [partial(_within, weight_bytes)]
    return [partial(_faster, target.min_speedup or 1.0, share) for share in _SPEED_SHARES]


def _within(weight_bytes: float, shape: Shape) -> bool:
    return shape.weight_bytes <= weight_bytes


def _faster(speedup: float, share: float, shape: Shape) -> bool:
    """Whether a shape is fast enough where only a share of what it gains is reached."""
    return 1 + share * (shape.speedup - 1) >= speedup


def _check(dense: ModelShape) -> None:
    """Raise `Unsearchable` for a model of which there would be too much to count."""
    kv_heads = dense.key_value_heads or 1
    experts = max(one.copies for block in dense.blocks for one in block.matrices)
    for name, number, most in (
        ("layers", len(dense.blocks), _MAX_BLOCKS),
        ("KV heads", kv_heads, _MAX_KV_HEADS),
        ("experts in a block", experts, _MAX_EXPERTS),
        ("MLP channels", max(_mlp_width(block, dense.hidden) for block in dense.blocks), _MAX_CHANNELS),
    ):
        if number > most:
            raise Unsearchable(f"has {number} {name}; a search for a size takes models with at most {most}")
    if dense.heads is not None and dense.heads < kv_heads:
        raise Unsearchable(
            f"has {kv_heads} KV heads, which may be at most its number of heads, {dense.heads}"
        )


def _space(dense: ModelShape) -> _Space:
    widths = {_mlp_width(block, dense.hidden) for block in dense.blocks}
    channels = widths.pop() if len(widths) == 1 else 0
    kv_heads, heads = dense.key_value_heads or 1, dense.heads or 1
    # Numbers of heads that divide the hidden size: every family's config accepts them.
    possible = (
        gone for gone in range(1, kv_heads) if dense.hidden % ((kv_heads - gone) * heads // kv_heads) == 0
    )
    routed = [one for block in dense.blocks for one in block.matrices if one.copies > 1]
    experts = min((one.copies - round(one.copies * one.share) for one in routed), default=0)
    return _Space(dense, (0, *possible), channels, experts)


def _mlp_width(block: BlockShape, hidden: int) -> int:
    """Return the number of MLP channels that can go; 0 for a block of experts."""
    _, *others = unit_readers(block, hidden)
    return others[0].inputs if others and others[0].copies == 1 else 0


def _spread(found: Sequence[Item], most: int) -> list[Item]:
    """Return at most so many, evenly spread, the first and the last among them."""
    if len(found) <= most:
        return list(found)
    places = {round(number * (len(found) - 1) / (most - 1)) for number in range(most)}
    return [found[place] for place in sorted(places)]

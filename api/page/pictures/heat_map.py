"""A report's layers as a map of block × kind: its values, its caption, and its drawing."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from api.page.base.format import percent
from api.page.pictures.style import ACCENT, INK, LINE, NARROW, SOFT, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Measure = Literal["sparsity", "relative_error"]

_TITLES: dict[Measure, str] = {"sparsity": "Zeros", "relative_error": "Relative error of the outputs"}
_NUMBER = re.compile(r"(?<=\.)\d+(?=\.|$)")


@dataclass(frozen=True)
class LayerMap:
    """One measure of every pruned layer. Experts of one block and kind share a cell, as a weighted mean."""

    measure: Measure
    blocks: tuple[int, ...]
    kinds: tuple[str, ...]
    values: dict[tuple[int, str], float]

    @property
    def title(self) -> str:
        """What the values mean."""
        return _TITLES[self.measure]

    @cached_property
    def range(self) -> tuple[float, float]:
        """The smallest and the largest value."""
        return min(self.values.values()), max(self.values.values())

    @property
    def is_even(self) -> bool:
        """Whether every layer has the same value, as far as it is written."""
        low, high = self.range
        return self.written(low) == self.written(high)

    @property
    def height(self) -> int:
        """The height of its picture: a row for each kind, and room for the legend and the blocks."""
        return 70 + 24 * len(self.kinds)

    def value(self, block: int, kind: str) -> float | None:
        """Return a cell's value, or None if the block has no such pruned layer."""
        return self.values.get((block, kind))

    def cell(self, block: int, kind: str) -> str:
        """Format a cell's value."""
        value = self.value(block, kind)
        return "\N{EN DASH}" if value is None else self.written(value)

    def written(self, value: float) -> str:
        """Format a value."""
        return percent(value)

    def label(self, kind: str) -> str:
        """Return the last part of the kind's name, or the whole name if that part is ambiguous."""
        short = kind.rpartition(".")[2]
        return kind if [other.rpartition(".")[2] for other in self.kinds].count(short) > 1 else short

    @property
    def caption(self) -> str:
        """The caption of the map."""
        low, high = self.range
        least, most = (
            next(cell for cell, value in self.values.items() if value == wanted) for wanted in (low, high)
        )
        return (
            f"{self.title}: from {self.written(low)} in {self.label(least[1])} of block {least[0]} "
            f"to {self.written(high)} in {self.label(most[1])} of block {most[0]}."
        )


def layer_map(layers: Sequence[dict[str, Any]], measure: Measure) -> LayerMap | None:
    """Return the map of a report's layers, or None if no layer has this measure."""
    weighed: dict[tuple[int, str], tuple[float, int]] = {}
    for layer in layers:
        value = layer.get(measure)
        if value is None:
            continue
        cell = layer["block"], _kind(layer["name"], layer["block"])
        total, weights = weighed.get(cell, (0.0, 0))
        weighed[cell] = total + value * layer["weights"], weights + layer["weights"]
    if not weighed:
        return None
    return LayerMap(
        measure=measure,
        blocks=tuple(sorted({block for block, _ in weighed})),
        kinds=tuple(dict.fromkeys(kind for _, kind in weighed)),
        values={cell: total / weights for cell, (total, weights) in weighed.items()},
    )


def _kind(name: str, block: int) -> str:
    """Return the layer's name within its block, with `*` for the number of its expert."""
    within = f".{name}".partition(f".{block}.")[2] or name
    return _NUMBER.sub("*", within)


_MIN_OPACITY = 0.06


def heat_map(layers: LayerMap, pixels: tuple[int, int]) -> bytes:
    """Draw each layer as a cell whose opacity is its value, from the smallest to the largest of the map."""
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import to_rgba

    rows = len(layers.kinds)
    low, high = layers.range

    def paint(axes: "Axes") -> None:
        cells = [
            (_corners(column, row), to_rgba(ACCENT, _opacity(value, low, high)))
            for row, kind in enumerate(layers.kinds)
            for column, block in enumerate(layers.blocks)
            if (value := layers.value(block, kind)) is not None
        ]
        corners, colours = zip(*cells, strict=True)
        axes.add_collection(PolyCollection(corners, facecolors=colours, edgecolors=LINE, linewidths=0.5))
        axes.set_xlim(-0.5, len(layers.blocks) - 0.5)
        axes.set_ylim(rows - 0.5, -0.5)
        axes.set_yticks(range(rows), labels=[layers.label(kind) for kind in layers.kinds])
        axes.set_xticks(*_block_ticks(layers.blocks, 6 if pixels[0] < NARROW else 16))
        axes.set_xlabel("block")
        axes.tick_params(length=0)
        axes.tick_params(axis="y", labelcolor=INK)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_title(_legend(layers), loc="left", fontsize=12.5, color=SOFT, pad=10)

    return draw(paint, pixels)


def _corners(column: int, row: int) -> list[tuple[float, float]]:
    left, right, top, bottom = column - 0.45, column + 0.45, row - 0.43, row + 0.43
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _opacity(value: float, low: float, high: float) -> float:
    """Return the opacity of a value, which works on a light and on a dark background."""
    return _MIN_OPACITY + (1 - _MIN_OPACITY) * (value - low) / (high - low)


def _block_ticks(blocks: Sequence[int], most: int) -> tuple[list[int], list[str]]:
    step = max(1, math.ceil(len(blocks) / most))
    positions = list(range(0, len(blocks), step))
    return positions, [str(blocks[position]) for position in positions]


def _legend(layers: LayerMap) -> str:
    low, high = (layers.written(value) for value in layers.range)
    return f"faint {low}, full {high}"

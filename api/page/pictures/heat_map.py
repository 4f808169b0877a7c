"""Draws the heat map of a job's layers: block × kind of layer."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba

from api.page.pictures.layer_map import LayerMap
from api.page.pictures.style import ACCENT, INK, LINE, NARROW, SOFT, draw

_MIN_OPACITY = 0.06


def heat_map(layers: LayerMap, *, pixels: tuple[int, int]) -> bytes:
    """Draw each layer as a cell whose opacity is its value, from the smallest to the largest of the map."""
    rows = len(layers.kinds)
    low, high = layers.range

    def paint(axes: Axes) -> None:
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

"""Where the cells of a heat map lie, in CSS pixels.

The page shows a picture as an image, in which nothing can be hovered over. So it lays rectangles over it that
are not seen, whose titles are the values. Map and rectangles have one frame, which needs no Matplotlib.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from api.page.pictures.layer_map import LayerMap

ROW = 24
ABOVE, BELOW = 28, 42

_RIGHT = 6
_BESIDE_LABELS, _LETTER = 14, 7.3

MOST_CELLS = 600
"""With more cells, their values stand in the table of figures alone: the page would grow too large."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The edges of the map in a picture."""

    left: float
    right: float
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Cell:
    """A rectangle, and what the map says there."""

    x: int
    y: int
    width: int
    height: int
    text: str


def height_of(layers: LayerMap) -> int:
    """Return the height of the picture."""
    return ABOVE + ROW * len(layers.kinds) + BELOW


def frame_of(layers: LayerMap, width: int) -> Frame:
    """Return the frame in a picture of that width, beside the labels of the kinds."""
    longest = max(len(layers.label(kind)) for kind in layers.kinds)
    left = math.ceil(_BESIDE_LABELS + _LETTER * longest)
    return Frame(left, width - _RIGHT, ABOVE, ABOVE + ROW * len(layers.kinds))


def cells_of(layers: LayerMap, width: int) -> Sequence[Cell]:
    """Return the cells of a map, unless they are too many."""
    return [*_cells(layers, width)] if len(layers.values) <= MOST_CELLS else []


def _cells(layers: LayerMap, width: int) -> Iterator[Cell]:
    frame = frame_of(layers, width)
    step = (frame.right - frame.left) / len(layers.blocks)
    for row, kind in enumerate(layers.kinds):
        for column, block in enumerate(layers.blocks):
            if layers.value(block, kind) is not None:
                left, right = (round(frame.left + step * edge) for edge in (column, column + 1))
                text = f"Block {block}, {layers.label(kind)}: {layers.cell(block, kind)}"
                yield Cell(left, round(frame.top) + ROW * row, right - left, ROW, text)

"""Places for the labels of a plot, so that none covers another one or a point."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from api.page.compare.comparison import Compared

# The size of a character of a label, and of a point, in pixels.
_WIDTH, _HEIGHT, _POINT = 8.5, 14.0, 6.0

Anchor = tuple[float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Corner:
    """Where a label stands relative to what it names: the offset in pixels, and which side of it is there."""

    right: float
    up: float
    ha: Literal["left", "right"]
    va: Literal["top", "bottom"]

    def box(self, anchor: Anchor, text: str) -> Box:
        """Return (left, bottom, right, top) of a text at this corner of the anchor."""
        x, y = anchor[0] + self.right, anchor[1] + self.up
        left = x if self.ha == "left" else x - _WIDTH * len(text)
        bottom = y if self.va == "bottom" else y - _HEIGHT
        return left, bottom, left + _WIDTH * len(text), bottom + _HEIGHT


class LabelPlaces:
    """What is taken so far: the points, and the labels that have a place. All coordinates are pixels."""

    def __init__(self, frame: Box, points: Sequence[Anchor]) -> None:
        """`frame` is the area of the plot, within which labels should stay."""
        self._frame = frame
        self._points = list(points)
        half = _POINT / 2
        self._taken: list[Box] = [(x - half, y - half, x + half, y + half) for x, y in self._points]

    def take(self, text: str, candidates: Sequence[tuple[Anchor, Corner]]) -> int:
        """Take the first candidate that covers nothing, else that which covers least; return its index."""
        boxes = [corner.box(anchor, text) for anchor, corner in candidates]
        covered = [
            _area(box) - _overlap(box, self._frame) + sum(_overlap(box, taken) for taken in self._taken)
            for box in boxes
        ]
        chosen = covered.index(min(covered))
        self._taken.append(boxes[chosen])
        return chosen

    def shared(self, compared: Sequence[Compared]) -> Iterator[tuple[str, Compared, Anchor]]:
        """Yield the label of each place. Points on top of each other share one: `A, C`."""
        places: list[tuple[Anchor, list[Compared]]] = []
        for anchor, point in zip(self._points, compared, strict=True):
            at = next((there for place, there in places if _is_near(place, anchor)), None)
            if at is None:
                places.append((anchor, [point]))
            else:
                at.append(point)
        for anchor, there in places:
            best = next((point for point in there if point.on_front), there[0])
            yield ", ".join(point.letter for point in there), best, anchor


def _is_near(one: Anchor, other: Anchor) -> bool:
    return abs(one[0] - other[0]) < _POINT and abs(one[1] - other[1]) < _POINT


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _overlap(one: Box, other: Box) -> float:
    """Return the area that two boxes share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)

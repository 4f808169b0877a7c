"""A report's layers as a map of block × kind, for the heat map, its table and its caption."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from api.page.base.format import percent

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
    def finding(self) -> str:
        """What the map shows, as a sentence."""
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

"""The picture of a report, with a caption and a table of its figures.

The caption is also the picture's alternative text. Matplotlib is loaded when a picture is first drawn,
because that takes a second and the API should start without it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from api.page.base.format import change, figure
from api.page.pictures.bar import Bar
from api.page.pictures.layer_map import LayerMap, layer_map
from api.schemas.public_report import public_name

Width = Literal["wide", "narrow"]

# Scaled down to a phone, the text of a picture would be too small to read, so each is drawn for two widths.
_NARROW, _FULL = 340, 980

_BAR, _FRAME = 30, 44


@dataclass(frozen=True, slots=True)
class Table:
    """The figures of a picture. The first column names the row."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture. Sizes are in CSS pixels."""

    title: str
    finding: str
    table: Table
    height: int
    paint: Callable[[tuple[int, int]], bytes]

    width: ClassVar[int] = _FULL
    narrow_width: ClassVar[int] = _NARROW

    def draw(self, width: Width) -> bytes:
        """Draw the picture as SVG."""
        return self.paint((self.width if width == "wide" else self.narrow_width, self.height))


def picture(report: dict[str, Any]) -> Picture:
    """Return the picture of a report: the first of these that adds to the figures above it.

    Where quality is lost, by layer; where the zeros lie; the perplexity on every text.
    """
    layers = report["sparsity"]["layers"]
    error, sparsity = layer_map(layers, "relative_error"), layer_map(layers, "sparsity")
    if error and not error.is_even:
        return _map("Reconstruction error by layer", error)
    if sparsity and not sparsity.is_even:
        return _map("Sparsity by layer", sparsity)
    return _perplexity(report)


def _perplexity(report: dict[str, Any]) -> Picture:
    measured = [report["perplexity"], *report.get("further_perplexities", ())]
    rows = []
    for facts in measured:
        name = public_name(str(facts.get("dataset", "text")))
        prefix = f"{name}, " if len(measured) > 1 else ""
        rows.append(Bar(f"{prefix}dense", facts["dense"], figure(facts["dense"]), quiet=True))
        grown = change((facts["dense"], facts["pruned"]))
        rows.append(Bar(f"{prefix}pruned", facts["pruned"], f"{figure(facts['pruned'])} ({grown})"))
    dense, pruned = measured[0]["dense"], measured[0]["pruned"]
    finding = f"Perplexity went from {figure(dense)} to {figure(pruned)}, {change((dense, pruned))}."

    def paint(pixels: tuple[int, int]) -> bytes:
        from api.page.pictures.bars import bars

        return bars(rows, pixels=pixels)

    table = Table(("", "Perplexity"), [(bar.label, bar.text) for bar in rows])
    return Picture("Perplexity", finding, table, _FRAME + _BAR * len(rows), paint)


def _map(title: str, layers: LayerMap) -> Picture:
    def paint(pixels: tuple[int, int]) -> bytes:
        from api.page.pictures.heat_map import heat_map

        return heat_map(layers, pixels=pixels)

    rows = [(str(block), *(layers.cell(block, kind) for kind in layers.kinds)) for block in layers.blocks]
    headings = ("Block", *(layers.label(kind) for kind in layers.kinds))
    return Picture(title, layers.finding, Table(headings, rows), layers.height, paint)

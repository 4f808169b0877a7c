"""The pictures of a report, each with a caption and a table of its figures.

The caption is also the picture's alternative text. Matplotlib is loaded when a picture is first drawn,
because that takes a second and the API should start without it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from api.page.base.format import change, count, duration, figure
from api.page.pictures.bar import Bar
from api.page.pictures.cells import Cell, cells_of, height_of
from api.page.pictures.layer_map import LayerMap, layer_map
from api.schemas.public_report import public_name
from pruning.byte_size import byte_size

Name = Literal["sparsity", "error", "perplexity", "recovery", "stages"]
Width = Literal["wide", "narrow"]

# Scaled down to a phone, the text of a picture would be too small to read, so each is drawn for two widths.
_NARROW, _HALF, _FULL = 340, 470, 980

_BAR, _FRAME, _CURVE = 30, 44, 240


@dataclass(frozen=True, slots=True)
class Table:
    """The figures of a picture. The first column names the row."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture. Sizes are in CSS pixels."""

    name: Name
    title: str
    finding: str
    table: Table
    width: int
    height: int
    paint: Callable[[tuple[int, int]], bytes]
    cells: Sequence[Cell] = ()  # of the wide picture, whose values show under the pointer

    narrow_width: ClassVar[int] = _NARROW

    def draw(self, width: Width) -> bytes:
        """Draw the picture as SVG."""
        return self.paint((self.width if width == "wide" else self.narrow_width, self.height))


def pictures(report: dict[str, Any]) -> list[Picture]:
    """Return the pictures for which the report has figures."""
    return [
        *_perplexity(report),
        *_recovery(report.get("recovery") or {}),
        *_stages(report.get("stages", ())),
        *_maps(report["sparsity"]["layers"]),
    ]


def _perplexity(report: dict[str, Any]) -> Iterator[Picture]:
    measured = [report["perplexity"], *report.get("further_perplexities", ())]
    rows = []
    for facts in measured:
        name = public_name(str(facts.get("dataset", "text")))
        prefix = f"{name}, " if len(measured) > 1 else ""
        rows.append(Bar(f"{prefix}dense", facts["dense"], figure(facts["dense"]), quiet=True))
        grown = change((facts["dense"], facts["pruned"]))
        rows.append(Bar(f"{prefix}pruned", facts["pruned"], f"{figure(facts['pruned'])} ({grown})"))
    dense, pruned = measured[0]["dense"], measured[0]["pruned"]
    yield _bars(
        "perplexity",
        "Perplexity",
        f"Perplexity went from {figure(dense)} to {figure(pruned)}, {change((dense, pruned))}.",
        rows,
    )


def _recovery(recovery: dict[str, Any]) -> Iterator[Picture]:
    training = recovery.get("distil")
    if training is None:
        return
    points, kept_step = training["curve"], training["kept_step"]
    held_out = [(point["tokens"], point["held_out_loss"]) for point in points]
    of_steps = [(point["tokens"], point["training_loss"]) for point in points if point["training_loss"]]
    kept = next(point for point in points if point["step"] == kept_step)
    before, after = points[0]["held_out_loss"], kept["held_out_loss"]

    def paint(pixels: tuple[int, int]) -> bytes:
        from api.page.pictures.curves import curves

        return curves(held_out, of_steps, (kept["tokens"], after), pixels=pixels)

    finding = (
        f"The loss on held-out text went from {before:.4f} to {after:.4f}, {change((before, after))}."
        if kept_step
        else "No step improved the loss on held-out text: the model stayed as pruning left it."
    )
    rows = [
        (
            count(point["tokens"]),
            "\N{EN DASH}" if point["training_loss"] is None else f"{point['training_loss']:.4f}",
            f"{point['held_out_loss']:.4f}{', kept' if point is kept else ''}",
        )
        for point in points
    ]
    table = Table(("Tokens", "Loss of the steps", "Held-out loss"), rows)
    yield Picture("recovery", "Training", finding, table, _HALF, _CURVE, paint)


def _stages(stages: Sequence[dict[str, Any]]) -> Iterator[Picture]:
    if not stages:
        return
    rows = [
        Bar(
            stage["name"],
            stage["seconds"],
            f"{duration(stage['seconds'])}, peak {byte_size(stage['peak_memory_bytes'])}",
        )
        for stage in stages
    ]
    longest = max(stages, key=lambda stage: float(stage["seconds"]))
    total = sum(float(stage["seconds"]) for stage in stages)
    share = f", {100 * longest['seconds'] / total:.0f} % of the time" if total else ""
    yield _bars(
        "stages",
        "Time by stage",
        f"The stage {longest['name']} took longest: {duration(longest['seconds'])}{share}.",
        rows,
    )


def _bars(name: Name, title: str, finding: str, rows: Sequence[Bar]) -> Picture:
    height = _FRAME + _BAR * len(rows)

    def paint(pixels: tuple[int, int]) -> bytes:
        from api.page.pictures.bars import bars

        return bars(rows, pixels=pixels)

    table = Table(("", title), [(bar.label, bar.text) for bar in rows])
    return Picture(name, title, finding, table, _HALF, height, paint)


def _maps(layers: Sequence[dict[str, Any]]) -> Iterator[Picture]:
    """Yield the heat maps. One with the same value everywhere would show nothing that the figures do not."""
    sparsity, error = layer_map(layers, "sparsity"), layer_map(layers, "relative_error")
    if sparsity and not sparsity.is_even:
        yield _map("sparsity", "Sparsity by layer", sparsity)
    if error and not error.is_even:
        yield _map("error", "Reconstruction error by layer", error)


def _map(name: Name, title: str, layers: LayerMap) -> Picture:
    def paint(pixels: tuple[int, int]) -> bytes:
        from api.page.pictures.heat_map import heat_map

        return heat_map(layers, pixels=pixels)

    rows = [(str(block), *(layers.cell(block, kind) for kind in layers.kinds)) for block in layers.blocks]
    headings = ("Block", *(layers.label(kind) for kind in layers.kinds))
    table = Table(headings, rows)
    height, cells = height_of(layers), cells_of(layers, _FULL)
    return Picture(name, title, layers.finding, table, _FULL, height, paint, cells)

"""Jobs as points: perplexity against sparsity, with those that no other job beats in both."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, ScalarFormatter

from api.page.format import percent
from api.plots.style import ACCENT, INK, NARROW, QUIET, SOFT, draw

_LOG_FROM = 8.0


@dataclass(frozen=True, slots=True)
class Point:
    """A job that has succeeded."""

    label: str
    sparsity: float
    perplexity: float
    on_front: bool


def front(points: Sequence[Point], *, dense: Sequence[float], pixels: tuple[int, int]) -> bytes:
    """The points, the front as the steps that it guarantees, the dense perplexity as a line across."""
    values = [point.perplexity for point in points] + list(dense)

    def paint(axes: Axes) -> None:
        for value in dense:
            axes.axhline(value, color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
        if len(dense) == 1:
            axes.annotate(
                "dense",
                (1, dense[0]),
                xycoords=("axes fraction", "data"),
                xytext=(-2, 4),
                textcoords="offset points",
                ha="right",
                color=SOFT,
            )
        best = sorted((p for p in points if p.on_front), key=lambda point: point.sparsity)
        axes.plot(
            [p.sparsity for p in best],
            [p.perplexity for p in best],
            color=ACCENT,
            linewidth=1.5,
            drawstyle="steps-pre",
        )
        for point in points:
            _mark(axes, point)
        if max(values) > _LOG_FROM * min(values):
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(ScalarFormatter())
            axes.yaxis.set_minor_formatter(ScalarFormatter())
        axes.margins(x=0.12, y=0.15)
        axes.grid(axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(4 if pixels[0] < NARROW else 8))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: percent(share)))
        axes.set_xlabel("sparsity")
        axes.set_ylabel("perplexity, pruned")
        axes.tick_params(length=0, which="both")

    return draw(paint, pixels)


def _mark(axes: Axes, point: Point) -> None:
    colour = ACCENT if point.on_front else QUIET
    axes.plot(point.sparsity, point.perplexity, marker="o" if point.on_front else "s", color=colour)
    axes.annotate(
        point.label,
        (point.sparsity, point.perplexity),
        xytext=(0, 8),
        textcoords="offset points",
        ha="center",
        fontsize=10,
        color=INK if point.on_front else SOFT,
    )

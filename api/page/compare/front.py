"""Draws perplexity against sparsity, with the Pareto front of the jobs."""

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, ScalarFormatter

from api.page.base.format import percent
from api.page.compare.comparison import Compared, Comparison
from api.page.pictures.style import ACCENT, INK, NARROW, QUIET, SOFT, draw

_LOG_FROM = 8.0


def front(comparison: Comparison, *, pixels: tuple[int, int]) -> bytes:
    """Draw the jobs as points, the front as steps, and each dense perplexity as a line."""
    points, dense = comparison.measured, comparison.dense
    values = [point.perplexity or 0.0 for point in points] + dense

    def paint(axes: Axes) -> None:
        _lines(axes, dense)
        if comparison.comparable:
            _steps(axes, points)
        for point in points:
            _mark(axes, point)
        if max(values) > _LOG_FROM * min(values):
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(ScalarFormatter())
            axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
            axes.yaxis.set_minor_formatter(ScalarFormatter())
        axes.margins(x=0.12, y=0.18)
        axes.grid(axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(4 if pixels[0] < NARROW else 8, steps=(1, 2, 5, 10)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: percent(share)))
        axes.set_xlabel("sparsity")
        axes.set_ylabel("perplexity, pruned")
        axes.tick_params(length=0, which="both")

    return draw(paint, pixels)


def _lines(axes: Axes, dense: list[float]) -> None:
    for value in dense:
        axes.axhline(value, color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
        axes.annotate(
            "dense",
            (1, value),
            xycoords=("axes fraction", "data"),
            xytext=(-2, -4),  # below the line: the letters are above their points
            textcoords="offset points",
            ha="right",
            va="top",
            color=SOFT,
        )


def _steps(axes: Axes, points: list[Compared]) -> None:
    best = sorted((point for point in points if point.on_front), key=lambda point: point.sparsity)
    axes.plot(
        [point.sparsity for point in best],
        [point.perplexity or 0.0 for point in best],
        color=ACCENT,
        linewidth=1.5,
        drawstyle="steps-pre",
    )


def _mark(axes: Axes, point: Compared) -> None:
    best = point.on_front
    place = (point.sparsity, point.perplexity or 0.0)
    axes.plot(*place, marker="o" if best else "s", color=ACCENT if best else QUIET)
    axes.annotate(
        point.letter,
        place,
        xytext=(6, 5),  # next to the front, which may rise from the point
        textcoords="offset points",
        weight="bold" if best else "normal",
        color=INK if best else SOFT,
    )

"""Draws perplexity against sparsity, or against size, with the Pareto front of the jobs."""

import math

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, ScalarFormatter

from api.page.base.format import percent
from api.page.compare.comparison import Compared, Comparison
from api.page.compare.labels import Corner, LabelPlaces
from api.page.pictures.style import ACCENT, BAD, INK, NARROW, QUIET, SOFT, draw

_LOG_FROM = 8.0

# A point's label stands at a corner of it, that of a line at one of its ends; the first place that is free.
# The front comes from the left and rises from the point, so it leaves the first two corners free.
_CORNERS = (
    Corner(-6, 5, "right", "bottom"),
    Corner(6, -5, "left", "top"),
    Corner(6, 5, "left", "bottom"),
    Corner(-6, -5, "right", "top"),
)
_BELOW_END, _ABOVE_END = Corner(-2, -4, "right", "top"), Corner(-2, 4, "right", "bottom")
_BELOW_START, _ABOVE_START = Corner(2, -4, "left", "top"), Corner(2, 4, "left", "bottom")


def front(comparison: Comparison, *, pixels: tuple[int, int], bound: float | None = None) -> bytes:
    """Draw jobs as points, the front as steps, each dense perplexity and the bound of a search as lines."""
    points = comparison.measured
    lines = [(value, "dense", QUIET) for value in comparison.dense]
    lines += [] if bound is None else [(bound, "bound", BAD)]
    values = [point.perplexity or 0.0 for point in points] + [value for value, _, _ in lines]

    def paint(axes: Axes) -> None:
        for value, _, color in lines:
            axes.axhline(value, color=color, linewidth=1, linestyle=(0, (4, 3)))
        if comparison.comparable:
            _steps(axes, points, comparison)
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
        axes.xaxis.set_major_formatter(_ticks(axes) if comparison.by_size else FuncFormatter(_percent))
        axes.set_xlabel(f"{comparison.axis} of the weights" if comparison.by_size else "sparsity")
        axes.set_ylabel("perplexity, pruned")
        axes.tick_params(length=0, which="both")
        _label(axes, points, [(value, text) for value, text, _ in lines])

    return draw(paint, pixels)


def _percent(value: float, _place: int | None = None) -> str:
    return percent(value)


def _ticks(axes: Axes) -> FuncFormatter:
    """Write sizes with as many decimals as tell the ticks of an axis from each other."""
    left, right = axes.get_xlim()
    unit = 1000 ** min(4, max(0, int(math.log10(max(right, 1)) // 3)))
    decimals = max(0, -math.floor(math.log10(max(right - left, 1) / 8 / unit)))
    name = ("B", "kB", "MB", "GB", "TB")[round(math.log(unit, 1000))]
    return FuncFormatter(lambda value, _place=None: f"{value / unit:,.{decimals if unit > 1 else 0}f} {name}")


def _steps(axes: Axes, points: list[Compared], comparison: Comparison) -> None:
    best = sorted(map(_place, (point for point in points if point.on_front)))
    axes.plot(
        [gain for gain, _ in best],
        [perplexity for _, perplexity in best],
        color=ACCENT,
        linewidth=1.5,
        drawstyle="steps-post" if comparison.by_size else "steps-pre",
    )


def _place(point: Compared) -> tuple[float, float]:
    return point.gain or 0.0, point.perplexity or 0.0


def _mark(axes: Axes, point: Compared) -> None:
    best = point.on_front
    axes.plot(*_place(point), marker="o" if best else "s", color=ACCENT if best else QUIET)


def _label(axes: Axes, points: list[Compared], lines: list[tuple[float, str]]) -> None:
    """Write next to lines and points what they are, once scale and limits are set."""
    axes.autoscale_view()
    area = axes.bbox
    places = LabelPlaces(
        (area.x0, area.y0, area.x1, area.y1),
        [_in_pixels(axes, _place(point)) for point in points],
    )
    for value, text in lines:
        _, height = _in_pixels(axes, (0.0, value))
        ends = [((area.x1, height), 1.0, corner) for corner in (_BELOW_END, _ABOVE_END)]
        ends += [((area.x0, height), 0.0, corner) for corner in (_BELOW_START, _ABOVE_START)]
        chosen = places.take(text, [(anchor, corner) for anchor, _, corner in ends])
        _write(axes, text, (ends[chosen][1], value), ends[chosen][2], color=SOFT, fraction=True)
    for letters, point, anchor in places.shared(points):
        chosen = places.take(letters, [(anchor, corner) for corner in _CORNERS])
        _write(
            axes,
            letters,
            _place(point),
            _CORNERS[chosen],
            color=INK if point.on_front else SOFT,
            bold=point.on_front,
        )


def _in_pixels(axes: Axes, place: tuple[float, float]) -> tuple[float, float]:
    x, y = axes.transData.transform(place)
    return float(x), float(y)


def _write(
    axes: Axes,
    text: str,
    place: tuple[float, float],
    corner: Corner,
    *,
    color: str,
    bold: bool = False,
    fraction: bool = False,
) -> None:
    axes.annotate(
        text,
        place,
        xycoords=("axes fraction", "data") if fraction else "data",
        xytext=(corner.right, corner.up),
        textcoords="offset points",
        ha=corner.ha,
        va=corner.va,
        weight="bold" if bold else "normal",
        color=color,
    )

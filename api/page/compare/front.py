"""Draws perplexity against sparsity, or against size, with the Pareto front of the jobs."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, ScalarFormatter

from api.page.base.format import percent
from api.page.compare.comparison import Compared, Comparison
from api.page.pictures.style import ACCENT, BAD, INK, NARROW, QUIET, SOFT, draw

_LOG_FROM = 8.0
_NEAR = 0.02
"""Points that are nearer to each other than this share of both axes have one label."""


def front(comparison: Comparison, *, pixels: tuple[int, int], bound: float | None = None) -> bytes:
    """Draw jobs as points, the front as steps, each dense perplexity and the bound of a search as lines."""
    points = comparison.measured
    lines = [(value, "dense", QUIET) for value in comparison.dense]
    lines += [] if bound is None else [(bound, "bound", BAD)]
    values = [point.perplexity or 0.0 for point in points] + [value for value, _, _ in lines]

    def paint(axes: Axes) -> None:
        for value, text, color in lines:
            axes.axhline(value, color=color, linewidth=1, linestyle=(0, (4, 3)))
            _write(axes, text, (0.0, value), color=SOFT, fraction=True)
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
        axes.autoscale_view()
        for letters, point in _together(axes, points):
            _write(axes, letters, _place(point), color=INK if point.on_front else SOFT, bold=point.on_front)

    return draw(paint, pixels)


def _percent(value: float, _place: int | None = None) -> str:
    return percent(value)


def _ticks(axes: Axes) -> FuncFormatter:
    """Write sizes with as many decimals as make the ticks of an axis distinct."""
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


def _together(axes: Axes, points: Sequence[Compared]) -> list[tuple[str, Compared]]:
    """Return the label of each place. Points that lie nearly on each other share one: `A, C`."""
    to_shares = axes.transData + axes.transAxes.inverted()
    groups: list[list[Compared]] = []
    for point in points:
        at = to_shares.transform(_place(point))
        near = (group for group in groups if max(abs(to_shares.transform(_place(group[0])) - at)) < _NEAR)
        group = next(near, None)
        if group is None:
            groups.append([point])
        else:
            group.append(point)
    return [
        (", ".join(one.letter for one in group), next((one for one in group if one.on_front), group[0]))
        for group in groups
    ]


def _write(
    axes: Axes,
    text: str,
    place: tuple[float, float],
    *,
    color: str,
    bold: bool = False,
    fraction: bool = False,
) -> None:
    """Write next to a point or a line what it is: above it, where neither the front nor the line goes on."""
    axes.annotate(
        text,
        place,
        xycoords=("axes fraction", "data") if fraction else "data",
        xytext=(2, 4) if fraction else (-5, 5),
        textcoords="offset points",
        ha="left" if fraction else "right",
        va="bottom",
        weight="bold" if bold else "normal",
        color=color,
    )

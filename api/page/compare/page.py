"""The page that compares jobs, and its pictures: perplexity against sparsity or size, KL against bytes."""

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Response
from starlette.concurrency import run_in_threadpool

from api.actions.jobs import NO_SUCH_JOB
from api.page.base.format import percent
from api.page.base.inputs import Owner
from api.page.base.render import page
from api.page.compare.comparison import Axis, ComparedFile, ComparedJob, Comparison, compare
from api.page.pictures.pictures import ClientHints, Hints, svg_response
from api.page.pictures.style import ACCENT, BAD, INK, NARROW, QUIET, SOFT, draw
from api.problems.catalogue import NotFound
from api.resources import AppResources, Database, Resources
from api.security.auth import Reader
from jobs import queries
from jobs.access.api_keys import Principal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.ticker import FuncFormatter

router = APIRouter(include_in_schema=False)

_MAX_JOBS = 100
PIXELS, NARROW_PIXELS = (980, 380), (340, 320)

Point = ComparedJob | ComparedFile

Selected = Annotated[list[UUID], Query(alias="job", max_length=_MAX_JOBS)]

_MIN_LOG_RATIO = 8.0
_CHARACTER_PIXELS, _LINE_PIXELS = 8, 16
"""Of a label."""
_MIN_KL = 1e-3
"""Below so many nats, files are told apart on a linear scale."""
_MAX_LABEL_DISTANCE = 0.02
"""Points that are nearer to each other than this share of both axes have one label."""


def front(comparison: Comparison, *, pixels: tuple[int, int], bound: float | None = None) -> bytes:
    """Draw points, the front as steps, each dense perplexity and the bound of a search as lines."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    points, of_files = comparison.drawn, comparison.axis is Axis.FILE
    lines = [(value, "dense", QUIET) for value in comparison.dense]
    lines += [] if bound is None or of_files else [(bound, "bound", BAD)]
    values = [point.loss or 0.0 for point in points] + [value for value, _, _ in lines]

    def paint(axes: "Axes") -> None:
        for value, text, color in lines:
            axes.axhline(value, color=color, linewidth=1, linestyle=(0, (4, 3)))
            _write(axes, text, (0.0, value), color=SOFT, fraction=True)
        if comparison.comparable:
            _steps(axes, points, comparison)
        for point in points:
            _mark(axes, point)
        if max(values) > _MIN_LOG_RATIO * min(values):
            _logarithmic(axes, _MIN_KL if of_files else None)
        axes.margins(x=0.3 if of_files and pixels[0] < NARROW else 0.12, y=0.18)
        axes.grid(axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(4 if pixels[0] < NARROW else 8, steps=(1, 2, 5, 10)))
        axes.xaxis.set_major_formatter(_ticks(axes) if comparison.by_size else FuncFormatter(_percent))
        sizes = comparison.axis if of_files else f"{comparison.axis} of the weights"
        axes.set_xlabel(sizes if comparison.by_size else "sparsity")
        axes.set_ylabel("KL from dense, nats" if of_files else "perplexity, pruned")
        axes.tick_params(length=0, which="both")
        axes.autoscale_view()
        labels = _grouped_labels(axes, points)
        for letters, point in _readable(axes, labels, pixels) if of_files else labels:
            _write(axes, letters, _point(point), color=INK if point.on_front else SOFT, bold=point.on_front)

    return draw(paint, pixels)


def _logarithmic(axes: "Axes", linear: float | None) -> None:
    """Make the vertical axis logarithmic; below `linear`, a scale that has zero."""
    from matplotlib.ticker import FuncFormatter, LogLocator, SymmetricalLogLocator

    plain = FuncFormatter(lambda value, _place: f"{value:,g}")
    axes.set_yscale("log") if linear is None else axes.set_yscale("symlog", linthresh=linear)
    axes.yaxis.set_major_formatter(plain)
    axes.yaxis.set_minor_locator(
        LogLocator(subs=(2, 5))
        if linear is None
        else SymmetricalLogLocator(base=10, linthresh=linear, subs=(2, 5))
    )
    axes.yaxis.set_minor_formatter(plain)


def _percent(value: float, _place: int | None = None) -> str:
    return percent(value)


def _ticks(axes: "Axes") -> "FuncFormatter":
    """Write sizes with as many decimals as make the ticks of an axis distinct."""
    from matplotlib.ticker import FuncFormatter

    left, right = axes.get_xlim()
    unit = 1000 ** min(4, max(0, int(math.log10(max(right, 1)) // 3)))
    decimals = max(0, -math.floor(math.log10(max(right - left, 1) / 8 / unit)))
    name = ("B", "kB", "MB", "GB", "TB")[round(math.log(unit, 1000))]
    return FuncFormatter(lambda value, _place=None: f"{value / unit:,.{decimals if unit > 1 else 0}f} {name}")


def _steps(axes: "Axes", points: list[Point], comparison: Comparison) -> None:
    best = sorted(map(_point, (point for point in points if point.on_front)))
    axes.plot(
        [value for value, _ in best],
        [loss for _, loss in best],
        color=ACCENT,
        linewidth=1.5,
        drawstyle="steps-post" if comparison.by_size else "steps-pre",
    )


def _point(point: Point) -> tuple[float, float]:
    return point.value or 0.0, point.loss or 0.0


def _mark(axes: "Axes", point: Point) -> None:
    best = point.on_front
    axes.plot(*_point(point), marker="o" if best else "s", color=ACCENT if best else QUIET)


def _grouped_labels(axes: "Axes", points: Sequence[Point]) -> list[tuple[str, Point]]:
    """Return a label for each group of points. Points that nearly coincide share one: `A, C`."""
    to_shares = axes.transData + axes.transAxes.inverted()
    groups: list[list[Point]] = []
    places: list[tuple[float, float]] = []
    for point in points:
        across, up = to_shares.transform(_point(point))
        near = (
            group
            for group, place in zip(groups, places, strict=True)
            if max(abs(place[0] - across), abs(place[1] - up)) < _MAX_LABEL_DISTANCE
        )
        group = next(near, None)
        if group is None:
            groups.append([point])
            places.append((across, up))
        else:
            group.append(point)
    return [
        (", ".join(one.label for one in group), next((one for one in group if one.on_front), group[0]))
        for group in groups
    ]


def _readable(
    axes: "Axes", labels: Sequence[tuple[str, Point]], pixels: tuple[int, int]
) -> list[tuple[str, Point]]:
    """Leave out labels that would lie on others; those of the front come first. The table has all."""
    to_shares = axes.transData + axes.transAxes.inverted()
    kept: list[tuple[str, Point]] = []
    boxes: list[tuple[float, float, float]] = []  # left, right and bottom, in pixels
    for text, point in sorted(labels, key=lambda label: not label[1].on_front):
        right, bottom = to_shares.transform(_point(point)) * pixels
        left = right - _CHARACTER_PIXELS * len(text)
        if not any(left < box[1] and box[0] < right and abs(bottom - box[2]) < _LINE_PIXELS for box in boxes):
            kept.append((text, point))
            boxes.append((left, right, bottom))
    return kept


def _write(
    axes: "Axes",
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


@router.get("/compare")
def show(principal: Reader, owner: Owner, database: Database, selected: Selected = []) -> Response:  # noqa: B006 - FastAPI copies it
    """Compare jobs: perplexity against sparsity or size."""
    query = [("job", str(job_id)) for job_id in dict.fromkeys(selected)]
    query += [("owner", owner)] if owner != principal.owner else []
    return page(
        "compare/compare.html",
        comparison=_comparison(database, owner, selected),
        query=urlencode(query),
        pixels=PIXELS,
        narrow=NARROW_PIXELS,
        principal=principal,
    )


@router.get("/compare/front.svg")
async def show_front(
    owner: Owner,
    principal: Reader,
    resources: Resources,
    selected: Selected = [],  # noqa: B006 - FastAPI copies it
    *,
    files: bool = False,
    hints: Hints,
) -> Response:
    """Show a comparison of jobs, or of their exported files."""
    comparison = await run_in_threadpool(_comparison, resources.database, owner, selected)
    return await front_of(comparison.of_files if files else comparison, principal, resources, hints)


async def front_of(
    comparison: Comparison,
    principal: Principal,
    resources: AppResources,
    hints: ClientHints,
    bound: float | None = None,
) -> Response:
    """Show a comparison as a picture, with the perplexity that a search must not exceed, if there is one.

    Raises NotFound where nothing is measured yet.
    """
    if not comparison.measured:
        raise NotFound("None of these jobs has a result yet.")
    draw = partial(front, comparison, pixels=NARROW_PIXELS if hints.narrow else PIXELS, bound=bound)
    return await svg_response(draw, principal, resources, hints)


def _comparison(database: Database, owner: str, selected: Sequence[UUID]) -> Comparison:
    ids = [*dict.fromkeys(selected)]
    with database.begin() as session:
        by_id = queries.without_reports(session, owner, ids)
        if len(by_id) < len(ids):
            raise NotFound(NO_SUCH_JOB)
        found = [by_id[job_id] for job_id in ids]
        seconds, cuts = queries.seconds_on_workers(session, ids), queries.cuts_of_jobs(session, ids)
    return compare(found, seconds, cuts)

"""The picture of a report: its routes, its caption, and the table of its figures.

The caption is also the picture's alternative text.
"""

import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Response
from starlette.concurrency import run_in_threadpool

from api.actions import jobs
from api.page.base.format import change, figure
from api.page.base.inputs import Owner
from api.page.pictures.heat_map import LayerMap, heat_map, layer_map
from api.page.pictures.style import ACCENT, BAD, INK, LINE, NARROW, QUIET, draw
from api.problems.catalogue import NotFound
from api.resources import AppResources, Resources
from api.schemas.zoo import public_name
from api.security.auth import Reader
from jobs.access.api_keys import Principal
from jobs.tables import Job

if TYPE_CHECKING:
    from matplotlib.axes import Axes

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar with its label and text; without a value only the text is drawn."""

    label: str
    value: float | None
    text: str
    quiet: bool = False


def bars(rows: Sequence[Bar], pixels: tuple[int, int]) -> bytes:
    """Draw horizontal bars from zero, the first on top."""
    longest = max((row.value for row in rows if row.value is not None), default=1.0) or 1.0

    def paint(axes: "Axes") -> None:
        for position, row in enumerate(rows):
            length = 0.0 if row.value is None else row.value
            axes.barh(position, length, 0.62, color=QUIET if row.quiet else ACCENT)
            axes.annotate(
                row.text,
                (length, position),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                color=BAD if row.value is None else INK,
            )
        axes.set_yticks(range(len(rows)), labels=[row.label for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        # Room for the text next to the longest bar.
        axes.set_xlim(0, longest * (2.3 if pixels[0] < NARROW else 1.8))
        axes.set_xticks([])
        axes.tick_params(length=0, axis="y", labelcolor=INK)
        axes.spines["bottom"].set_visible(False)
        axes.spines["left"].set_color(LINE)

    return draw(paint, pixels)


Width = Literal["wide", "narrow"]

# Scaled down to a phone, the text of a picture would be too small to read, so each is drawn for two widths.
_NARROW, _FULL = 340, 980

_BAR_PIXELS, _FRAME_PIXELS = 30, 44


@dataclass(frozen=True, slots=True)
class Table:
    """The figures of a picture. The first column names the row."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture. Sizes are in CSS pixels."""

    title: str
    caption: str
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

    The error by layer, the sparsity by layer, or the perplexity on every text.
    """
    layers = report["sparsity"]["layers"]
    error, sparsity = layer_map(layers, "relative_error"), layer_map(layers, "sparsity")
    if error and not error.is_even:
        return _map("Reconstruction error by layer", error)
    if sparsity and not sparsity.is_even:
        return _map("Sparsity by layer", sparsity)
    return _perplexity(report)


def _perplexity(report: dict[str, Any]) -> Picture:
    measured = [report["perplexity"], *report.get("domains", {}).values()]
    rows = []
    for facts in measured:
        name = public_name(str(facts.get("dataset", "text")))
        prefix = f"{name}, " if len(measured) > 1 else ""
        rows.append(Bar(f"{prefix}dense", facts["dense"], figure(facts["dense"]), quiet=True))
        grown = change((facts["dense"], facts["pruned"]))
        rows.append(Bar(f"{prefix}pruned", facts["pruned"], f"{figure(facts['pruned'])} ({grown})"))
    dense, pruned = measured[0]["dense"], measured[0]["pruned"]
    caption = f"Perplexity went from {figure(dense)} to {figure(pruned)}, {change((dense, pruned))}."

    table = Table(("", "Perplexity"), [(bar.label, bar.text) for bar in rows])
    return Picture("Perplexity", caption, table, _FRAME_PIXELS + _BAR_PIXELS * len(rows), partial(bars, rows))


def _map(title: str, layers: LayerMap) -> Picture:
    rows = [(str(block), *(layers.cell(block, kind) for kind in layers.kinds)) for block in layers.blocks]
    headings = ("Block", *(layers.label(kind) for kind in layers.kinds))
    return Picture(title, layers.caption, Table(headings, rows), layers.height, partial(heat_map, layers))


# An SVG has its own style, and nothing that runs or loads.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    # A report does not change, but an update of the service may draw it differently.
    "Cache-Control": "private, max-age=3600",
    "Vary": "Cookie, Accept-Encoding",
}


@dataclass(frozen=True, slots=True)
class ClientHints:
    """Which form of a picture the browser can show."""

    narrow: bool = False
    accept_encoding: Annotated[str, Header()] = ""


Hints = Annotated[ClientHints, Depends()]


@router.get("/jobs/{job_id}/picture.svg")
async def show_picture(
    job_id: UUID, owner: Owner, principal: Reader, resources: Resources, hints: Hints
) -> Response:
    """Show the picture of a job."""
    job = await run_in_threadpool(_job, resources, owner, job_id)
    return await picture_of(job, principal, resources, hints)


async def picture_of(job: Job, principal: Principal, resources: AppResources, hints: ClientHints) -> Response:
    """Show the picture of a job's report. Raises NotFound for a job without a report.

    Raises ServiceUnavailable while too many pictures wait to be drawn.
    """
    width: Width = "narrow" if hints.narrow else "wide"
    return await svg_response(partial(_draw, job.report, width), principal, resources, hints)


async def svg_response(
    draw: Callable[[], bytes], principal: Principal, resources: AppResources, hints: ClientHints
) -> Response:
    """Return the response with a picture, compressed to a tenth if the browser accepts that."""
    packed = "gzip" in hints.accept_encoding

    def make() -> bytes:
        return gzip.compress(draw()) if packed else draw()

    content = await resources.pictures.run(principal.owner, make)
    encoding = {"Content-Encoding": "gzip"} if packed else {}
    return Response(content, media_type="image/svg+xml", headers=_HEADERS | encoding)


def _job(resources: AppResources, owner: str, job_id: UUID) -> Job:
    with resources.database.begin() as session:
        return jobs.find(session, owner, job_id)


def _draw(report: dict[str, Any] | None, width: Width) -> bytes:
    if not report:
        raise NotFound("This job has no report.")
    return picture(report).draw(width)

"""The picture of a report: its routes, its caption, and the table of its figures.

The caption is also the picture's alternative text.
"""

import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Response
from starlette.concurrency import run_in_threadpool

from api.actions import jobs
from api.page.base.inputs import Owner
from api.page.pictures.heat_map import LayerMap, heat_map, layer_map
from api.problems.catalogue import NotFound
from api.resources import AppResources, Resources
from api.security.auth import Reader
from jobs.access.api_keys import Principal
from jobs.tables import Job

router = APIRouter(include_in_schema=False)

Width = Literal["wide", "narrow"]

# Scaled down to a phone, the text of a picture would be too small to read, so each is drawn for two widths.
_NARROW, _FULL = 340, 980


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


def picture(report: dict[str, Any]) -> Picture | None:
    """Return the picture of a report: of the error by layer, or else of the sparsity by layer.

    Where all layers are alike there is none: it would add nothing to the figures above it.
    """
    layers = report["sparsity"]["layers"]
    error, sparsity = layer_map(layers, "relative_error"), layer_map(layers, "sparsity")
    if error and not error.is_even:
        return _map("Reconstruction error by layer", error)
    if sparsity and not sparsity.is_even:
        return _map("Sparsity by layer", sparsity)
    return None


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
    """Show the picture of a job's report. Raises NotFound for a job without one.

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
    shown = picture(report) if report else None
    if shown is None:
        raise NotFound("This job has no picture.")
    return shown.draw(width)

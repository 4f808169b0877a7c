"""Draws labelled bars: perplexities and stage times."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from api.page.pictures.bar import Bar
from api.page.pictures.style import ACCENT, BAD, INK, LINE, NARROW, QUIET, draw


def bars(rows: Sequence[Bar], *, pixels: tuple[int, int]) -> bytes:
    """Draw horizontal bars from zero, the first on top."""
    longest = max((row.value for row in rows if row.value is not None), default=1.0) or 1.0

    def paint(axes: Axes) -> None:
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

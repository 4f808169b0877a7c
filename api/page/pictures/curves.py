"""Draws the curve of a training: loss by tokens."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from api.page.pictures.style import ACCENT, INK, LINE, QUIET, draw

Points = Sequence[tuple[float, float]]
"""Tokens and loss, in order."""


def curves(
    held_out: Points, training: Points, kept: tuple[float, float], *, pixels: tuple[int, int]
) -> bytes:
    """Draw the loss on held-out text and that on the text of the steps; mark the point that was kept."""

    def paint(axes: Axes) -> None:
        for points, colour, name in ((training, QUIET, "steps"), (held_out, ACCENT, "held-out")):
            if points:
                axes.plot(*zip(*points, strict=True), color=colour, marker="o", markersize=3, label=name)
        axes.plot(*kept, color=ACCENT, marker="o", markersize=8, linestyle="none")
        axes.annotate("kept", kept, xytext=(0, 10), textcoords="offset points", ha="right", color=INK)
        axes.set_xlabel("tokens")
        axes.set_ylabel("loss, nats")
        axes.set_xlim(left=0)
        axes.margins(y=0.15)
        axes.grid(axis="y")
        axes.legend(frameon=False, labelcolor=INK)
        axes.spines["bottom"].set_color(LINE)

    return draw(paint, pixels)

"""Figures as SVG that follow the reader's theme: light or dark is decided where the picture is shown.

Matplotlib writes colours as they are named. Each role of a colour is drawn in a value that nothing else uses,
which the finished SVG replaces by a CSS variable; text stays text, in the reader's own font.
"""

import io
import threading
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

NARROW = 400
"""Pixels: below them a picture is drawn for a telephone."""

INK, SOFT, LINE, ACCENT, QUIET, BAD = "#010101", "#020202", "#030303", "#040404", "#050505", "#060606"

# The page's own colours, by role: on light, on dark.
_THEMES = {
    INK: ("#191c1a", "#e7ebe8"),
    SOFT: ("#5b635e", "#9ba59f"),
    LINE: ("#d5dad4", "#363d38"),
    ACCENT: ("#12704f", "#6fd0a5"),
    QUIET: ("#9aa59e", "#69736d"),
    BAD: ("#b3261e", "#f2948c"),
}

_SETTINGS: Any = {  # its own type lists every name there is
    "svg.fonttype": "none",
    "svg.hashsalt": "pruneserve",  # equal figures are equal bytes
    "text.parse_math": False,  # a dollar sign in a file's name is a dollar sign
    "font.size": 12.5,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": SOFT,
    "ytick.labelcolor": SOFT,
    "figure.constrained_layout.use": True,
}

_FONT = 'system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif'

# Matplotlib's settings and font cache belong to the whole process, and routes run in threads.
_one_at_a_time = threading.Lock()


def draw(paint: Callable[[Axes], None], pixels: tuple[int, int]) -> bytes:
    """The SVG of a figure with one set of axes, which `paint` fills. Width and height are in CSS pixels."""
    with _one_at_a_time, mpl.rc_context(_SETTINGS):
        # 72 dots per inch: Matplotlib's unit of text and lines is then one pixel.
        figure = Figure(figsize=(pixels[0] / 72, pixels[1] / 72), dpi=72)
        FigureCanvasSVG(figure)
        paint(figure.add_subplot())
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _themed(file.getvalue()).encode()


def _themed(svg: str) -> str:
    for number, role in enumerate(_THEMES):
        svg = svg.replace(role, f"var(--c{number})")
    light, dark = (
        "".join(f"--c{number}:{colours[theme]};" for number, colours in enumerate(_THEMES.values()))
        for theme in (0, 1)
    )
    style = (
        f":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}"
        f"text{{font-family:{_FONT}!important;font-variant-numeric:tabular-nums}}"
    )
    return svg.replace("<defs>", f'<style type="text/css">{style}</style>\n <defs>', 1)

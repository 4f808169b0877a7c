"""Draws figures as SVG that follow the light or dark theme of the browser.

Each role of a colour is drawn in a placeholder colour that nothing else uses, which is replaced by a CSS
variable in the finished SVG. Text stays text, in the browser's own font.
"""

import io
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NARROW = 400
"""Pictures narrower than this, in pixels, are drawn for a phone."""

INK, SOFT, LINE, ACCENT, QUIET, BAD = "#010101", "#020202", "#030303", "#040404", "#050505", "#060606"

# The colours of the page by role: for the light and the dark theme.
_THEMES = {
    INK: ("#191c1a", "#e7ebe8"),
    SOFT: ("#5b635e", "#9ba59f"),
    LINE: ("#d5dad4", "#363d38"),
    ACCENT: ("#12704f", "#6fd0a5"),
    QUIET: ("#9aa59e", "#69736d"),
    BAD: ("#b3261e", "#f2948c"),
}

_SETTINGS: Any = {  # the declared type lists every setting by name
    "svg.fonttype": "none",
    "svg.hashsalt": "pruneserve",  # equal figures give equal bytes
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

# Matplotlib's settings and font cache are global, and routes run in threads.
_lock = threading.Lock()


def draw(paint: Callable[["Axes"], None], pixels: tuple[int, int]) -> bytes:
    """Draw one set of axes, which `paint` fills, as SVG. `pixels` is (width, height) in CSS pixels."""
    import matplotlib as mpl  # here, because it takes a second, and the API should start without it
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with _lock, mpl.rc_context(_SETTINGS):
        # At 72 dots per inch, Matplotlib's unit of text and lines is one pixel.
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

"""One bar of a chart: what is drawn without Matplotlib being loaded."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar. Without a value there is nothing to draw, and the text says why."""

    label: str
    value: float | None
    text: str
    quiet: bool = False

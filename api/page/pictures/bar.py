"""A bar of a chart, in a module that does not load Matplotlib."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar with its text. Without a value nothing is drawn, and the text says why."""

    label: str
    value: float | None
    text: str
    quiet: bool = False

"""What a text is read from, and what for."""

from dataclasses import dataclass
from typing import Literal

Purpose = Literal["calibration", "evaluation"]

PARAGRAPH_BREAK = "\n\n"


@dataclass(frozen=True)
class Source:
    """A dataset, what it is read for, and the field of the request that names it."""

    dataset: str
    purpose: Purpose
    field: str

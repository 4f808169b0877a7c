"""The stages of a run, in their order."""

from enum import StrEnum
from typing import Self


class Stage(StrEnum):
    """A stage of a run. The service adds `upload`; the library ends after `speed`."""

    RESOLVE = "resolve"
    GRADIENTS = "gradients"
    CUT = "cut"
    TRIAL = "trial"
    SEARCH = "search"
    PRUNE = "prune"
    RECOVER = "recover"
    EVALUATE = "evaluate"
    SPEED = "speed"
    UPLOAD = "upload"

    @classmethod
    def known(cls, name: str | None) -> Self | None:
        """Return the stage of this name; None for no name, and for one that only a newer release has."""
        return next((stage for stage in cls if stage == name), None)

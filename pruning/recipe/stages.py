"""The stages of a run, in their order."""

from enum import StrEnum


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

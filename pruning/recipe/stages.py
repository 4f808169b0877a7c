"""The stages of a run, in their order."""

from enum import StrEnum


class Stage(StrEnum):
    """What a run is doing. `upload` belongs to the service; the library ends after `evaluate`."""

    RESOLVE = "resolve"
    GRADIENTS = "gradients"
    PRUNE = "prune"
    EVALUATE = "evaluate"
    UPLOAD = "upload"

"""What can go wrong, sorted by what the caller should do about it."""


class PruningError(Exception):
    """A run that cannot go on. The message says what is wrong and what to do; people are shown it."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        """`field` is the dotted path in the recipe or evaluation that caused it, such as `model.id`."""
        super().__init__(message)
        self.field = field


class InvalidInput(PruningError):
    """The recipe cannot be run as it stands: trying again gives the same answer."""


class NumericalFailure(PruningError):
    """A layer's numbers went wrong (NaN, infinity, a matrix that does not factor); names the layer."""


class Unreachable(PruningError):
    """Something outside did not answer (the Hub, say): trying again later may work."""

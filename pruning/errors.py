"""Errors of the library, by what the caller should do about them."""


class PruningError(Exception):
    """The run cannot continue. The message is shown to users: it says what is wrong and what to do."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        """`field`: the dotted path in the recipe or evaluation that caused the error, such as `model.id`."""
        super().__init__(message)
        self.field = field


class InvalidInput(PruningError):
    """The recipe cannot be run as it is: a retry gives the same error."""


class NumericalFailure(PruningError):
    """Numbers of a layer are invalid (NaN, infinity, a matrix that does not factor); names the layer."""


class Unreachable(PruningError):
    """An outside service (the Hub, say) did not answer: a retry later may succeed."""

    def __init__(self, what: str, remedy: str = "try again later", *, field: str | None = None) -> None:
        """`what` did not answer, without the `remedy`: there is none for who waits until it does."""
        super().__init__(f"{what}; {remedy}", field=field)
        self.what = what


def is_panic(error: BaseException) -> bool:
    """Whether a library written in Rust panicked (tokenizers, safetensors): not an `Exception` in Python."""
    return type(error).__name__ == "PanicException" and type(error).__module__ == "pyo3_runtime"

"""What a GGUF file may be of, and where a helper writes it. Needs no torch."""

from collections.abc import Callable

from pruning.errors import InvalidInput
from pruning.recipe.exports import GGUF_TYPES, GgufType

ShareStep = Callable[[float], None]
"""Called with the share of a task that is done."""

OUTPUT = "output.gguf"
"""The name of the file that a helper writes, in a directory of its own."""

INPUTS = "input"
"""The directory there with links to the files that it may read."""


def gguf_type(name: str, *, has_importance: bool) -> GgufType:
    """Return the type of that name. Raises InvalidInput if there is none, or if it lacks an importance."""
    if name not in GGUF_TYPES:
        raise InvalidInput(
            f"{name!r} is not a GGUF type; use one of {', '.join(GGUF_TYPES)}", field="exports"
        )
    found = GGUF_TYPES[name]
    if found.needs_importance and not has_importance:
        without = ", ".join(known for known, other in GGUF_TYPES.items() if not other.needs_importance)
        raise InvalidInput(
            f"llama.cpp writes {name} only with an importance for each linear layer; give one, or use one of "
            f"{without}",
            field="exports",
        )
    return found

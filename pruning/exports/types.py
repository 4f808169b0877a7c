"""The types of GGUF files that can be written. Needs no other package."""

from collections.abc import Mapping
from dataclasses import dataclass

from pruning.errors import InvalidInput

OUTPUT = "output.gguf"
"""The name of the file that a helper writes, in a directory of its own."""


@dataclass(frozen=True)
class GgufType:
    """A type of llama.cpp's, by its number in `enum llama_ftype`."""

    number: int
    bits: float
    """Per weight, roughly; embeddings and rows that do not fit differ."""
    needs_importance: bool = False
    """Whether llama.cpp refuses it without one."""


GGUF_TYPES: Mapping[str, GgufType] = {
    "F16": GgufType(1, 16),
    "BF16": GgufType(32, 16),
    "Q8_0": GgufType(7, 8.5),
    "Q6_K": GgufType(18, 6.6),
    "Q5_1": GgufType(9, 6),
    "Q5_K_M": GgufType(17, 5.7),
    "Q5_K_S": GgufType(16, 5.5),
    "Q5_0": GgufType(8, 5.5),
    "Q4_1": GgufType(3, 5),
    "Q4_K_M": GgufType(15, 4.9),
    "Q4_K_S": GgufType(14, 4.6),
    "Q4_0": GgufType(2, 4.5),
    "IQ4_NL": GgufType(25, 4.5),
    "IQ4_XS": GgufType(30, 4.3),
    "Q3_K_L": GgufType(13, 4.3),
    "Q3_K_M": GgufType(12, 3.9),
    "IQ3_M": GgufType(27, 3.7),
    "IQ3_S": GgufType(26, 3.5),
    "Q3_K_S": GgufType(11, 3.5),
    "IQ3_XS": GgufType(22, 3.3, needs_importance=True),
    "IQ3_XXS": GgufType(23, 3.1, needs_importance=True),
    "Q2_K": GgufType(10, 3.2),
    "Q2_K_S": GgufType(21, 2.8, needs_importance=True),
}
"""By name; from 16 bits to Q2_K."""


def gguf_type(name: str, *, has_importance: bool) -> GgufType:
    """Return the type of that name. Raises InvalidInput if there is none, or if it lacks an importance."""
    if name not in GGUF_TYPES:
        raise InvalidInput(
            f"{name!r} is no type of a GGUF file; use one of {', '.join(GGUF_TYPES)}", field="type"
        )
    found = GGUF_TYPES[name]
    if found.needs_importance and not has_importance:
        without = ", ".join(known for known, other in GGUF_TYPES.items() if not other.needs_importance)
        raise InvalidInput(
            f"llama.cpp writes {name} only with an importance for each linear layer; give one, or use one of "
            f"{without}",
            field="type",
        )
    return found

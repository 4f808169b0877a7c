"""The header of a file of gradient norms, read without torch, while the file arrives.

The file is `pruning.gradients.file`'s. Its header says which model and windows the norms are of, and where
each tensor lies; everything is checked but the numbers themselves, which are checked where they are used.
"""

import json
from typing import Any

FILE_NAME = "gradient_norms.safetensors"
FORMAT = "pruneserve gradient norms 1"
MAX_HEADER_BYTES = 8 * 2**20
LENGTH_BYTES = 8

_BYTES = {"F32": 4, "F64": 8}
_NORMS = ("l1/", "l2/")
_MAX_TEXT = 1024


class NotNorms(ValueError):
    """The file holds no gradient norms. The message says why, and quotes nothing of the file."""


def header_length(start: bytes | bytearray) -> int:
    """Return the bytes of the header from the first `LENGTH_BYTES` of the file. Raises `NotNorms`."""
    length = int.from_bytes(start[:LENGTH_BYTES], "little")
    if len(start) < LENGTH_BYTES or not 2 <= length <= MAX_HEADER_BYTES:
        raise NotNorms(f"is no safetensors file with a header of at most {MAX_HEADER_BYTES} bytes")
    return length


def content_bytes(header: bytes) -> int:
    """Return how many bytes of tensors follow a header. Raises `NotNorms` for one of other content."""
    try:
        described = json.loads(header)
    except (ValueError, RecursionError) as error:
        raise NotNorms("has a header that is no JSON") from error
    if not isinstance(described, dict):
        raise NotNorms("has a header that is no JSON object")
    metadata = described.pop("__metadata__", None)
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise NotNorms(
            f"does not hold gradient norms; send the {FILE_NAME} of a gradient job or an earlier run"
        )
    if not all(_is_text(metadata.get(name)) for name in ("model", "calibration")):
        raise NotNorms("does not name the model and the text of its norms")
    if not described:
        raise NotNorms("has no norms")
    return _end(described)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_TEXT


def _end(tensors: dict[str, Any]) -> int:
    """Return where the last tensor ends; together they must leave no gap."""
    places = sorted(_place(name, tensor) for name, tensor in tensors.items())
    end = 0
    for begin, after in places:
        if begin != end:
            raise NotNorms("has tensors that overlap, or bytes that belong to none")
        end = after
    return end


def _place(name: str, tensor: object) -> tuple[int, int]:
    if not name.startswith(_NORMS) or not isinstance(tensor, dict):
        raise NotNorms("has a tensor that is no norm: their names begin with l1/ or l2/")
    size = _BYTES.get(str(tensor.get("dtype")))
    shape, offsets = _pair(tensor.get("shape"), least=1), _pair(tensor.get("data_offsets"), least=0)
    if size is None or shape is None or offsets is None:
        raise NotNorms("has a norm that is not (outputs, inputs) in float32 or float64")
    begin, end = offsets
    if end - begin != shape[0] * shape[1] * size:
        raise NotNorms("has a norm whose bytes do not fit its shape")
    return begin, end


def _pair(value: object, *, least: int) -> tuple[int, int] | None:
    """Return two integers of `least` or more. None for anything else."""
    match value:
        case [int(first), int(second)] if not isinstance(first, bool) and not isinstance(second, bool):
            return (first, second) if min(first, second) >= least else None
    return None

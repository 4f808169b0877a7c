"""The formats of uploads, checked without torch: the header of a file of gradient norms, and lines of JSON.

A file of gradient norms is written by `pruning.calibration.gradient_files`. Its header says which model and
windows the norms are of, and where each tensor is; everything is checked but the numbers, which are checked
where they are used.
"""

import json
import re
from collections.abc import Iterable, Iterator

FILE_NAME = "gradient_norms.safetensors"
FORMAT = "pruneserve gradient norms 1"
MAX_HEADER_BYTES = 8 * 2**20
LENGTH_BYTES = 8

_BYTES = {"F32": 4, "F64": 8}
_NORMS = ("l1/", "l2/")
_MAX_NAME_CHARACTERS = 1024
_MAX_ENTRY_CHARACTERS = 2**14
_NO_OBJECT = "has a header that is not a JSON object"
_SPACES = " \t\n\r"
_SPACE = re.compile(f"[{_SPACES}]*")
_DECODER = json.JSONDecoder()


class InvalidGradientFile(ValueError):
    """The file holds no gradient norms. The message gives the reason, and quotes nothing from the file."""


def header_length(start: bytes | bytearray) -> int:
    """Return the bytes of the header, given the first `LENGTH_BYTES`. Raises InvalidGradientFile."""
    length = int.from_bytes(start[:LENGTH_BYTES], "little")
    if len(start) < LENGTH_BYTES or not 2 <= length <= MAX_HEADER_BYTES:
        raise InvalidGradientFile(
            f"is not a safetensors file with a header of at most {MAX_HEADER_BYTES} bytes"
        )
    return length


def content_bytes(header: bytes) -> int:
    """Return how many bytes of tensors follow a header. Raises InvalidGradientFile for other content.

    It is read entry by entry: parsing megabytes of JSON at once would block all other threads, and take
    many times their memory.
    """
    entries = _entries(header)
    # safetensors writes the metadata first, so that a file of anything else is refused by it.
    _check_metadata(*next(entries, ("", None)))
    places: dict[str, tuple[int, int]] = {}
    for name, tensor in entries:
        if name in places:
            raise InvalidGradientFile("names a norm twice")
        places[name] = _tensor_range(name, tensor)
    if not places:
        raise InvalidGradientFile("has no norms")
    return _end_of_content(places.values())


def _entries(header: bytes) -> Iterator[tuple[str, object]]:
    """Yield the names and values of a JSON object in turn."""
    try:
        text = header.decode()
    except UnicodeDecodeError as error:
        raise InvalidGradientFile("has a header that is not JSON") from error
    place = _expect("{", text, 0)
    more = not text.startswith("}", place)
    while more:
        name, place = _value(text, place)
        value, place = _value(text, _expect(":", text, place))
        if not isinstance(name, str):
            raise InvalidGradientFile(_NO_OBJECT)
        yield name, value
        place = _skip_space(text, place)
        more = text.startswith(",", place)
        place = _skip_space(text, place + 1) if more else place
    if text[place:].rstrip(_SPACES) != "}":
        raise InvalidGradientFile(_NO_OBJECT)


def _value(text: str, place: int) -> tuple[object, int]:
    """Return the value that begins at a position, and the position after it."""
    try:
        value, used = _DECODER.raw_decode(text[place : place + _MAX_ENTRY_CHARACTERS])
    except (ValueError, RecursionError) as error:
        raise InvalidGradientFile(
            f"has a header that is not JSON, or with an entry of more than {_MAX_ENTRY_CHARACTERS} characters"
        ) from error
    return value, place + used


def _expect(sign: str, text: str, place: int) -> int:
    """Skip the sign that must come next, and white space around it; return the new position."""
    place = _skip_space(text, place)
    if not text.startswith(sign, place):
        raise InvalidGradientFile(_NO_OBJECT)
    return _skip_space(text, place + 1)


def _skip_space(text: str, place: int) -> int:
    """Return the position after any white space."""
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _check_metadata(name: str, metadata: object) -> None:
    if name != "__metadata__" or not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise InvalidGradientFile(
            f"does not hold gradient norms; send the {FILE_NAME} of a gradient job or an earlier run"
        )
    if not all(_is_text(metadata.get(name)) for name in ("model", "calibration")):
        raise InvalidGradientFile("does not name the model and the text of its norms")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_NAME_CHARACTERS


def _end_of_content(places: Iterable[tuple[int, int]]) -> int:
    """Return the offset at which the last tensor ends. Raises InvalidGradientFile for gaps and overlaps."""
    end = 0
    for begin, after in sorted(places):
        if begin != end:
            raise InvalidGradientFile("has tensors that overlap, or bytes that belong to none")
        end = after
    return end


def _tensor_range(name: str, tensor: object) -> tuple[int, int]:
    if not name.startswith(_NORMS) or not isinstance(tensor, dict):
        raise InvalidGradientFile("has a tensor that is not a norm: their names begin with l1/ or l2/")
    size = _BYTES.get(str(tensor.get("dtype")))
    shape, offsets = _pair(tensor.get("shape"), least=1), _pair(tensor.get("data_offsets"), least=0)
    if size is None or shape is None or offsets is None:
        raise InvalidGradientFile("has a norm that is not (outputs, inputs) in float32 or float64")
    begin, end = offsets
    if end - begin != shape[0] * shape[1] * size:
        raise InvalidGradientFile("has a norm whose bytes do not fit its shape")
    return begin, end


def _pair(value: object, *, least: int) -> tuple[int, int] | None:
    """Return two integers of `least` or more; None for anything else."""
    match value:
        case [int(first), int(second)] if not isinstance(first, bool) and not isinstance(second, bool):
            return (first, second) if min(first, second) >= least else None
    return None


class InvalidTextLine(Exception):
    """A line cannot be used. The message is the reason, to follow the number of the line."""


def text_of_line(line: bytes) -> str | None:
    """Return the text of a line, or None for a blank one. Raises InvalidTextLine, and UnicodeDecodeError."""
    if not line or line.isspace():
        return None
    try:
        record = json.loads(line)
    except UnicodeDecodeError:
        raise
    except (ValueError, RecursionError) as error:
        raise InvalidTextLine("not a JSON value") from error
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        raise InvalidTextLine("not an object with a string field 'text'")
    text: str = record["text"]
    try:
        text.encode()
    except UnicodeEncodeError as error:  # JSON can spell it, and tokenizers refuse it
        raise InvalidTextLine("the text has a lone surrogate") from error
    return text

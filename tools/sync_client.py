"""Generate `pruneserve_client/synchronous` from `pruneserve_client/asynchronous`: `make client`.

The two clients differ in how they wait, and in nothing else. So the one for an event loop is written by hand,
and the other is the same text without `async` and `await`, token by token, with other names for some things.
What differs by more than that stands in `primitives.py`, which is written by hand on both sides.
"""

import io
import re
import tokenize
from pathlib import Path

from tools.formatting import formatted

CLIENT = Path(__file__).parents[1] / "pruneserve_client"
BY_HAND = ("__init__", "primitives")

_NAMES = {
    "AsyncByteStream": "SyncByteStream",
    "AsyncClient": "Client",
    "AsyncIterator": "Iterator",
    "AsyncResources": "Resources",
    "AsyncTransport": "Transport",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "aclose": "close",
    "aclosing": "closing",
    "aiter_raw": "iter_raw",
    "aiter_sse": "iter_sse",
    "aread": "read",
    "asynccontextmanager": "contextmanager",
    "asynchronous": "synchronous",
}
_DROPPED = ("async", "await")
_TEXTS = (tokenize.STRING, tokenize.COMMENT)
# In docstrings, names and the two words are those of examples.
_WORD = re.compile(rf"\b(?:(?:{'|'.join(_DROPPED)}) +)|\b(?:{'|'.join(_NAMES)})\b")
_HEADER = "# Generated from {source} by `make client`; do not edit.\n"


def generated() -> dict[Path, str]:
    """Return the text of each module of the synchronous client, by its path."""
    sources = sorted((CLIENT / "asynchronous").glob("*.py"))
    modules = {}
    for source in (each for each in sources if each.stem not in BY_HAND):
        path = CLIENT / "synchronous" / source.name
        header = _HEADER.format(source=source.relative_to(CLIENT.parent).as_posix())
        modules[path] = formatted(header + synchronous(source.read_text(encoding="utf-8")), path)
    return modules


def synchronous(code: str) -> str:
    """Return the code of an event loop as code of a thread. Its layout is left to a formatter."""
    lines = code.splitlines(keepends=True)
    kept, end = [], (1, 0)
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        # What stands between two tokens stays as it is, but for the space behind a word that goes.
        between = _between(lines, end, token.start)
        end = token.end
        if token.type == tokenize.NAME and token.string in _DROPPED:
            kept.append(between)
            end = (end[0], end[1] + 1)
        else:
            kept += [between, _translated(token)]
    return "".join(kept)


def _translated(token: tokenize.TokenInfo) -> str:
    if token.type == tokenize.NAME:
        return _NAMES.get(token.string, token.string)
    if token.type in _TEXTS:
        return _WORD.sub(lambda match: _NAMES.get(match[0], ""), token.string)
    return token.string


def _between(lines: list[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    (first, column), (last, stop) = start, end
    if last > len(lines):
        return ""
    if first == last:
        return lines[first - 1][column:stop]
    return "".join([lines[first - 1][column:], *lines[first : last - 1], lines[last - 1][:stop]])


if __name__ == "__main__":
    for module, text in generated().items():
        module.write_text(text, encoding="utf-8")

"""Generate `pruneserve_client/synchronous` from `pruneserve_client/asynchronous`: `make client`.

The two clients differ in how they wait, and in nothing else. So the one for an event loop is written by hand,
and the other is the same text, examples in docstrings included, without `async` and `await` and with
other names for some things. What differs by more than that is in `primitives.py`, by hand on both sides.
"""

import re
import subprocess
import sys
from pathlib import Path

CLIENT = Path(__file__).parents[1] / "pruneserve_client"
BY_HAND = ("__init__", "primitives")

_NAMES = {
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
_WORD = re.compile(rf"\b(?:(?:async|await) +)|\b(?:{'|'.join(_NAMES)})\b")
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
    return _WORD.sub(lambda match: _NAMES.get(match[0], ""), code)


def formatted(code: str, path: Path) -> str:
    """Return the code as ruff formats the file at `path`, imports sorted."""
    for step in (["check", "--fix-only", "--select=I", "--quiet"], ["format"]):
        code = piped([sys.executable, "-m", "ruff", *step, "--stdin-filename", str(path), "-"], code)
    return code


def piped(command: list[str], text: str) -> str:
    """Return the standard output of a command for a standard input. Exits with its messages if it fails."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


if __name__ == "__main__":
    for module, text in generated().items():
        module.write_text(text, encoding="utf-8")

"""Terminal output, exit codes, and the escaping of untrusted text."""

import io
import json
import os
import re
import signal
import sys
import threading
import unicodedata
from enum import IntEnum
from typing import NoReturn

from rich.console import Console

# A pipe has no width. Wide enough that no line which a program may read is wrapped.
_PIPE_WIDTH = 10_000

# Any command between the marks: each CI system has others, and accepts them in the middle of a line.
_CI_COMMAND = re.compile(r"##(?=[\w.-]*\[)")

for _stream in (sys.stdout, sys.stderr):
    # A stream of another encoding, as LANG=C or PYTHONIOENCODING gives, shows an arrow as an escape.
    if isinstance(_stream, io.TextIOWrapper):
        _stream.reconfigure(errors="backslashreplace")


class PipeClosed(Exception):
    """What read the output of this command has ended, as `head` does."""

    number = signal.SIGPIPE


class _Console(Console):
    def on_broken_pipe(self) -> NoReturn:
        if threading.current_thread() is threading.main_thread():  # which else would not learn of it
            numbers = [stream.fileno() for stream in (sys.stdout, sys.stderr) if stream]
            closed = [number for number in numbers if os.path.sameopenfile(number, self.file.fileno())]
            for number in closed:  # what is buffered would fail again at the exit
                os.dup2(os.open(os.devnull, os.O_WRONLY), number)
        raise PipeClosed


out = _Console(
    highlight=False,
    markup=False,
    emoji=False,
    soft_wrap=True,
    # Python has no stream where it was started with a closed one.
    width=None if sys.stdout and sys.stdout.isatty() else _PIPE_WIDTH,
)
err = _Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


class Exit(IntEnum):
    """The exit codes of every command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    GATE_MISSED = 3
    CANCELLED = 4
    TIMEOUT = 5
    UNREACHABLE = 6
    INCONCLUSIVE = 7


class CommandFailed(Exception):
    """Ends the command with an exit code and a message that says what to do."""

    def __init__(self, message: str, code: Exit) -> None:
        super().__init__(message)
        self.code = code


def clean(text: object) -> str:
    """Escape untrusted text for a terminal or a CI log.

    Control characters, which could move the cursor or change colours, and format characters (Cf), which could
    reverse text, are shown as escapes. Lines after the first are indented, so that none passes for ours.
    The marks of CI commands (`::error::` of GitHub; `##[error]`, `##vso[…]` of Azure; `##teamcity[…]`) are
    broken up.
    """
    shown = "".join(map(_visible, str(text)))
    return _CI_COMMAND.sub(r"#\\x23", shown.replace("::", ":\\x3a"))


def print_json(document: object, *, indent: int | None = 2) -> None:
    """Print JSON on the standard output, in ASCII with escapes: it keeps every character of the document.

    `indent` None: on one line.
    """
    # Strings never begin a line of JSON, so these are the only marks of CI commands that could matter.
    text = _CI_COMMAND.sub(r"#\\u0023", json.dumps(document, indent=indent))
    try:
        print(text, flush=True)
    except BrokenPipeError:
        out.on_broken_pipe()


def _visible(character: str) -> str:
    if character == "\n":
        return "\n  "
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return character.encode("unicode_escape").decode("ascii")
    return character


def duration(seconds: float) -> str:
    """Return `7.3 s`, `4 min 10 s` or `2 h 05 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"

"""What the command says, and how it ends."""

import json
import sys
import unicodedata
from enum import IntEnum

from rich.console import Console

# A pipe has no width: wide enough, then, that nothing which a program reads is folded.
_WIDTH_OF_A_PIPE = 200

out = Console(
    highlight=False,
    markup=False,
    emoji=False,
    soft_wrap=True,
    width=None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE,
)
err = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


class Exit(IntEnum):
    """The exit codes, the same for every command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    GATE_MISSED = 3
    CANCELLED = 4
    TIMEOUT = 5
    UNREACHABLE = 6


class CommandFailed(Exception):
    """Ends the command with a message that says what to do, and an exit code."""

    def __init__(self, message: str, code: Exit) -> None:
        """Keep the code for the process's end."""
        super().__init__(message)
        self.code = code


def clean(text: object) -> str:
    """Text from elsewhere, fit to print: what could steer a terminal is shown as an escape instead.

    Control characters begin colours and cursor movements; format characters (Cf) turn text around, so that
    it reads as something else. A line feed indents the next line: no text can pass for a line of ours. CI
    systems read commands in what is printed (`::error::`, `##[error]`): their marks are broken up.
    """
    shown = "".join(map(_visible, str(text)))
    return shown.replace("::", ":\\x3a").replace("##[", "#\\x23[")


def print_json(document: object) -> None:
    """On the standard output. In ASCII, with escapes for the rest: a program may want every byte."""
    # No string of JSON begins a line, so of the marks of CI commands only this one can do something.
    print(json.dumps(document, indent=2).replace("##[", "#\\u0023["))


def _visible(character: str) -> str:
    if character == "\n":
        return "\n  "
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return character.encode("unicode_escape").decode("ascii")
    return character


def duration(seconds: float) -> str:
    """`7.3 s`, `4 min 10 s` or `2 h 05 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def size(count: float) -> str:
    """Bytes in the units that disks and devices are sold in: `93.1 MB`."""
    units = iter(("bytes", "kB", "MB", "GB"))
    unit = next(units)
    while count >= 1000 and unit != "GB":
        count, unit = count / 1000, next(units)
    return f"{count:.{0 if unit == 'bytes' else 1}f} {unit}"

"""Rows of a benchmark: each runs once, in a process of its own, is kept as JSON, and shown in Markdown."""

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

RESULTS = Path(__file__).with_name("results")


class Named(Protocol):
    """A row of a table."""

    @property
    def name(self) -> str: ...


RowT = TypeVar("RowT", bound=Named)


def add_row_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose rows."""
    parser.add_argument(
        "--rows", nargs="+", default=[""], metavar="TEXT", help="only rows whose name contains one of these"
    )
    parser.add_argument("--only", metavar="ROW", help="run this row in this process, and write its file")


def run_or_print(
    module: str,
    table: Sequence[RowT],
    options: argparse.Namespace,
    directory: Path,
    *,
    run: Callable[[RowT], tuple[dict[str, Any], dict[str, str]]],
    lines: Callable[[Iterator[dict[str, Any]]], Iterator[str]],
) -> None:
    """Do what the options of `add_row_options` say: run one row, or print those that `--rows` names.

    `module`: the program. `run` returns what it has found of a row, and what is `anonymous` in it, as for
    `write_row`. `lines` yields the lines of the table from what the rows' files in `directory` hold.
    """
    if options.only is not None:
        row = next(row for row in table if row.name == options.only)
        found, anonymous = run(row)
        write_row(directory, row.name, found, anonymous=anonymous)
        return
    rows = [row.name for row in table if any(text in row.name for text in options.rows)]
    if not rows:
        sys.exit("--rows matches no row; the rows are: " + "; ".join(row.name for row in table))
    for line in lines(read_or_run(module, rows, directory)):
        print(line, flush=True)


def file_name(row: str) -> str:
    """Return the name of a row's file."""
    return re.sub("[^a-z0-9]+", "-", row.lower()).strip("-") + ".json"


def write_row(directory: Path, row: str, found: dict[str, Any], *, anonymous: dict[str, str]) -> None:
    """Write a row's file, with the commit of the code.

    `anonymous`: texts that say where something lies on this machine, and what to write in their place.
    """
    text = json.dumps({"row": row, **found, "commit": _commit()}, indent=1)
    for place, name in anonymous.items():
        text = text.replace(place, name)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / file_name(row)).write_text(text + "\n")


def read_or_run(module: str, rows: Sequence[str], directory: Path) -> Iterator[dict[str, Any]]:
    """Yield what the files of `rows` hold, as soon as each is there.

    A row without a file is run first: the same command, `python -m module` with this program's options, and
    `--only ROW`.
    """
    for row in rows:
        file = directory / file_name(row)
        if not file.exists():
            command = [sys.executable, "-m", module, *sys.argv[1:], "--only", row]
            subprocess.run(command, check=True)  # noqa: S603 - this very program
        found: dict[str, Any] = json.loads(file.read_text())
        yield found


def _commit() -> str:
    """Return the commit of the code, marked where the code differs from it."""
    git = shutil.which("git")
    assert git is not None
    checkout = Path(__file__).parents[1]

    def ask(*arguments: str) -> str:
        command = [git, "-C", str(checkout), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 - our own command

    changed = ask("status", "--porcelain", "--untracked-files=no")
    return ask("rev-parse", "HEAD") + (" with changes" if changed else "")


def header(*columns: str) -> Iterator[str]:
    """Yield the first two lines of a table in Markdown."""
    yield row_of(list(columns))
    yield row_of(["---"] * len(columns))


def row_of(cells: list[str]) -> str:
    """Return one row of a table in Markdown."""
    return f"| {' | '.join(cells)} |"

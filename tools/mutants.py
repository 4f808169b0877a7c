"""Run the mutants of the modules in `[tool.mutmut]`, and judge what survives: `make mutants`.

1. start one PostgreSQL for all tests of all mutants
2. let mutmut change one thing at a time, and run the tests that reach it
3. fail when too few are killed, or when a survivor has no reason in tests/surviving_mutants.toml

A survivor is known by its file and its changed lines, which outlast the numbers that mutmut gives.
"""

import os
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import migrations
from cli.embedded.postgres import Postgres

CHECKOUT = Path(__file__).parents[1]
REASONS = CHECKOUT / "tests" / "surviving_mutants.toml"
LEAST_KILLED = 0.85

_MUTMUT = str(Path(sys.executable).parent / "mutmut")
_KILLED = frozenset({"killed", "timeout", "segfault", "suspicious", "caught by type check"})


@dataclass(frozen=True, order=True)
class Mutant:
    """One change: the file, the lines that it removes, and those that it adds."""

    file: str
    removed: str
    added: str


def main() -> None:
    """Run the mutants that are named on the command line, or all of them, and print the verdict."""
    patterns = sys.argv[1:]
    with tempfile.TemporaryDirectory() as directory, Postgres(Path(directory) / "postgres") as server:
        migrations.upgrade(server.url)
        children = str(os.cpu_count() or 1)
        environment = os.environ | {"TEST_POSTGRES_URL": server.url, "OMP_NUM_THREADS": "1"}
        run = [_MUTMUT, "run", "--max-children", children, *patterns]
        subprocess.run(run, cwd=CHECKOUT, env=environment, check=True)  # noqa: S603 - our own command
    statuses = dict(parse_results(_mutmut("results", "--all", "true")))
    survivors = [parse_diff(_mutmut("show", name)) for name, status in statuses.items() if _survived(status)]
    reasons = known_survivors(REASONS.read_text())
    raise SystemExit(verdict(statuses.values(), survivors, reasons))


def parse_results(text: str) -> Iterator[tuple[str, str]]:
    """Yield name and status of every mutant that was checked, from `mutmut results --all true`."""
    for line in text.splitlines():
        name, separator, status = line.strip().rpartition(": ")
        if separator and status != "not checked":
            yield name, status


def parse_diff(text: str) -> Mutant:
    """Return the change that `mutmut show` prints as a unified diff."""
    lines = text.splitlines()
    (file,) = (line.removeprefix("--- ").strip() for line in lines if line.startswith("--- "))
    removed = [line[1:].strip() for line in lines if line.startswith("-") and not line.startswith("---")]
    added = [line[1:].strip() for line in lines if line.startswith("+") and not line.startswith("+++")]
    return Mutant(file, "\n".join(removed), "\n".join(added))


def known_survivors(text: str) -> dict[Mutant, str]:
    """Return the reason of each survivor in a TOML file of `[[survivor]]` tables."""
    entries = tomllib.loads(text).get("survivor", [])
    return {Mutant(each["file"], each["removed"], each["added"]): each["reason"] for each in entries}


def verdict(statuses: Iterable[str], survivors: list[Mutant], reasons: dict[Mutant, str]) -> str | None:
    """Print the counts and the survivors without a reason; return what is wrong, or None."""
    counts = Counter(statuses)
    killed = sum(count for status, count in counts.items() if not _survived(status))
    share = killed / max(counts.total(), 1)
    print(f"{killed} of {counts.total()} mutants killed ({share:.1%}):", dict(counts))
    unexplained = sorted(set(survivors) - reasons.keys())
    for mutant in unexplained:
        print(f'\n[[survivor]]\nfile = "{mutant.file}"')
        print(f"removed = '''{mutant.removed}'''\nadded = '''{mutant.added}'''\nreason = \"\"")
    if share < LEAST_KILLED:
        return f"fewer than {LEAST_KILLED:.0%} of the mutants were killed"
    if unexplained:
        return f"{len(unexplained)} survivors: write a test for each, or its reason into {REASONS.name}"
    return None


def _survived(status: str) -> bool:
    return status not in _KILLED


def _mutmut(*arguments: str) -> str:
    command = [_MUTMUT, *arguments]
    return subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own command


if __name__ == "__main__":
    main()

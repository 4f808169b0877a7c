"""Runs the plan: one process and one limit per check, and writes four files after each.

    python -m bench.gpu_check --budget 540 --out DIR    on a machine with a GPU
    python -m bench.gpu_check --device cpu --out DIR    the same list at toy size, which `make nightly` runs

After every check `DIR` holds four files, few enough for what fetches results from another machine:

- `summary.md`: the table that the command prints
- `summary.json`: all results so far
- `log.txt`: the output of each check, one after the other; of a long one its end
- `details.tar.gz`: `NN-name.json` and the whole `NN-name.log` of each check

The exit code is 1 if any check has failed, else 0. docs/performance.md says what a machine without network
needs.
"""

import argparse
import os
import signal
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from bench.gpu_check.plan import PLAN, Check
from bench.gpu_check.process import Surroundings, child_environment, run_check
from bench.gpu_check.result import Figure, Result, write_json
from bench.rows import header, row_of

_ROOT = Path(__file__).resolve().parents[2]
_LONGEST_REASON = 200
_BYTES_OF_LOG = 20_000


def run_plan(checks: Sequence[Check], budget: float, at: Surroundings) -> Iterator[Result]:
    """Run the checks in order, each whatever became of those before it, and write every result at once.

    A check may use its own seconds, and those that the checks before it have left. A budget that is larger
    than the plan stretches every check's seconds; one that is smaller cuts the end off: a check for which it
    leaves less than half of its seconds is not run.
    """
    started, planned, results = time.monotonic(), 0.0, list[Result]()
    stretch = max(1.0, budget / sum(check.seconds for check in checks))
    for check in checks:
        planned += stretch * check.seconds
        limit = min(planned, budget) - (time.monotonic() - started)
        result = _not_run(check, at.size) if limit < check.seconds / 2 else run_check(check, limit, at)
        results.append(result)
        write_json(at.details / f"{check.file}.json", result)
        write_output(at.out, at.details, results)
        yield result


def _not_run(check: Check, size: str) -> Result:
    return Result(check.number, check.name, check.proves, size, "not run: budget")


def write_output(out: Path, details: Path, results: Sequence[Result]) -> None:
    """Write all four files, each whole or as it was. `details`: the directory of the checks' own files."""
    write_json(out / "summary.json", list(results))
    _replace(out / "summary.md", "".join(f"{line}\n" for line in summary(results)).encode())
    logs = (f"== {log.stem}\n".encode() + log.read_bytes()[-_BYTES_OF_LOG:] for log in details.glob("*.log"))
    _replace(out / "log.txt", b"\n".join(sorted(logs)))
    archive = out / "details.partial"
    with tarfile.open(archive, "w:gz") as packed:
        for file in sorted(details.iterdir()):
            packed.add(file, file.name)
    archive.replace(out / "details.tar.gz")


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_suffix(".partial")
    partial.write_bytes(content)
    partial.replace(path)


def summary(results: Sequence[Result]) -> Iterator[str]:
    """Yield where the checks ran, and a table: a row for each check, and one for each of its figures.

    Behind it are the ends of the logs of those that failed: the output alone must suffice to repair them.
    """
    found = next((result for result in results if result.findings.device), None)
    if found:
        versions = (f"{name} {version}" for name, version in found.findings.versions.items())
        yield f"{found.findings.device}, {found.size} size; {', '.join(versions)}"
        yield ""
    yield from header(
        "", "check, and what it measured", "value, or time and peak memory", "accepted", "verdict"
    )
    for result in results:
        error = _reason(result)
        yield row_of(
            [
                str(result.number),
                f"**{result.name}**: {result.proves}",
                _cost(result),
                "",
                f"{result.verdict}: {error}" if error else result.verdict,
            ]
        )
        for figure in result.findings.figures:
            name = f"{figure.name} ({figure.note})" if figure.note else figure.name
            yield row_of(["", name, _value(figure), figure.accepted, _met(figure)])
        if error and result.findings.progress:
            yield row_of(["", "how far it came", result.findings.progress, "", ""])
    for result in results:
        if result.log:
            yield from ("", f"The end of {result.name}'s log:", "", "```", result.log, "```")


def _reason(result: Result) -> str:
    """Return on one line of a table what went wrong: with the last line of the log, which names the error."""
    if not result.error or not result.log:
        return result.error
    return f"{result.error}: {result.log.splitlines()[-1][:_LONGEST_REASON]}".replace("|", "¦")


def progress(result: Result) -> str:
    """Return a line about a check that has ended, with whatever it has missed."""
    missed = [figure.name for figure in result.findings.figures if figure.met is False]
    why = "; ".join([*filter(None, [_reason(result)]), *missed])
    return f"{result.name}: {result.verdict}, {result.seconds:.1f} s{': ' if why else ''}{why}"


def _cost(result: Result) -> str:
    """Return the seconds of a check, and the peak memory that its process has seen."""
    memory = (f"{name} {size:.2f} GB" for name, size in result.findings.peak_memory.items())
    return ", ".join([f"{result.seconds:.1f} s", *memory])


def _value(figure: Figure) -> str:
    if isinstance(figure.value, bool):
        return "yes" if figure.value else "no"
    return f"{figure.value:.4g}" if isinstance(figure.value, float) else str(figure.value)


def _met(figure: Figure) -> str:
    return {True: "met", False: "**missed**", None: ""}[figure.met]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.gpu_check",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--budget", type=float, default=540, metavar="SECONDS", help="for all checks (default: 540)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="for the four files")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--toy", action="store_true", help="toy size on a GPU, too")
    parser.add_argument("--only", nargs="+", choices=[check.name for check in PLAN], metavar="NAME")
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="for shards: 30 GB on a local disk")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen checks, print the table and return the exit code."""
    options = _options(arguments)
    checks = [check for check in PLAN if not options.only or check.name in options.only]
    out = options.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, _stop)
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as directory:
        details = Path(directory)
        at = Surroundings(
            out,
            details,
            options.scratch,
            options.device,
            "toy" if options.toy or options.device == "cpu" else "full",
            child_environment(os.environ, _ROOT),
        )
        results = list[Result]()
        try:
            for result in run_plan(checks, options.budget, at):
                results.append(result)
                print(progress(result), file=sys.stderr, flush=True)
        finally:
            write_output(out, details, results)  # with the log of a check that was running
    print("\n".join(summary(results)))
    return int(any(result.verdict == "failed" for result in results))


def _stop(number: int, frame: FrameType | None) -> None:
    """End as after an error, so that the running check is killed with this process."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())

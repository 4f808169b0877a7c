"""Runs the plan: one process and one limit per check, and writes four files after each.

    python -m bench.gpu_check --budget 540 --out DIR    on a machine with a GPU
    python -m bench.gpu_check --device cpu --out DIR    the same list at toy size, which `make test` runs

`DIR` holds `summary.md`, `summary.json`, `log.txt` and `details.tar.gz`, see `bench.gpu_check.output`. The
exit code is 1 if any check has failed, else 0. docs/performance.md says what a machine without network needs.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from bench.gpu_check.output import progress, summary, write_output
from bench.gpu_check.plan import PLAN, Check
from bench.gpu_check.process import Surroundings, run_check
from bench.gpu_check.result import Result, write_json
from bench.gpu_check.wheels import child_environment, unpack

_ROOT = Path(__file__).resolve().parents[2]


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
    return Result(check.number, check.name, check.proves, check.accepted, size, "not run: budget")


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
    parser.add_argument(
        "--wheels", type=Path, metavar="DIR", help="wheels of packages that this machine lacks"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen checks, print the table and return the exit code."""
    options = _options(arguments)
    checks = [check for check in PLAN if not options.only or check.name in options.only]
    out = options.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, _stop)
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as directory:
        packages, details = Path(directory, "packages"), Path(directory, "details")
        details.mkdir()
        if options.wheels:
            unpack(options.wheels, packages)
        at = Surroundings(
            out,
            details,
            options.scratch,
            options.device,
            "toy" if options.toy or options.device == "cpu" else "full",
            child_environment(os.environ, _ROOT, packages if options.wheels else None),
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

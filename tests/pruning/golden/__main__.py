"""Writes `numbers.json` again: `python -m tests.pruning.golden`, after `NUMERICS` was raised.

On another machine, or with other versions of torch and transformers, also without: their last digits differ.
"""

import json
import sys

from pruning.version import NUMERICS
from tests.pruning.golden.numbers import CASES, PATH, compute, differences, machine


def main() -> None:
    """Write the file. Exit with what has changed where `NUMERICS` was not raised."""
    now = {"numerics": NUMERICS, "machine": machine(), "cases": {case: compute(case) for case in CASES}}
    if PATH.is_file() and (before := json.loads(PATH.read_text()))["numerics"] == NUMERICS:
        bits = before["machine"] == now["machine"]
        changed = [
            f"{case}: {', '.join(found)}"
            for case in CASES
            if case in before["cases"]
            and (found := [*differences(before["cases"][case], now["cases"][case], bits=bits)])
        ]
        if changed:
            sys.exit("\n".join(["raise NUMERICS in pruning/version.py first: these have changed", *changed]))
    PATH.write_text(json.dumps(now, indent=1) + "\n")


if __name__ == "__main__":
    main()

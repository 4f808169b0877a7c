"""`make bench-search`: compares a `target` search with the best of a fine grid, on a real service.

An embedded service with one worker is asked for the sparsest SmolLM2-135M within a bound on its perplexity,
and then for a sweep over a grid around the answer, whose jobs have the same gate. A search promises a
sparsity that meets the bound, at most its tolerance below the best on the grid, and that gradients are
computed and the dense model is measured only once.

With `--max-bytes` the shapes that a search for the best model of that size compares are measured without a
service, and then a grid of other ways to reach it. A search promises that none of these is better by more
than 2 %.
"""

import argparse

from rich.console import Console

from bench.search import quality, size
from bench.search.service import stack
from bench.workload.subject import Subject, add_options, checkpoint
from bench.workload.wikipedia import prepare


def main() -> None:
    """Parse the command line, search, run the grid, print both."""
    parser = argparse.ArgumentParser(prog="python -m bench.search", description=__doc__)
    add_options(parser)
    parser.add_argument(
        "--max-bytes", type=int, metavar="BYTES", help="search for the best model of such a size"
    )
    parser.add_argument("--method", default="gblm")
    parser.add_argument("--increase", type=float, default=0.05, help="the bound, over the dense perplexity")
    parser.add_argument("--tolerance", type=float, default=0.02)
    parser.add_argument(
        "--windows", type=int, default=8, help="calibration windows, and as many evaluation windows"
    )
    parser.add_argument("--length", type=int, default=256, help="tokens per window")
    parser.add_argument("--step", type=float, default=0.01, help="spacing of the grid")
    parser.add_argument(
        "--reach", type=float, default=0.04, help="how far the grid extends to both sides of the answer"
    )
    options = parser.parse_args()
    model, texts, console = checkpoint(options), options.texts.absolute(), Console()
    if options.max_bytes is not None:
        windows = options.windows
        workload = Subject(model, texts, windows, length=options.length, evaluation_windows=windows)
        size.compare(workload, options.max_bytes, console)
        return
    calibration, evaluation = prepare(texts)
    job = {
        "model": str(model),
        "dtype": "float32",
        "calibration": {
            "dataset": str(calibration),
            "samples": options.windows,
            "sequence_length": options.length,
        },
        "evaluation": {
            "dataset": str(evaluation),
            "windows": options.windows,
            "sequence_length": options.length,
        },
    }
    with stack([model.parent, texts]) as service:
        quality.compare(service, {**job, "method": options.method}, options, console)


if __name__ == "__main__":
    main()

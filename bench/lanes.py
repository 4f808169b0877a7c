"""What 16 lanes cost one worker: gradient passes with and without them, in turns.

    python -m bench.lanes               # SmolLM2-135M, 16 windows of 512 tokens, both norms, float32
    python -m bench.lanes --rounds 5 --blocks 6

`one pass` is what a worker does with lanes that it does not share, `shared` what it does with lanes that
nobody helps with: a pass for each, whose sums are written to a disk, and folded four lanes at a time. Each
round goes through all three, the first to warm up: it does not count. A figure is the median of the ratios to
the pass without lanes of its round, in processor seconds, so that others on the machine disturb little.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Collection
from collections.abc import Set as AbstractSet
from pathlib import Path
from statistics import median

import torch

from bench.results.table import header, row_of
from bench.workload.subject import Subject, add_options, ignore_steps, subject
from pruning.estimate.lanes import LANES
from pruning.gradients.gradient_pass import GradientPass
from pruning.gradients.window_norms import GradientNorms
from pruning.lanes.split import SplitPass
from pruning.model.blocks import find_stack
from pruning.model.placement import Placement
from pruning.recipe import Stage
from pruning.resume.hashed_file import HashedFile
from pruning.resume.store import ActivationCheckpoint, NumericsKey, ResumeStore


class Rows:
    """A resume store whose files stay where they were written, as one worker's do beside its uploads."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._files: dict[str, dict[int, HashedFile]] = {}
        self._key = ""

    def begin(self, stage: Stage, numerics_key: NumericsKey) -> dict[int, HashedFile]:
        self._key = str(sorted(numerics_key.items()))
        return dict(self._files.setdefault(self._key, {}))

    def directory(self, stage: Stage) -> Path:
        return self._directory

    def commit(self, stage: Stage, block: int, file: HashedFile) -> None:
        self._files[self._key][block] = file

    def activation_checkpoint(self, stage: Stage) -> ActivationCheckpoint:
        return ActivationCheckpoint(None, {})


class Unshared:
    """The lanes of a run that nobody helps."""

    def __init__(self) -> None:
        self._done: set[int] = set()

    def is_worth_it(self, norm_bytes: int, *, begun: bool) -> bool:
        return True

    def open(self, numerics_key: NumericsKey, lanes: int) -> int:
        return 0

    def finished(self) -> AbstractSet[int]:
        return self._done

    def take(self) -> int | None:
        return len(self._done)

    def finish(self, lane: int) -> None:
        self._done.add(lane)

    def again(self, lanes: Collection[int]) -> None:
        raise AssertionError("a shard is damaged")

    def folded(self, count: int, lanes: int) -> None:
        pass

    def wait(self) -> None:
        raise AssertionError("there is nobody to wait for")

    def close(self, lanes: int) -> None:
        pass


def passes(workload: Subject, blocks: int) -> dict[str, Callable[[ResumeStore], GradientNorms]]:
    """Return what is measured, by name."""

    def new(lanes: int) -> GradientPass:
        model = workload.dense()
        del model.model.layers[blocks:]
        placement, stack = Placement(model), find_stack(model)
        return GradientPass(placement, workload.windows, norms=["l1", "l2"], stack=stack, lanes=lanes)

    none, alone, shared = new(1), new(LANES), new(LANES)
    return {
        "no lanes": lambda store: none.run(ignore_steps, store),
        "16 lanes, one pass": lambda store: alone.run(ignore_steps, store),
        "16 lanes, shared": lambda store: SplitPass(shared, Unshared(), store).run(ignore_steps),
    }


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.lanes", description=__doc__)
    add_options(parser)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--samples", type=int, default=16, help="calibration windows (default 16)")
    parser.add_argument("--blocks", type=int, default=30, help="of the model's 30 blocks (default all)")
    options = parser.parse_args()
    measured = passes(subject(options, options.samples), options.blocks)
    spent: dict[str, list[float]] = {name: [] for name in measured}
    for counted in range(options.rounds + 1):
        for name, run in measured.items():
            with tempfile.TemporaryDirectory() as scratch:
                began, used = time.monotonic(), time.process_time()
                run(Rows(Path(scratch)))
                seconds, of_processors = time.monotonic() - began, time.process_time() - used
            print(
                f"{name}: {seconds:.1f} s, {of_processors:.1f} s of processors"
                f"{'' if counted else ', to warm up'}",
                flush=True,
            )
            if counted:
                spent[name].append(of_processors)
    print(f"{options.samples} windows, {options.blocks} blocks, {torch.get_num_threads()} threads")
    print(*header("gradients", "processor seconds, by round", "of a pass without lanes"), sep="\n")
    for name, found in spent.items():
        ratio = median(one / other for one, other in zip(found, spent["no lanes"], strict=True))
        print(row_of([name, ", ".join(f"{one:.1f}" for one in found), f"{ratio:.3f}"]))


if __name__ == "__main__":
    main()

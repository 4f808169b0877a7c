"""`make bench-memory`: the memory that a run takes on a CPU beyond the loaded model, stage by stage.

What counts is anonymous memory (RssAnon of /proc/self/status): what the process allocates itself. The model
stays in its memory-mapped checkpoint, whose pages the kernel shares between processes and drops when it needs
memory, and so do the libraries. The figure of a stage is its peak, sampled every two milliseconds, minus what
was there when the model had been resolved: Python, torch, and the tokenizer.
"""

import argparse
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.rows import header, row_of
from bench.workload.subject import add_options, checkpoint
from pruning.pipeline.run import RunRequest, Services, run
from pruning.progress import Silent
from pruning.recipe import Evaluation, Recipe, Stage
from pruning.report import Report

_STATUS = Path("/proc/self/status")
_SECONDS_BETWEEN_SAMPLES = 0.002


class PeakByStage(Silent):
    """Samples the process's anonymous memory, and keeps the peak of each stage, in bytes."""

    def __init__(self) -> None:
        self.resolved = 0
        self.peaks: dict[Stage, int] = {}
        self._stage: Stage | None = None
        self._ended = threading.Event()

    def stage_started(self, stage: Stage, steps: int) -> None:
        """Sample for this stage from now on."""
        self._stage = stage

    def stage_finished(self, stage: Stage, seconds: float, peak_memory_bytes: int) -> None:
        """Note what was there once the model was resolved."""
        if stage == Stage.RESOLVE:
            self.resolved = _anonymous()

    @contextmanager
    def sampling(self) -> Iterator[None]:
        """Sample in a thread while active."""
        thread = threading.Thread(target=self._sample)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _sample(self) -> None:
        while not self._ended.wait(_SECONDS_BETWEEN_SAMPLES):
            if self._stage is not None:
                self.peaks[self._stage] = max(self.peaks.get(self._stage, 0), _anonymous())


def _anonymous() -> int:
    (found,) = re.findall(r"RssAnon:\s+(\d+) kB", _STATUS.read_text())
    return 1024 * int(found)


def _main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add_options(parser)
    parser.add_argument("--method", default="wanda")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    options = parser.parse_args()
    recipe = {
        "model": str(checkpoint(options).absolute()),
        "method": options.method,
        "sparsity": 0.5,
        "dtype": options.dtype,
        "calibration": {"dataset": "builtin", "samples": 16, "sequence_length": 512},
    }
    evaluation = Evaluation(dataset="builtin", windows=16, sequence_length=512)
    peaks = PeakByStage()
    with tempfile.TemporaryDirectory() as directory, peaks.sampling():
        output = Path(directory) / "pruned"
        request = RunRequest(Recipe.model_validate(recipe), evaluation, output, device="cpu")
        report = run(request, Services(progress=peaks))
    for line in _lines(report, peaks):
        print(line)


def _lines(report: Report, peaks: PeakByStage) -> Iterator[str]:
    yield from header("stage", "s", "MB beyond the loaded model", "MB resident, with mapped files")
    for facts in report.stages:
        beyond, resident = peaks.peaks[facts.name] - peaks.resolved, facts.peak_memory_bytes
        yield row_of([facts.name, f"{facts.seconds:.1f}", f"{beyond / 1e6:.0f}", f"{resident / 1e6:.0f}"])
    yield ""
    yield f"perplexity: dense {report.perplexity.dense!r}, pruned {report.perplexity.pruned!r}"


if __name__ == "__main__":
    _main()

"""Inside a helper: what a GGUF file is worth, computed by llama.cpp.

Perplexity is defined as in `pruning.evaluation.perplexity`. Dense and exported file compute the same piece of
a window in turn, so that no logits are stored.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from pruning.exports.llama import Context, Floats, computing, tensor_types, version
from pruning.exports.types import INPUTS, ShareStep

_PREFILL, _DECODED, _REPETITIONS = 256, 32, 5


def measure(directory: Path, about: Mapping[str, Any], step: ShareStep) -> dict[str, Any]:
    """Measure a file over token ids, against a reference if there is one."""
    files = [directory / INPUTS / name for name in (about["file"], about["reference"]) if name]
    windows = np.load(directory / INPUTS / about["windows"], mmap_mode="r", allow_pickle=False)
    found = []
    with ExitStack() as opened:
        length = windows.shape[1]
        contexts = [
            opened.enter_context(computing(file, length=length, threads=about["threads"])) for file in files
        ]
        for done, ids in enumerate(windows, start=1):
            found.append(_over_window(contexts, ids.tolist()))
            step(done / len(windows))
    speeds = _speeds(files, windows[0].tolist(), about["threads"]) if about["speed"] else []
    return {
        "evaluator": f"llama.cpp {version()}",
        "windows": [{name: float(value) for name, value in one.items()} for one in found],
        "types": tensor_types(files[0]),
        "speeds": speeds,
    }


def _over_window(contexts: Sequence[Context], ids: Sequence[int]) -> dict[str, float]:
    """Return the means over a window's predictions: losses, and with a reference, KL and agreement."""
    sums = {"loss": 0.0, "reference_loss": 0.0, "kl": 0.0, "agreement": 0.0}
    start = 0
    for pieces in zip(*(context.logits(ids) for context in contexts), strict=True):
        following = ids[start + 1 : start + 1 + len(pieces[0])]
        logs = [_log_softmax(logits[: len(following)]) for logits in pieces]  # nothing follows the last token
        own = logs[0]
        for name, log in zip(("loss", "reference_loss"), logs, strict=False):
            sums[name] -= log[np.arange(len(following)), following].sum(dtype=np.float64)
        for dense in logs[1:]:
            sums["kl"] += (np.exp(dense) * (dense - own)).sum(dtype=np.float64)
            sums["agreement"] += (dense.argmax(axis=1) == own.argmax(axis=1)).sum()
        start += len(pieces[0])
    return {name: value / (len(ids) - 1) for name, value in sums.items()}


def _log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max(axis=1, keepdims=True)
    sums = np.exp(shifted).sum(axis=1, keepdims=True, dtype=np.float64)
    logs: Floats = shifted - np.log(sums).astype(np.float32)
    return logs


def _speeds(files: Sequence[Path], ids: Sequence[int], threads: int) -> list[dict[str, Any]]:
    """Return the tokens per second of each file, the files taking turns; medians, and how far runs differ."""
    prompt = ids[:_PREFILL]
    length = len(prompt) + _DECODED
    with ExitStack() as opened:
        contexts = [
            opened.enter_context(computing(file, length=length, threads=threads, at_once=len(prompt)))
            for file in files
        ]
        runs: list[list[tuple[float, float]]] = [[] for _ in files]
        for _ in range(_REPETITIONS + 1):
            for context, times in zip(contexts, runs, strict=True):
                times.append(_speed(context, prompt))
    return [
        {
            "prefill": _summary([run[0] for run in times[1:]]),
            "decode": _summary([run[1] for run in times[1:]]),
        }
        for times in runs  # the first run reads the file
    ]


def _speed(context: Context, prompt: Sequence[int]) -> tuple[float, float]:
    context.clear()
    started = time.perf_counter()
    context.decode(prompt, 0)
    filled = time.perf_counter()
    for place in range(_DECODED):
        context.decode(prompt[:1], len(prompt) + place)
    return len(prompt) / (filled - started), _DECODED / (time.perf_counter() - filled)


def _summary(values: Sequence[float]) -> dict[str, float]:
    return {"tokens_per_second": median(values), "spread": (max(values) - min(values)) / median(values)}

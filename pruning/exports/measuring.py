"""Inside a helper: what GGUF files are worth, computed by llama.cpp.

Perplexity is defined as in `pruning.evaluation.perplexity`. The dense file and the exported ones compute the
same piece of a window in turn, so that no logits are stored.
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
    """Measure files over token ids, next to a reference."""
    files = [directory / INPUTS / name for name in (about["reference"], *about["files"])]
    windows = np.load(directory / INPUTS / about["windows"], mmap_mode="r", allow_pickle=False)
    reference_losses, found = list[float](), list[list[dict[str, float]]]()
    with ExitStack() as opened:
        length = windows.shape[1]
        contexts = [
            opened.enter_context(computing(file, length=length, threads=about["threads"])) for file in files
        ]
        for done, ids in enumerate(windows, start=1):
            loss, means = _over_window(contexts, ids.tolist())
            reference_losses.append(loss)
            found.append(means)
            step(done / len(windows))
    speeds = _speeds(files, windows[0].tolist(), about["threads"]) if about["speed"] else []
    return {
        "evaluator": f"llama.cpp {version()}",
        "reference_losses": reference_losses,
        "files": [
            {"windows": of_file, "types": tensor_types(file)}
            for file, of_file in zip(files[1:], zip(*found, strict=True), strict=True)
        ],
        "speeds": speeds,
    }


def _over_window(contexts: Sequence[Context], ids: Sequence[int]) -> tuple[float, list[dict[str, float]]]:
    """Return the means over a window's predictions.

    That is the loss of the reference, which comes first, and loss, KL and agreement of each other file.
    """
    reference_loss, start = 0.0, 0
    sums = [{"loss": 0.0, "kl": 0.0, "agreement": 0.0} for _ in contexts[1:]]
    for pieces in zip(*(context.logits(ids) for context in contexts), strict=True):
        following = ids[start + 1 : start + 1 + len(pieces[0])]
        places = np.arange(len(following))
        dense = _log_softmax(pieces[0][: len(following)])  # nothing follows the last token
        reference_loss -= float(dense[places, following].sum(dtype=np.float64))
        for logits, of_file in zip(pieces[1:], sums, strict=True):
            own = _log_softmax(logits[: len(following)])
            of_file["loss"] -= float(own[places, following].sum(dtype=np.float64))
            of_file["kl"] += _divergence(dense, own)
            of_file["agreement"] += float((dense.argmax(axis=1) == own.argmax(axis=1)).sum())
        start += len(pieces[0])
    predictions = len(ids) - 1
    means = [{name: value / predictions for name, value in of_file.items()} for of_file in sums]
    return reference_loss / predictions, means


def _divergence(dense: Floats, own: Floats) -> float:
    """Return the sum of KL(dense ‖ own); a token that is impossible for the former adds nothing."""
    probabilities = np.exp(dense)
    differences = np.subtract(dense, own, out=np.zeros_like(dense), where=probabilities > 0)
    return float((probabilities * differences).sum(dtype=np.float64))


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

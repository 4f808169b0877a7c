"""Measures exported files: the tables of docs/performance.md.

    make bench-exports                              # all rows; those that are there are not run again
    make bench-exports ARGS="--rows SmolLM2"        # rows whose name contains 'SmolLM2'

Each row runs in a process of its own, and is a file of JSON: recipes, the commit, the seconds, and what was
measured over windows of 512 tokens. `excess` is log perplexity minus the dense model's by the same evaluator,
F16 for llama.cpp. GGUF files take turns window by window, and run by run for the speed. `plain` is
round-to-nearest, which the exports are compared with: without importance, and without calibration.
"""

import argparse
import math
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from bench.rows import RESULTS, add_row_options, header, row_of, run_or_print
from bench.workload.models import ModelChoice, ignore_steps
from bench.workload.subject import GEMMA, QWEN, Subject, add_options, packed_subject, subject
from pruning.calibration.input_importance import mean_squares
from pruning.evaluation.perplexity import perplexity
from pruning.exports import gguf
from pruning.exports.engine import Engine
from pruning.exports.llama import computing, version
from pruning.models.blocks import find_stack
from pruning.models.placement import Placement
from pruning.pipeline.run import RunRequest, run
from pruning.recipe import Recipe
from pruning.recipe.exports import GgufExport, parse_exports

DENSE: dict[str, Any] = {"method": "none"}
WANDA = {"method": "wanda", "sparsity": 0.5}
QUARTER = {"structure": {"mlp_channels": 0.25}}
_PLAIN = " plain"
_Name = tuple[str, str]  # what was done to the model, and the type of the file
_PROMPT, _DECODED, _RUNS = 128, 16, 6  # the first run is not counted


@dataclass(frozen=True)
class Row:
    """One model: its recipes, and the types of GGUF files of each."""

    model: str
    name: str
    files: "_Files"
    """By what was done to the model: recipes without model and calibration. F16 is written of each."""
    windows: int = 24
    samples: int = 16  # calibration windows
    dtype: str = "float32"
    """Of transformers."""


_Files = dict[str, tuple[dict[str, Any], tuple[str, ...]]]
_DENSE_TYPES = ("F16", "Q8_0", "Q4_0", f"Q4_0{_PLAIN}")
_FILES: dict[str, _Files] = {
    "SmolLM2-135M": {
        "dense": (DENSE, (*_DENSE_TYPES, "Q4_K_M")),
        "wanda 50 %": (WANDA, ("F16", "Q8_0")),
        "a quarter of the channels": (QUARTER, ("F16", "Q8_0", "Q4_K_M")),
    },
    GEMMA.name: {"dense": (DENSE, _DENSE_TYPES)},
    QWEN.name: {
        "dense": (DENSE, ("F16", "Q8_0", "Q4_K_M", "Q3_K_M")),
        "a quarter of the channels": (QUARTER, ("Q8_0", "Q4_K_M")),
    },
}
ROWS = (
    *(Row(model, f"{model}, compressed-tensors", {}) for model in ("SmolLM2-135M", GEMMA.name)),
    *(Row(model, f"{model}, GGUF", _FILES[model]) for model in ("SmolLM2-135M", GEMMA.name)),
    Row(QWEN.name, f"{QWEN.name}, GGUF", _FILES[QWEN.name], windows=8, samples=8, dtype="bfloat16"),
)


def measure_checkpoints(row: Row, workload: Subject) -> dict[str, Any]:
    """Run the stage `export` for FP8 and INT4 of the dense model, and return what the row's file holds."""
    exports = parse_exports(("compressed-tensors:fp8", "compressed-tensors:w4a16"))
    recipe = _recipe(row, workload, DENSE)
    with TemporaryDirectory() as scratch:
        report = run(RunRequest(recipe, workload.request, Path(scratch) / "out", exports=exports))
    found = {export.name.partition(":")[2]: export.model_dump(mode="json") for export in report.exports}
    plain = {"perplexity": _rounded_to_nearest(workload), "dense_perplexity": report.perplexity.dense}
    return {
        "evaluator": report.exports[0].evaluator,
        "files": {"dense": {**found, f"w4a16{_PLAIN}": plain}},
        "transformers": {"dense": report.perplexity.dense},
        "seconds": {stage.name.value: round(stage.seconds, 1) for stage in report.stages},
        "recipes": [recipe.model_dump(mode="json")],
    }


def _rounded_to_nearest(workload: Subject) -> float:
    """Return the perplexity with INT4 weights by the largest of each group of 64."""
    model = workload.dense()
    for layer in find_stack(model).layers:
        groups = layer.matrix.reshape(layer.matrix.shape[0], -1, 64)
        scales = (groups.abs().amax(dim=2, keepdim=True) / 7.5).bfloat16().float()  # as they are stored
        layer.matrix.copy_(((groups / scales).round().clamp(-8, 7) * scales).flatten(1))
    return perplexity(model, workload.evaluation, step=ignore_steps)


def measure_files(row: Row, workload: Subject) -> dict[str, Any]:
    """Write the GGUF files of each recipe, measure them, and return what the row's file holds."""
    transformers, recipes, files = dict[str, float](), list[Recipe](), dict[_Name, Path]()
    scratch = workload.texts.parent / "exports" / row.name  # interrupted, it continues after what is there
    scratch.mkdir(parents=True, exist_ok=True)
    one_window = workload.request.model_copy(update={"windows": 1})
    for number, (change, (options, types)) in enumerate(row.files.items()):
        recipes.append(_recipe(row, workload, options))
        out = scratch / str(number)
        if not out.exists():
            run(RunRequest(recipes[-1], one_window, out))
        model = ModelChoice(str(out)).load(getattr(torch, row.dtype))
        written = _write(out, types, model, workload.windows)
        files |= {(change, kind): file for kind, file in written.items()}
        if row.dtype == "float32":
            transformers[change] = perplexity(model, workload.evaluation, step=ignore_steps)
    measured, speeds = _compare(files, workload.evaluation), _speeds(files, workload.evaluation[0].tolist())
    found: dict[str, dict[str, Any]] = {change: {} for change in row.files}
    for (change, kind), file in files.items():
        size = {"bytes": file.stat().st_size}
        found[change][kind] = {**size, **measured[change, kind], **speeds[change, kind]}
    shutil.rmtree(scratch)
    return {
        "evaluator": f"llama.cpp {version()}",
        "files": found,
        "transformers": transformers,
        "recipes": [recipe.model_dump(mode="json") for recipe in recipes],
    }


def _recipe(row: Row, workload: Subject, options: dict[str, Any]) -> Recipe:
    fields = {"model": workload.reference, "calibration": workload.calibration, "dtype": row.dtype}
    return Recipe.model_validate({**fields, **options})


def _write(directory: Path, types: Iterable[str], model: PreTrainedModel, windows: Tensor) -> dict[str, Path]:
    """Write a checkpoint as GGUF files, as the stage `export` does; return them by type."""
    source, importance = directory / "F16.gguf", directory / "importance.gguf"
    if not source.exists():
        gguf.convert(directory, source)
    chosen = {kind: GgufExport(type=kind).reads_text for kind in types if not kind.endswith(_PLAIN)}
    if any(chosen.values()) and not importance.exists():
        squares = mean_squares(Placement(model), windows, step=ignore_steps)
        gguf.write_importance(source, importance, squares, origin="calibration windows")
    files = {kind: directory / f"{kind}.gguf" for kind in types}
    for kind, target in files.items():
        type_name = kind.removesuffix(_PLAIN)
        if not target.exists():
            gguf.quantize(source, target, type_name, importance=importance if chosen.get(kind) else None)
    return files


def _compare(files: Mapping[_Name, Path], windows: Tensor) -> dict[_Name, dict[str, float]]:
    """Return perplexity, KL and agreement of each file. The first one is the dense F16."""
    sums = {name: np.zeros(3) for name in files}  # losses, KL, agreements
    paths, length = files.values(), windows.shape[1]
    # Each file on a thread of its own: those that share a product wait for each other.
    with ThreadPoolExecutor(Engine().threads) as pool, ExitStack() as opened:
        contexts = [opened.enter_context(computing(file, length=length, threads=1)) for file in paths]
        for ids in windows.tolist():
            streams, place = [context.logits(ids) for context in contexts], 1
            while place < length:
                pieces = list(pool.map(next, streams))
                following = ids[place : place + len(pieces[0])]
                place += len(following)
                dense = torch.from_numpy(pieces[0][: len(following)]).log_softmax(dim=1)
                for name, logits in zip(files, pieces, strict=True):
                    own = torch.from_numpy(logits[: len(following)]).log_softmax(dim=1)
                    sums[name] += _over_predictions(own, dense, torch.tensor(following))
    means = {name: of_file / (len(windows) * (length - 1)) for name, of_file in sums.items()}
    reference = {"dense_perplexity": math.exp(next(iter(means.values()))[0])}
    return {
        name: {"perplexity": math.exp(loss), **reference, "kl": kl, "agreement": agreement}
        for name, (loss, kl, agreement) in means.items()
    }


def _over_predictions(own: Tensor, dense: Tensor, following: Tensor) -> list[float]:
    loss = -own.gather(1, following[:, None]).double().sum()
    kl = (dense.exp() * (dense - own)).double().sum()
    agreement = (own.argmax(dim=1) == dense.argmax(dim=1)).sum()
    return [loss.item(), kl.item(), float(agreement)]


def _speeds(files: Mapping[_Name, Path], ids: list[int]) -> dict[_Name, dict[str, list[float]]]:
    """Return the tokens per second of each file's runs, `prefill` and `decode`."""
    speeds: dict[_Name, dict[str, list[float]]] = {name: {"prefill": [], "decode": []} for name in files}
    size = {"length": _PROMPT + _DECODED, "at_once": _PROMPT, "threads": Engine().threads}
    with ExitStack() as opened:
        contexts = [opened.enter_context(computing(file, **size)) for file in files.values()]
        for number in range(_RUNS):
            for context, runs in zip(contexts, speeds.values(), strict=True):
                context.clear()
                started = time.perf_counter()
                context.decode(ids[:_PROMPT], 0)
                filled = time.perf_counter()
                for place in range(_PROMPT, _PROMPT + _DECODED):
                    context.decode(ids[:1], place)
                if number:
                    runs["prefill"].append(_PROMPT / (filled - started))
                    runs["decode"].append(_DECODED / (time.perf_counter() - filled))
    return speeds


def _lines(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    """Yield the table in Markdown, line by line as rows finish."""
    columns = ("MB", "perplexity", "against transformers", "excess", "KL", "agreement", "prefill", "decode")
    yield from header("", "file", *columns)
    for found in rows:
        for change, files in found["files"].items():
            for kind, measured in files.items():
                cells = _cells(measured, found["transformers"].get(change))
                yield row_of([f"{found['row']}, {change}", kind, *cells])


def _cells(measured: dict[str, Any], by_transformers: float | None) -> list[str]:
    """Return what was measured of a file; of its speeds the median, and half the range as a share of it."""
    own, runs = measured["perplexity"], (measured.get("prefill"), measured.get("decode"))
    return [
        f"{measured['bytes'] / 1e6:.1f}" if "bytes" in measured else "",
        f"{own:.3f}",
        f"{own / by_transformers - 1:+.3%}" if by_transformers else "",
        f"{math.log(own / measured['dense_perplexity']):+.4f}",
        f"{measured['kl']:.4f}" if "kl" in measured else "",
        f"{measured['agreement']:.1%}" if "kl" in measured else "",
        *(f"{np.median(of):.1f} ± {np.ptp(of) / 2 / np.median(of):.0%}" if of else "" for of in runs),
    ]


def main() -> None:
    """Print the table, after running the rows whose files are missing."""
    parser = argparse.ArgumentParser(prog="python -m bench.exports", description=__doc__.splitlines()[0])
    add_row_options(parser)
    add_options(parser)
    options = parser.parse_args()

    def measure(row: Row) -> tuple[dict[str, Any], dict[str, str]]:
        windows = {"evaluation_windows": row.windows}
        packed = next((packed for packed in (GEMMA, QWEN) if packed.name == row.model), None)
        if packed:
            workload = packed_subject(options, packed, row.samples, **windows)
        else:
            workload = subject(options, row.samples, **windows)
        found = (measure_files if row.files else measure_checkpoints)(row, workload)
        return {**found, "windows": row.windows, "threads": torch.get_num_threads()}, workload.places

    run_or_print("bench.exports", ROWS, options, RESULTS / "exports", run=measure, lines=_lines)


if __name__ == "__main__":
    main()

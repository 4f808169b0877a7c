"""Measures jobs with their exports, on models of three sizes: the table of docs/results.md.

    make bench-models                               # all rows; those that are there are not run again
    make bench-models ARGS="--rows SmolLM2"         # rows whose name contains 'SmolLM2'

A row is one job: it prunes, evaluates, and exports files that are measured as such. It runs in a process of
its own, and is a file of JSON: the recipe, the commit, what the job's report has, and what was estimated.
`excess` is the logarithm of the perplexity minus that of the dense model's by the same evaluator, which for
GGUF files is llama.cpp with F16. The rows named `round-to-nearest` are what exports are compared with:
without an importance, and without calibration. A row that was interrupted goes on after its last finished
block when it is run again; its `seconds` and `peak_bytes` are then those of the rest, which the table leaves
out: it is `resumed`.
"""

import argparse
import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from bench.rows import RESULTS, add_row_options, file_name, header, row_of, run_or_print
from bench.workload.models import ignore_steps, perplexity
from bench.workload.subject import GEMMA, QWEN, Subject, add_options, packed_subject, subject
from pruning.errors import InvalidInput
from pruning.estimate import Estimate, ModelShape
from pruning.exports import gguf
from pruning.models.blocks import find_stack
from pruning.pipeline.run import RunRequest, Services, run
from pruning.recipe import Recipe
from pruning.recipe.exports import parse_exports
from pruning.resume.store import DirectoryResumeStore
from pruning.runtime.speed_probe import measure_machine

_SMOL = "SmolLM2-135M"
_PLAIN = "round-to-nearest"
_HALF = {"sparsity": 0.5}
_QUARTER = {"structure": {"mlp_channels": 0.25}}
_RECIPES: dict[str, dict[str, Any]] = {
    "dense": {"method": "none"},
    "wanda 50 %": {"method": "wanda", **_HALF},
    "sparsegpt 50 %": {"method": "sparsegpt", **_HALF},
    "gblm 50 %": {"method": "gblm", **_HALF},
    "best 50 %": {"method": "best", **_HALF},
    "a quarter of the channels": _QUARTER,
    "recovered 50 %": {"method": "recovered", **_HALF},
    "a quarter of the channels, distil": {**_QUARTER, "recovery": {"distil": {}}},
}
_TRAINED = {"recovered 50 %", "a quarter of the channels, distil"}


@dataclass(frozen=True)
class Row:
    """One job: the model, a recipe without model and calibration, and the exports."""

    model: str
    change: str
    exports: tuple[str, ...]
    windows: int = 24
    samples: int = 16  # calibration windows
    dtype: str = "float32"

    @property
    def name(self) -> str:
        """The model, and what is done to it."""
        return f"{self.model}, {self.change}"


def _rows() -> Iterator[Row]:
    files = ("gguf:F16", "gguf:Q8_0", "gguf:Q4_0")
    dense = ("gguf:Q4_0:gradients", "gguf:Q4_K_M", "compressed-tensors:fp8", "compressed-tensors:w4a16")
    for model in (_SMOL, GEMMA.name):
        for change in _RECIPES:
            yield Row(model, change, (*files, *dense) if change == "dense" else files)
        yield Row(model, _PLAIN, ("gguf:Q4_0", "compressed-tensors:w4a16"))
    for change in (change for change in _RECIPES if change not in _TRAINED):
        types = ("gguf:Q8_0", "gguf:Q4_K_M", *(("gguf:Q3_K_M",) if change == "dense" else ()))
        yield Row(QWEN.name, change, types, windows=8, samples=8, dtype="bfloat16")


def measure_job(row: Row, workload: Subject) -> dict[str, Any]:
    """Run a row's job, and return what its file holds."""
    fields = {"model": workload.reference, "calibration": workload.calibration, "dtype": row.dtype}
    recipe = Recipe.model_validate({**fields, **_RECIPES[row.change]})
    exports, shapes = parse_exports(row.exports), list[ModelShape]()
    machine = measure_machine(torch.device("cpu"))
    cache = workload.texts.parent
    finished = cache / "resume" / file_name(row.name).removesuffix(".json")
    resumed = any(finished.glob("*/*.note.json"))
    blocks = DirectoryResumeStore(finished, print)
    with TemporaryDirectory(dir=cache) as directory:
        request = RunRequest(recipe, workload.request, Path(directory) / "out", exports=exports)
        try:
            report = run(request, Services(on_shape=shapes.append, resume_store=blocks))
        except InvalidInput as error:
            if resumed:
                error.add_note(f"{finished} has what an earlier run finished: delete it to begin anew")
            raise
        size = sum(file.stat().st_size for file in request.output.glob("*.safetensors"))
    blocks.discard()
    estimate = Estimate.of(recipe, workload.request, shapes[0], machine, exports=exports)
    estimated = {stage.name: stage for stage in estimate.stages}
    return {
        "checkpoint": {
            "name": "checkpoint",
            "bytes": size,
            "perplexity": report.perplexity.pruned,
            "dense_perplexity": report.perplexity.dense,
            "kl": report.perplexity.kl,
            "agreement": report.perplexity.agreement,
        },
        "exports": [export.model_dump(mode="json") for export in report.exports],
        "warnings": report.warnings,
        "resumed": resumed,
        "stages": {
            stage.name.value: {
                "seconds": round(stage.seconds, 1),
                "peak_bytes": stage.peak_memory_bytes,
                "estimated_seconds": round(estimated[stage.name].seconds, 1)
                if stage.name in estimated
                else None,
                "estimated_bytes": estimated[stage.name].memory_bytes if stage.name in estimated else None,
            }
            for stage in report.stages
        },
        "recipe": recipe.model_dump(mode="json"),
        "environment": report.environment.model_dump(mode="json"),
    }


def measure_round_to_nearest(workload: Subject) -> dict[str, Any]:
    """Return what the row's file holds of the dense model in four bits without an importance, in float32."""
    windows, found = workload.evaluation, []
    with TemporaryDirectory(dir=workload.texts.parent) as directory:
        dense, plain = Path(directory) / "F16.gguf", Path(directory) / "Q4_0.gguf"
        gguf.convert(Path(workload.reference.id), dense)
        gguf.quantize(dense, plain, "Q4_0", importance=None)
        measured = gguf.measure([plain], windows, reference=dense)
        reference, (own,) = {"dense_perplexity": measured.reference.perplexity}, measured.files
        facts = {"perplexity": own.perplexity, "kl": own.fidelity.kl}
        facts["agreement"] = own.fidelity.agreement
        found.append({"name": "gguf:Q4_0", "bytes": plain.stat().st_size, **facts, **reference})
    model = workload.dense()
    reference = {"dense_perplexity": perplexity(model, windows, step=ignore_steps)}
    for layer in find_stack(model).layers:
        groups = layer.matrix.reshape(layer.matrix.shape[0], -1, 64)
        scales = (groups.abs().amax(dim=2, keepdim=True) / 7.5).bfloat16().float()  # as they are stored
        layer.matrix.copy_(((groups / scales).round().clamp(-8, 7) * scales).flatten(1))
    rounded = perplexity(model, windows, step=ignore_steps)
    found.append({"name": "compressed-tensors:w4a16", "perplexity": rounded, **reference})
    return {"exports": found}


def _lines(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    """Yield the table in Markdown, line by line as rows finish."""
    columns = ("file", "MB", "perplexity", "excess", "KL", "agreement", "prefill", "decode")
    yield from header("", *columns, "seconds (estimate)", "peak GB (estimate)")
    for found in rows:
        if stages := found.get("stages"):
            costs = ["", ""] if found.get("resumed") else _costs(stages.values())
            yield row_of([found["row"], *_cells(found["checkpoint"]), *costs])
        for export in found["exports"]:
            yield row_of([found["row"], *_cells(export), "", ""])


def _costs(stages: Collection[dict[str, float | None]]) -> list[str]:
    """Return the seconds and the peak memory of all stages, with what was estimated."""
    seconds, estimated = (
        sum(stage[name] or 0 for stage in stages) for name in ("seconds", "estimated_seconds")
    )
    peaks = (max(stage[name] or 0 for stage in stages) / 1e9 for name in ("peak_bytes", "estimated_bytes"))
    return [f"{seconds:.0f} ({estimated:.0f})", "{:.2f} ({:.2f})".format(*peaks)]


def _cells(measured: dict[str, Any]) -> list[str]:
    rates = {rate["phase"]: rate for rate in measured.get("rates", ())}
    return [
        measured["name"],
        f"{measured['bytes'] / 1e6:.1f}" if measured.get("bytes") else "",
        f"{measured['perplexity']:.3f}",
        f"{math.log(measured['perplexity'] / measured['dense_perplexity']):+.4f}",
        f"{measured['kl']:.4f}" if measured.get("kl") is not None else "",
        f"{measured['agreement']:.1%}" if measured.get("agreement") is not None else "",
        *(_speed(rates[phase]) if phase in rates else "" for phase in ("prefill", "decode")),
    ]


def _speed(rate: dict[str, float]) -> str:
    """Return tokens per second, the ratio to the dense model's in F16, and the larger spread of the two."""
    own, dense = rate["tokens_per_second"], rate["dense"]
    return f"{own:.1f} ({own / dense:.2f} ± {rate['noise']:.0%})"


def main() -> None:
    """Print the table, after running the rows whose files are missing."""
    parser = argparse.ArgumentParser(prog="python -m bench.models", description=__doc__.splitlines()[0])
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
        found = measure_round_to_nearest(workload) if row.change == _PLAIN else measure_job(row, workload)
        return {**found, "windows": row.windows, "threads": torch.get_num_threads()}, workload.places

    run_or_print("bench.models", tuple(_rows()), options, RESULTS / "models", run=measure, lines=_lines)


if __name__ == "__main__":
    main()

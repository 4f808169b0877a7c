"""The best model of a size, compared with a grid of other ways to reach the same size.

The shapes that a search compares come from the code that the service asks, and each is cut and measured as
its job would do it, but in one process: blocks are chosen once for all, since the choice of more continues
from that of fewer, and gates are computed once for each number of blocks. The grid divides what must go among
whole blocks, KV groups and MLP channels, each in combination with the others, and is counted here from the
checkpoint's own tensors. The search knows no such combination of all three, and only a few numbers of blocks.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.results.rows import RESULTS, write_row
from bench.structured.cut import CutMeasurement, Shared
from bench.workload.subject import Subject
from jobs.sweeps.shapes import shapes
from jobs.sweeps.target import Target
from pruning.checkpoint.checkpoint import resolve
from pruning.estimate.architectures import shape_of_config
from pruning.recipe import ModelReference, StructureOptions

_POINTS = 9
_UNITS = ("blocks", "kv_groups", "mlp_channels")


def compare(workload: Subject, budget: int, console: Console) -> None:
    """Search for the best model of at most `budget` bytes, run the grid, print both, and write them down."""
    dense = shape_of_config(resolve(workload.reference).config_values)
    searched = [shape.structure for shape in shapes(dense, Target(max_bytes=budget))]
    divisions = _thinned(list(_divisions(Path(workload.reference.id), budget)))
    shared, found = Shared(), dict[str, list[dict[str, Any]]]()
    for name, structures in (("search", searched), ("grid", divisions)):
        found[name] = []
        for structure in structures:
            found[name].append(_measured(structure, workload, shared, budget))
            console.print(found[name][-1])
        console.print(_table(found[name], f"{name}: at most {budget:,} bytes"))
    answer, best = (min(one["perplexity"] for one in them if one["met"]) for them in found.values())
    fields = {
        "max_bytes": budget,
        "calibration": workload.calibration.model_dump(mode="json"),
        "evaluation_windows": len(workload.evaluation),
        "answer": answer,
        "best_of_the_grid": best,
    }
    write_row(RESULTS / "search", f"best of {budget} bytes", fields | found, anonymous=workload.places)
    console.print(
        f"the search's answer has a perplexity of {answer:.3f}, the best on the grid {best:.3f}: "
        f"{best / answer - 1:+.2%}"
    )


def _measured(structure: Mapping[str, int], workload: Subject, shared: Shared, budget: int) -> dict[str, Any]:
    """Return what the file has of a shape; its bytes are those of its weights, without the file's header."""
    options = StructureOptions.model_validate(structure)
    with TemporaryDirectory() as scratch:
        found = CutMeasurement(options, workload, workload.evaluation, shared=shared).run(Path(scratch))
    weight_bytes = found["parameters"] * resolve(workload.reference).skeleton.dtype.itemsize
    return {**structure, "bytes": weight_bytes, "met": weight_bytes <= budget, **found}


def _divisions(model: Path, budget: int) -> Iterator[dict[str, int]]:
    """Yield, for each number of blocks and KV groups that does not suffice, how many channels are cut too."""
    checkpoint = resolve(ModelReference(id=str(model)))
    config, tensors = checkpoint.config, checkpoint.skeleton.state_dict()
    of_block = {name: one.numel() for name, one in tensors.items() if name.startswith("model.layers.0.")}
    block = sum(of_block.values())
    group = sum(of_block[name] for name in of_block if ".self_attn." in name) // config.num_key_value_heads
    channel = 3 * config.hidden_size
    dense = sum(parameter.numel() for parameter in checkpoint.skeleton.parameters())
    stored = sum(file.stat().st_size for file in model.glob("*.safetensors"))
    excess = dense - budget * dense // stored  # parameters that must go
    heads = config.num_attention_heads // config.num_key_value_heads
    for blocks, groups in product(range(config.num_hidden_layers), range(config.num_key_value_heads)):
        if config.hidden_size % ((config.num_key_value_heads - groups) * heads):
            continue  # no Llama has so many heads
        left = config.num_hidden_layers - blocks
        channels = -(-(excess - blocks * block - left * groups * group) // (left * channel))
        if 0 < channels < config.intermediate_size:
            units = {"blocks": blocks, "kv_groups": groups, "mlp_channels": channels}
            yield {name: count for name, count in units.items() if count}


def _thinned(found: Sequence[dict[str, int]]) -> list[dict[str, int]]:
    """Return as many as the grid has points, evenly spread, the first and the last among them."""
    places = [round(number * (len(found) - 1) / (_POINTS - 1)) for number in range(_POINTS)]
    return [found[place] for place in sorted(set(places))]


def _table(found: Sequence[Mapping[str, Any]], title: str) -> Table:
    """Return a table with a line per shape."""
    columns = ("blocks", "KV groups", "channels", "bytes", "perplexity", "bound", "seconds")
    lines = Table(*columns, title=title, caption="what goes, and what is left")
    for one in found:
        lines.add_row(
            *(str(one.get(name, 0)) for name in _UNITS),
            f"{one['bytes']:,}",
            f"{one['perplexity']:.3f}",
            "met" if one["met"] else "missed",
            f"{sum(one['seconds'].values()):.0f}",
        )
    return lines

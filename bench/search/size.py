"""The best model of a size, beside a grid of other ways to reach the same size.

The grid divides what must go among whole blocks, KV groups and MLP channels, each in combination with the
others, and is counted here from the checkpoint's own tensors. The search knows no such combination of all
three, and only a few numbers of blocks. What was found is a file of JSON in `bench/results/search`.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.results.rows import RESULTS, write_row
from bench.search.service import Stack
from jobs.spec.gate import GateState
from jobs.tables import Job
from pruning.checkpoint.checkpoint import resolve
from pruning.recipe import ModelReference

_POINTS = 9
_UNITS = ("blocks", "kv_groups", "mlp_channels")


def compare(service: Stack, job: dict[str, Any], budget: int, console: Console) -> None:
    """Search for the best model of at most `budget` bytes, run the grid, print both, and write them down."""
    # Seconds on this machine decide nothing between models of one size.
    job = {**job, "evaluation": {**job["evaluation"], "speed": "off"}}
    sweep, found = service.run_sweep({"job": job, "target": {"max_bytes": budget}})
    console.print(_table(found, f"search: at most {budget:,} bytes"))
    structures = _thinned(list(_divisions(Path(job["model"]), budget)))
    fields = {**job, "gate": {"max_bytes": budget}}
    _, grid = service.run_sweep({"job": fields, "vary": {"structure": structures}})
    console.print(_table(grid, f"grid of {len(grid)} divisions"))
    assert sweep.search is not None
    answer = next(_perplexity(job) for job in found if job.id == sweep.search.best_job)
    best = min(_perplexity(job) for job in grid if job.gate_state == GateState.PASSED)
    texts = Path(job["calibration"]["dataset"]).parent
    write_row(
        RESULTS / "search",
        f"best of {budget} bytes",
        {
            "job": job,
            "answer": answer,
            "best of the grid": best,
            "search": [_measured(job) for job in found],
            "grid": [_measured(job) for job in grid],
        },
        anonymous={f"{texts}/": "", job["model"]: "SmolLM2-135M"},
    )
    console.print(
        f"the search's answer has a perplexity of {answer:.3f}, the best on the grid {best:.3f}: "
        f"{best / answer - 1:+.2%}"
    )


def _divisions(model: Path, budget: int) -> Iterator[dict[str, int]]:
    """Yield, for each number of blocks and KV groups that does not do alone, how many channels go beside."""
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


def _perplexity(job: Job) -> float:
    assert job.pruned_perplexity is not None, job.error
    return job.pruned_perplexity


def _measured(job: Job) -> dict[str, Any]:
    structure = job.spec["recipe"]["structure"]
    return {
        **{name: structure[name] for name in _UNITS if structure[name]},
        "bytes": job.weight_bytes,
        "perplexity": _perplexity(job),
        "gate": job.gate_state,
        "seconds": _seconds(job),
    }


def _seconds(job: Job) -> float:
    return round(sum(stage["seconds"] for stage in job.report["stages"]), 1) if job.report else 0.0


def _table(jobs: Sequence[Job], title: str) -> Table:
    """Return a table with a line per job."""
    columns = ("blocks", "KV groups", "channels", "bytes", "perplexity", "bound", "seconds")
    lines = Table(*columns, title=title, caption="what goes, and what is left")
    for job in jobs:
        structure = job.spec["recipe"]["structure"]
        lines.add_row(
            *(f"{structure[name] or 0:g}" for name in _UNITS),
            f"{job.weight_bytes or 0:,}",
            f"{_perplexity(job):.3f}",
            "met" if job.gate_state == GateState.PASSED else "missed",
            f"{_seconds(job):.0f}",
        )
    return lines

"""Compresses a model by one library, in a process of its own: with our environment, or llm-compressor's.

Each environment has only its own library, so the imports are in the functions. The last line of the output is
JSON: the seconds from the loaded model to the written checkpoint, the peak memory, and the versions.
"""

import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

_STATUS = Path("/proc/self/status")
GROUP_SIZE = 64

Work = Callable[[], object]
"""Compresses a loaded model, and writes the checkpoint."""


def ours(model: str, method: str, windows: torch.Tensor, out: Path) -> Work:
    """Load the model as a job does: memory-mapped, and in float32 block by block."""
    from bench.workload.models import ignore_steps
    from pruning.checkpoint.checkpoint import resolve
    from pruning.exports.compressed_tensors import W4A16, export_w4a16
    from pruning.methods.prune_blocks import prune
    from pruning.models.blocks import find_stack
    from pruning.output.writer import write_model
    from pruning.pipeline.models import ResolvedModel
    from pruning.recipe import ModelReference, Recipe

    checkpoint = resolve(ModelReference(id=model))
    layers = frozenset(layer.name for layer in find_stack(checkpoint.skeleton).layers)
    placement = ResolvedModel(checkpoint, layers, (torch.device("cpu"),), torch.float32).place_dense()

    def work() -> None:
        if method == "gptq":
            export_w4a16(
                checkpoint, W4A16(GROUP_SIZE), out, placement=placement, windows=windows, step=ignore_steps
            )
            return
        recipe = Recipe.model_validate({"model": checkpoint.id, "method": method, "sparsity": 0.5})
        pruned = prune(placement.model, recipe, windows, {}, step=ignore_steps, placement=placement)
        out.mkdir()
        write_model(checkpoint, pruned, out, save_masks=False)

    return work


def theirs(model: str, method: str, windows: torch.Tensor, out: Path) -> Work:
    """Load the model in float32."""
    from compressed_tensors.quantization.quant_scheme import preset_name_to_scheme
    from llmcompressor import oneshot
    from llmcompressor.modifiers.gptq import GPTQModifier
    from llmcompressor.modifiers.pruning import SparseGPTModifier, WandaPruningModifier
    from torch.utils.data import DataLoader
    from transformers import AutoModelForCausalLM

    loaded = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    ignore = [
        "re:.*lm_head"
    ]  # the modifiers for pruning look for "lm_head.", which only an expression matches
    scheme = preset_name_to_scheme("W4A16", ["Linear"])
    assert scheme.weights is not None
    scheme.weights.group_size = GROUP_SIZE
    modifier: dict[str, Callable[[], Any]] = {
        "wanda": lambda: WandaPruningModifier(sparsity=0.5, ignore=ignore),
        "sparsegpt": lambda: SparseGPTModifier(sparsity=0.5, ignore=ignore),
        "gptq": lambda: GPTQModifier(config_groups={"group_0": scheme}, ignore=ignore),
    }

    def work() -> None:
        samples: Any = [{"input_ids": ids, "attention_mask": torch.ones_like(ids)} for ids in windows]
        oneshot(model=loaded, dataset=DataLoader(samples), recipe=modifier[method]())
        loaded.to(torch.bfloat16).save_pretrained(out)  # as the dense one is stored, and as we write it

    return work


def main() -> None:
    """Run what the argument describes, in JSON."""
    request = json.loads(sys.argv[1])
    load, library = {"ours": (ours, "pruneserve"), "theirs": (theirs, "llmcompressor")}[request["side"]]
    windows = load_file(request["windows"])["windows"]
    work = load(request["model"], request["method"], windows, Path(request["out"]))
    started, cpu = time.perf_counter(), time.process_time()
    work()
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    peak = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
    found = {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "peak_bytes": 1024 * int(peak.split()[1]),
        "threads": torch.get_num_threads(),
        "versions": {
            name: version(name) for name in (library, "torch", "transformers", "compressed-tensors")
        },
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()

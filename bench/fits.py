"""`make bench-fits`: which stages fit on which card, by the estimates that jobs are placed by.

Nothing is run. Each row is one stage of a job with default options, in the least memory that it can take:
gradients are streamed, models are evaluated block by block, and nothing is kept to save time.
"""

from collections.abc import Iterator
from typing import Any

from bench.rows import header, row_of
from jobs.queue.resources import MARGIN, Needs
from jobs.spec.job import JobSpec
from pruning.estimate import Machine, shape_of_config
from pruning.recipe import Stage

_LLAMA = {"model_type": "llama", "torch_dtype": "bfloat16"}
MODELS: dict[str, dict[str, Any]] = {
    "LLaMA-2-7B": _LLAMA
    | {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32}
    | {"num_attention_heads": 32, "vocab_size": 32000},
    "Qwen3-30B-A3B": {"model_type": "qwen3_moe", "torch_dtype": "bfloat16"}
    | {"hidden_size": 2048, "intermediate_size": 6144, "moe_intermediate_size": 768, "num_hidden_layers": 48}
    | {"num_experts": 128, "num_experts_per_tok": 8, "decoder_sparse_step": 1, "mlp_only_layers": []}
    | {"num_attention_heads": 32, "num_key_value_heads": 4, "head_dim": 128, "vocab_size": 151936},
    "Llama-3-70B": _LLAMA
    | {"hidden_size": 8192, "intermediate_size": 28672, "num_hidden_layers": 80}
    | {"num_attention_heads": 64, "num_key_value_heads": 8, "vocab_size": 128256},
}
_DISTIL = {"method": "wanda", "sparsity": 0.5}
_EXPORTS = ["gguf:Q4_K_M", "compressed-tensors:w4a16"]
STAGES: dict[str, tuple[Stage, dict[str, Any], list[str]]] = {
    "gradients": (Stage.GRADIENTS, {"method": "gblm", "sparsity": 0.5}, []),
    **{
        f"prune, `{method}`": (Stage.PRUNE, {"method": method, "sparsity": 0.5}, [])
        for method in ("wanda", "gblm", "sparsegpt", "best")
    },
    **{
        f"distil, `{state}`": (Stage.RECOVER, _DISTIL | {"recovery": {"distil": {"state": state}}}, [])
        for state in ("float32", "8-bit", "bfloat16")
    },
    "evaluate": (Stage.EVALUATE, {"method": "none"}, []),
    "export, GGUF and INT4": (Stage.EXPORT, {"method": "none"}, _EXPORTS),
}
CARDS = (24, 40, 80)
_SMALLEST = Machine(
    device="cuda", memory_bytes=1, operations_per_second={"bfloat16": 1e14}, bytes_per_second=1e12
)


def lines() -> Iterator[str]:
    """Yield the lines of the table."""
    cards = (f"{card} GB" for card in CARDS)
    yield from header("model", "stage", "device, GB", "host, GB", *cards)
    for model, config in MODELS.items():
        shape = shape_of_config(config)
        for name, (stage, recipe, exports) in STAGES.items():
            spec = JobSpec.model_validate({"recipe": {"model": "org/name", **recipe}, "exports": exports})
            stages = spec.estimate(shape, _SMALLEST).stages
            device = MARGIN * max(one.memory_bytes for one in stages if one.name == stage) / 1e9
            host = Needs.of(spec, shape).host_bytes / 1e9
            fits = ("yes" if device <= card else "no" for card in CARDS)
            yield row_of([model, name, f"{device:.1f}", f"{host:.1f}", *fits])


if __name__ == "__main__":
    print("\n".join(lines()))

"""Small random models of many architectures, chosen for the differences that the code must not rely on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    CohereConfig,
    CohereForCausalLM,
    FalconConfig,
    FalconForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    GPT2Config,
    GPT2LMHeadModel,
    GPTJConfig,
    GPTJForCausalLM,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    GptOssConfig,
    GptOssForCausalLM,
    Llama4ForCausalLM,
    Llama4TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    MixtralConfig,
    MixtralForCausalLM,
    Olmo2Config,
    Olmo2ForCausalLM,
    OPTConfig,
    OPTForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen2MoeConfig,
    Qwen2MoeForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3MoeConfig,
    Qwen3MoeForCausalLM,
    StableLmConfig,
    StableLmForCausalLM,
)

from tests.tiers import nightly

VOCABULARY = 384


def five_windows() -> torch.Tensor:
    """Return token ids, (windows, length), within every tiny model's vocabulary."""
    return torch.randint(2, VOCABULARY, (5, 24), generator=torch.Generator().manual_seed(2))


_LLAMA = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}


@dataclass(frozen=True)
class Family:
    """A model class with its config, and the name of the ModuleList that holds its blocks."""

    blocks: str
    make: Callable[..., PreTrainedModel]
    config: Callable[..., Any]
    settings: dict[str, Any]


FAMILIES = {
    "llama": Family("model.layers", LlamaForCausalLM, LlamaConfig, _LLAMA),
    "llama-tied": Family(
        "model.layers", LlamaForCausalLM, LlamaConfig, {**_LLAMA, "tie_word_embeddings": True}
    ),
    # Conv1D layers, which store the transposed weight; four positional arguments.
    "gpt2": Family("transformer.h", GPT2LMHeadModel, GPT2Config, {"n_embd": 32, "n_layer": 3, "n_head": 4}),
    # fc1 and fc2 see windows and positions flattened into one dimension.
    "opt": Family(
        "model.decoder.layers",
        OPTForCausalLM,
        OPTConfig,
        {
            "hidden_size": 32,
            "ffn_dim": 64,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "word_embed_proj_dim": 32,
            "max_position_embeddings": 128,
            "dropout": 0.1,
        },
    ),
    # Blocks take an argument (alibi) whose size depends on the number of windows, and return tuples.
    "bloom": Family(
        "transformer.h", BloomForCausalLM, BloomConfig, {"hidden_size": 32, "n_layer": 3, "n_head": 4}
    ),
    # Every second block has another mask; logits are capped.
    "gemma2": Family(
        "model.layers", Gemma2ForCausalLM, Gemma2Config, {**_LLAMA, "head_dim": 8, "sliding_window": 8}
    ),
    "gpt_neox": Family(
        "gpt_neox.layers",
        GPTNeoXForCausalLM,
        GPTNeoXConfig,
        {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4},
    ),
}


# These differ from the others in names, settings, attention or routing.
_MOE = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24, "head_dim": 8}
ALL_FAMILIES = FAMILIES | {
    "mistral": Family("model.layers", MistralForCausalLM, MistralConfig, {**_LLAMA, "sliding_window": 8}),
    "qwen2": Family("model.layers", Qwen2ForCausalLM, Qwen2Config, _LLAMA),
    "qwen3": Family("model.layers", Qwen3ForCausalLM, Qwen3Config, {**_LLAMA, "head_dim": 8}),
    # Sliding and full attention in turn, with rotary embeddings of two kinds.
    "gemma3": Family(
        "model.layers",
        Gemma3ForCausalLM,
        Gemma3TextConfig,
        {
            **_LLAMA,
            "head_dim": 8,
            "sliding_window": 8,
            "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
        },
    ),
    # Query, key and value in one layer, and gate and up in one.
    "phi3": Family("model.layers", Phi3ForCausalLM, Phi3Config, _LLAMA),
    "olmo2": Family("model.layers", Olmo2ForCausalLM, Olmo2Config, _LLAMA),
    "stablelm": Family("model.layers", StableLmForCausalLM, StableLmConfig, _LLAMA),
    # Scaled logits, attention and MLP in parallel.
    "cohere": Family("model.layers", CohereForCausalLM, CohereConfig, _LLAMA),
    # Linear layers of a class of its own; positions by alibi.
    "falcon": Family(
        "transformer.h",
        FalconForCausalLM,
        FalconConfig,
        {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "alibi": True},
    ),
    "gptj": Family(
        "transformer.h",
        GPTJForCausalLM,
        GPTJConfig,
        {"n_embd": 32, "n_layer": 3, "n_head": 4, "rotary_dim": 4},
    ),
    # Fused experts in the model, separate ones in the checkpoint.
    "mixtral": Family("model.layers", MixtralForCausalLM, MixtralConfig, {**_LLAMA, "num_local_experts": 4}),
    # The first block has no experts.
    "qwen3_moe": Family(
        "model.layers", Qwen3MoeForCausalLM, Qwen3MoeConfig, {**_LLAMA, **_MOE, "mlp_only_layers": [0]}
    ),
    # A shared expert, whose gate is a linear layer with one output.
    "qwen2_moe": Family(
        "model.layers",
        Qwen2MoeForCausalLM,
        Qwen2MoeConfig,
        {**_LLAMA, **_MOE, "shared_expert_intermediate_size": 40},
    ),
    # Experts with biases, transposed, with gate and up interleaved; fused in the checkpoint too.
    "gpt_oss": Family(
        "model.layers",
        GptOssForCausalLM,
        GptOssConfig,
        {**_LLAMA, "num_local_experts": 4, "num_experts_per_tok": 2, "head_dim": 8, "sliding_window": 8},
    ),
    # Experts that take every token, as zeros where it is not routed to them, in every second block.
    "llama4": Family(
        "model.layers",
        Llama4ForCausalLM,
        Llama4TextConfig,
        {
            **_LLAMA,
            "intermediate_size_mlp": 64,
            "num_local_experts": 4,
            "num_experts_per_tok": 2,
            "interleave_moe_layer_step": 2,
            "head_dim": 8,
            "attention_chunk_size": 16,
            "no_rope_layers": [1, 1, 0],
        },
    ),
}

EVERY_CHANGE = ("llama-tied", "gpt2", "gemma3", "phi3", "mixtral", "gpt_oss")
"""Tied embeddings, transposed weights, two kinds of attention, fused projections, two kinds of experts."""

EACH_FAMILY = [family if family in EVERY_CHANGE else nightly(family) for family in ALL_FAMILIES]
"""For `pytest.mark.parametrize`: those of `EVERY_CHANGE` with every change, and the others nightly."""


def make(family: str, dtype: torch.dtype = torch.float32, **overrides: object) -> PreTrainedModel:
    """Make a random model, with the same weights every time; large enough for its gradients to differ."""
    recipe = ALL_FAMILIES[family]
    settings = {
        "vocab_size": VOCABULARY,
        "initializer_range": 0.2,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "pad_token_id": None,
        "tie_word_embeddings": False,
        **recipe.settings,
        **overrides,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = recipe.make(recipe.config(**settings)).to(dtype).eval()
    if dtype == torch.float64:
        model.set_experts_implementation("eager")  # the grouped product has no float64
    return model


# By family: the blocks, and the layers of a block in groups that share an input, in the order of their calls.
INPUT_GROUPS = {
    "llama": ("model.layers", ["self_attn.q_proj self_attn.k_proj self_attn.v_proj", "self_attn.o_proj",
                               "mlp.gate_proj mlp.up_proj", "mlp.down_proj"]),
    "gpt2": ("transformer.h", ["attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"]),
}  # fmt: skip

UNREACHED_EXPERTS = [
    f"model.layers.{block}.mlp.experts.{expert}" for block in (1, 2) for expert in range(4, 8)
]


def with_unreached_experts() -> PreTrainedModel:
    """Make a Qwen3-MoE whose router sends no token to UNREACHED_EXPERTS.

    The router's logits are ±a, ±b and zeros, so the two largest are never among the zeros.
    """
    model = make("qwen3_moe", num_experts=8)
    for block in (1, 2):
        router = model.get_parameter(f"model.layers.{block}.mlp.gate.weight").data
        router[1], router[3], router[4:] = -router[0], -router[2], 0
    return model

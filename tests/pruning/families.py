"""Small random models of several families: what differs between them is what the code must not assume."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    OPTConfig,
    OPTForCausalLM,
    PreTrainedModel,
)

VOCABULARY = 384

_LLAMA = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}


@dataclass(frozen=True)
class Family:
    """How to make a model, and the name of the ModuleList that holds its blocks."""

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
    # Inputs of fc1 and fc2 with windows and positions in one dimension.
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
    # An argument (alibi) whose size depends on the number of windows; blocks return tuples.
    "bloom": Family(
        "transformer.h", BloomForCausalLM, BloomConfig, {"hidden_size": 32, "n_layer": 3, "n_head": 4}
    ),
    # Other masks for every second block, capped logits.
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


def make(family: str, dtype: torch.dtype = torch.float32, **overrides: object) -> PreTrainedModel:
    """A model with the same weights every time, large enough that its gradients are not all alike."""
    recipe = FAMILIES[family]
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
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return recipe.make(recipe.config(**settings)).to(dtype).eval()

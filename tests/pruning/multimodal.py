"""Small random models that hold vision towers, and their text decoders as plain models."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import (
    Gemma3Config,
    Gemma3ForCausalLM,
    Gemma3ForConditionalGeneration,
    Llama4Config,
    Llama4ForCausalLM,
    Llama4ForConditionalGeneration,
    Mistral3Config,
    Mistral3ForConditionalGeneration,
    MistralForCausalLM,
    PreTrainedModel,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)

from tests.pruning.families import VOCABULARY

_TEXT = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 128,
    "initializer_range": 0.2,
}
# More blocks, and larger ones, than the text decoder has: the stack to prune must not be this one.
_TOWER = {
    "hidden_size": 48,
    "intermediate_size": 192,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "image_size": 28,
    "patch_size": 14,
}


@dataclass(frozen=True)
class Multimodal:
    """A model class, its config, and the class of its text decoder as a model of its own."""

    make: Callable[[Any], PreTrainedModel]
    config: Callable[[], Any]
    plain: Callable[[Any], PreTrainedModel]
    text: str  # the prefix of the decoder's parameters in memory
    plain_config: Callable[[Any], Any] = lambda text: text


MULTIMODAL = {
    "gemma3": Multimodal(
        Gemma3ForConditionalGeneration,
        lambda: Gemma3Config(
            text_config={
                **_TEXT,
                "sliding_window": 8,
                "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
            },
            vision_config=_TOWER,
            mm_tokens_per_image=4,
            image_token_index=300,
        ),
        Gemma3ForCausalLM,
        "model.language_model.",
    ),
    "qwen3_vl": Multimodal(
        Qwen3VLForConditionalGeneration,
        lambda: Qwen3VLConfig(
            text_config={
                **_TEXT,
                "rope_scaling": {"rope_type": "default", "mrope_section": [2, 1, 1], "rope_theta": 1e4},
            },
            vision_config={
                "depth": 4,
                "hidden_size": 48,
                "intermediate_size": 192,
                "num_heads": 4,
                "out_hidden_size": 32,
                "patch_size": 4,
                "deepstack_visual_indexes": [0],
                "num_position_embeddings": 16,
            },
            image_token_id=300,
            video_token_id=301,
            vision_start_token_id=302,
            vision_end_token_id=303,
        ),
        Qwen3ForCausalLM,
        "model.language_model.",
        # On text alone the three kinds of positions are equal, as Qwen3's one kind.
        lambda text: Qwen3Config(**_TEXT, rope_parameters={"rope_type": "default", "rope_theta": 1e4}),
    ),
    "mistral3": Multimodal(
        Mistral3ForConditionalGeneration,
        lambda: Mistral3Config(
            text_config={"model_type": "mistral", **_TEXT},
            vision_config={"model_type": "pixtral", **_TOWER},
            image_token_index=300,
            tie_word_embeddings=False,
        ),
        MistralForCausalLM,
        "model.language_model.",
    ),
    # The decoder is a model with a head of its own.
    "llama4": Multimodal(
        Llama4ForConditionalGeneration,
        lambda: Llama4Config(
            text_config={
                **_TEXT,
                "intermediate_size_mlp": 64,
                "num_local_experts": 4,
                "num_experts_per_tok": 1,
                "interleave_moe_layer_step": 2,
                "attention_chunk_size": 16,
                "no_rope_layers": [1, 1, 0],
                "tie_word_embeddings": False,
            },
            vision_config={
                **_TOWER,
                "vision_output_dim": 32,
                "projector_input_dim": 32,
                "projector_output_dim": 32,
            },
            image_token_index=300,
        ),
        Llama4ForCausalLM,
        "language_model.model.",
    ),
}


def make_multimodal(name: str) -> PreTrainedModel:
    """Build the model, in eval mode, with random weights that depend on nothing else."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return MULTIMODAL[name].make(MULTIMODAL[name].config()).eval()


def plain_decoder(name: str, whole: PreTrainedModel) -> PreTrainedModel:
    """Return the text decoder of `whole` as a model of its class for text alone, with the same weights."""
    family = MULTIMODAL[name]
    decoder = family.plain(family.plain_config(whole.config.get_text_config())).eval()
    weights = {
        "model." + parameter.removeprefix(family.text): tensor.detach().clone()
        for parameter, tensor in whole.state_dict().items()
        if parameter.startswith(family.text)
    }
    head = whole.get_output_embeddings().weight.detach().clone()
    decoder.load_state_dict({**weights, "lm_head.weight": head})
    return decoder


def logits_of(whole: PreTrainedModel, windows: Tensor) -> Tensor:
    """Return the logits that a model of a whole class computes on text, by a hook on its head.

    After that, the forward pass of Llama 4 reads a field that no output has (transformers 5.24).
    """
    found: list[Tensor] = []
    hook = whole.get_output_embeddings().register_forward_hook(lambda _, __, output: found.append(output))
    try:
        with torch.no_grad():
            whole(input_ids=windows, use_cache=False)
    except AttributeError as error:
        assert "image_outputs" in str(error)  # noqa: PT017 - the logits came before it
    finally:
        hook.remove()
    (logits,) = found
    return logits

"""Small random checkpoints with a real tokenizer, as directories."""

import json
from pathlib import Path

from transformers import PreTrainedModel

from tests.pruning.families import make
from tests.pruning.tiny import train_tokenizer

# What each family needs so that it is like the models that have its name.
_SETTINGS: dict[str, dict[str, object]] = {
    "cohere": {"tie_word_embeddings": True},
    "gemma3": {
        "num_hidden_layers": 6,
        "layer_types": None,
        "query_pre_attn_scalar": 8,
    },  # every sixth block has full attention
    "mistral": {"sliding_window": None},  # as from version 0.2 on
    "qwen2": {"vocab_size": 400},  # its tokenizer has special tokens of its own
    "qwen3": {"vocab_size": 400},
    "qwen3_moe": {"mlp_only_layers": [], "norm_topk_prob": True},  # as the released ones
}


def write_checkpoint(directory: Path, family: str = "llama", **overrides: object) -> PreTrainedModel:
    """Write a model of a family, and return it."""
    model = make(family, **{"initializer_range": 0.05, **_SETTINGS.get(family, {}), **overrides})
    model.save_pretrained(directory)
    write_tokenizer(directory, family)
    return model


def write_tokenizer(directory: Path, family: str) -> None:
    """Write the tokenizer of a model of a family."""
    train_tokenizer().save_pretrained(directory)
    if family == "phi3":  # as Phi-4 has; Phi-3 itself comes with a file of SentencePiece
        settings = directory / "tokenizer_config.json"
        settings.write_text(
            json.dumps(json.loads(settings.read_text()) | {"tokenizer_class": "GPT2Tokenizer"})
        )

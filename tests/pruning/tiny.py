"""Tiny random models with a real tokenizer, in memory and on disk like a user's checkpoint."""

import pydoc_data.topics
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

VOCABULARY = 384
CONTEXT = 128


def train_tokenizer() -> PreTrainedTokenizerFast:
    """Train a byte-level BPE of 384 tokens, which encodes any text, and some words as one token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([pydoc_data.topics.topics["if"], pydoc_data.topics.topics["for"]], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")


def tiny_llama(**overrides: object) -> LlamaForCausalLM:
    """Make a random float32 Llama: 3 blocks, 32 features, grouped-query attention, in eval mode.

    Keyword arguments override the config. Equal arguments give equal weights.
    """
    config = LlamaConfig(
        **{
            "vocab_size": VOCABULARY,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": CONTEXT,
            "tie_word_embeddings": False,
            "bos_token_id": 0,
            "eos_token_id": 1,
            "initializer_range": 0.2,
            **overrides,
        }
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LlamaForCausalLM(config).eval()


def save_checkpoint(model: PreTrainedModel, directory: Path) -> Path:
    """Save a model with the tokenizer, as `save_pretrained` does, and return the directory."""
    model.save_pretrained(directory)
    train_tokenizer().save_pretrained(directory)
    return directory

"""Fixtures: tiny random models with a real tokenizer, in memory and on disk like a user's checkpoint."""

import os
import tempfile

# Libraries read these when they are imported. No test may depend on the Hub, or on the user's cache of it.
os.environ.update(
    HF_ENDPOINT="http://127.0.0.1:9",
    HF_HOME=f"{tempfile.gettempdir()}/pruneserve-tests-no-hub",
    OMP_NUM_THREADS="1",
    TOKENIZERS_PARALLELISM="false",
)

import pydoc_data.topics
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from pruning.data.text import token_ids
from pruning.models import memory
from tests.pruning.families import five_windows

VOCABULARY = 384
CONTEXT = 128
_LONG = 10_000  # characters

torch.set_num_threads(1)


@pytest.fixture(scope="module", name="five_windows")
def the_five_windows() -> torch.Tensor:
    return five_windows()


@pytest.fixture
def two_windows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit micro-batches to two windows, so that the last of `five_windows` has another size."""
    monkeypatch.setitem(memory.FULL_SPEED_TOKENS, "cpu", 48)


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


def _tiny_llama(**overrides: object) -> LlamaForCausalLM:
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


def _save_checkpoint(model: PreTrainedModel, directory: Path) -> Path:
    """Save a model with the tokenizer, as `save_pretrained` does."""
    model.save_pretrained(directory)
    train_tokenizer().save_pretrained(directory)
    return directory


@pytest.fixture(autouse=True)
def float32_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Default to float32 also on a CPU with bfloat16 instructions: these tests compare numbers closely."""
    monkeypatch.setattr("pruning.runtime.device.has_native_bfloat16", lambda: False)


@pytest.fixture(autouse=True, scope="session")
def long_texts_are_tokenised_once() -> Iterator[None]:
    """Of a run of a tiny model, tokenising the builtin text twice is a quarter."""
    known: dict[tuple[str, str], list[int]] = {}

    def remembered(tokenizer: object, text: str) -> list[int]:
        if len(text) < _LONG or not isinstance(tokenizer, PreTrainedTokenizerFast):
            return token_ids(tokenizer, text)
        key = tokenizer.backend_tokenizer.to_str(), text
        if key not in known:
            known[key] = token_ids(tokenizer, text)
        return list(known[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pruning.data.windows.token_ids", remembered)
        yield


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerBase:
    return train_tokenizer()


@pytest.fixture(scope="session")
def tiny_llama() -> Callable[..., LlamaForCausalLM]:
    """Make a random float32 Llama: 3 blocks, 32 features, grouped-query attention, in eval mode.

    Keyword arguments override the config. Equal arguments give equal weights.
    """
    return _tiny_llama


@pytest.fixture(scope="session")
def save_checkpoint() -> Callable[[PreTrainedModel, Path], Path]:
    """Save a model with the tokenizer into a directory, and return the directory."""
    return _save_checkpoint


@pytest.fixture(scope="session")
def tiny_llama_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A float32 Llama checkpoint with an untied head. Read only: a test that changes it must make its own."""
    return _save_checkpoint(_tiny_llama(), tmp_path_factory.mktemp("models") / "tiny-llama")


@pytest.fixture(scope="session")
def tiny_llama_tied_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with the head tied to the embeddings. Read only."""
    model = _tiny_llama(tie_word_embeddings=True)
    return _save_checkpoint(model, tmp_path_factory.mktemp("models") / "tiny-llama-tied")


@pytest.fixture(scope="session")
def windows() -> torch.Tensor:
    """Four calibration windows of 24 tokens: int64, (windows, length)."""
    generator = torch.Generator().manual_seed(1)
    return torch.randint(2, VOCABULARY, (4, 24), generator=generator)

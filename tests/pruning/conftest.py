"""Fixtures: tiny random models with a real tokenizer, in memory and on disk like a user's checkpoint."""

import os

# Libraries read these when they are imported. No test may depend on the Hub.
os.environ.update(
    HF_ENDPOINT="http://127.0.0.1:9",
    OMP_NUM_THREADS="1",
    TOKENIZERS_PARALLELISM="false",
)

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from pruning.data.text import token_ids
from pruning.models import memory
from tests.pruning.tiny import VOCABULARY, save_checkpoint, tiny_llama, train_tokenizer

_LONG = 10_000  # characters

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def three_windows() -> Tensor:
    return torch.randint(2, 384, (3, 16), generator=torch.Generator().manual_seed(3))


@pytest.fixture
def two_windows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit micro-batches to two windows, so that the last of `five_windows` has another size."""
    monkeypatch.setitem(memory.FULL_SPEED_TOKENS, "cpu", 48)


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
def tiny_llama_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A float32 Llama checkpoint with an untied head. Read only: a test that changes it must make its own."""
    return save_checkpoint(tiny_llama(), tmp_path_factory.mktemp("models") / "tiny-llama")


@pytest.fixture(scope="session")
def tiny_llama_tied_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with the head tied to the embeddings. Read only."""
    model = tiny_llama(tie_word_embeddings=True)
    return save_checkpoint(model, tmp_path_factory.mktemp("models") / "tiny-llama-tied")


@pytest.fixture(scope="session")
def windows() -> torch.Tensor:
    """Four calibration windows of 24 tokens: int64, (windows, length)."""
    generator = torch.Generator().manual_seed(1)
    return torch.randint(2, VOCABULARY, (4, 24), generator=generator)

"""What llama.cpp and transformers compute, of small models."""

from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForCausalLM, PreTrainedConfig, PreTrainedModel

from pruning.exports import llama
from pruning.exports.engine import Engine
from tests.pruning.families import five_windows
from tests.pruning.tiny import train_tokenizer

ENGINE = Engine(threads=1)


def logits_of_llama_cpp(file: Path, ids: list[int]) -> torch.Tensor:
    """The file is this test's own: it may be read in this process."""
    with llama.computing(file, length=len(ids), threads=1, at_once=7) as context:
        return torch.from_numpy(np.concatenate([piece.copy() for piece in context.logits(ids)]))


@torch.no_grad()
def logits_of_transformers(model: PreTrainedModel, ids: list[int]) -> torch.Tensor:
    return model(torch.tensor([ids])).logits[0].float()


def write_model(directory: Path, config: PreTrainedConfig) -> PreTrainedModel:
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).eval()
    model.save_pretrained(directory)
    train_tokenizer().save_pretrained(directory)
    return model


def assert_computed_alike(model: PreTrainedModel, file: Path) -> None:
    ids = five_windows()[0].tolist()
    expected = logits_of_transformers(model, ids)
    difference = (logits_of_llama_cpp(file, ids) - expected).abs().max()
    assert difference < 0.02 * expected.abs().max()

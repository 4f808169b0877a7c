"""The callback in the real Trainer: zeros stay, bit for bit, and the rest of the model is trained."""

import copy
from pathlib import Path

import pytest
import torch
from torch.utils.data import Dataset
from transformers import PreTrainedModel, Trainer, TrainingArguments

from pruning import InvalidInput, KeepZeros
from pruning.models.blocks import find_stack
from tests.pruning.families import make

pytestmark = pytest.mark.slow


class Texts(Dataset[dict[str, torch.Tensor]]):
    """Random windows that are to be continued."""

    def __len__(self) -> int:
        return 12

    def __getitem__(self, number: int) -> dict[str, torch.Tensor]:
        ids = torch.randint(2, 384, (16,), generator=torch.Generator().manual_seed(number))
        return {"input_ids": ids, "labels": ids}


def half_pruned(family: str) -> PreTrainedModel:
    model = make(family)
    for number, layer in enumerate(find_stack(model).layers):
        generator = torch.Generator().manual_seed(number)
        layer.parameter.data *= torch.rand(layer.parameter.shape, generator=generator) < 0.5
        layer.parameter.data.abs_()  # +0.0 everywhere
    return model.requires_grad_(True)


def train(model: PreTrainedModel, directory: Path, *callbacks: KeepZeros) -> None:
    settings = TrainingArguments(
        output_dir=str(directory),
        use_cpu=True,
        max_steps=4,
        per_device_train_batch_size=2,
        gradient_accumulation_steps=2,
        learning_rate=1e-2,
        weight_decay=0.1,
        max_grad_norm=1.0,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        seed=0,
    )
    Trainer(model=model, args=settings, train_dataset=Texts(), callbacks=list(callbacks)).train()


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_zeros_stay_and_all_else_is_trained(family: str, tmp_path: Path) -> None:
    model = half_pruned(family)
    before = copy.deepcopy(model)
    callback = KeepZeros()
    train(model, tmp_path, callback)
    for old, new in zip(find_stack(before).layers, find_stack(model).layers, strict=True):
        zero = old.parameter == 0
        assert zero.any()
        assert torch.equal(new.parameter == 0, zero)
        assert not new.parameter.detach().view(torch.int32)[zero].any()  # +0.0, bit for bit
        assert (new.parameter != old.parameter)[~zero].all()
    # Without the callback no zero is left, so that it is what keeps them.
    train(before, tmp_path)
    assert not any((layer.parameter == 0).any() for layer in find_stack(before).layers)


def test_the_model_is_free_again_after_the_training(tmp_path: Path) -> None:
    model = half_pruned("llama")
    train(model, tmp_path, KeepZeros())
    model.zero_grad()
    ids = torch.arange(2, 18)[None]
    model(input_ids=ids, labels=ids).loss.backward()
    for layer in find_stack(model).layers:
        assert layer.parameter.grad is not None
        assert layer.parameter.grad[layer.parameter == 0].any()


def test_a_model_without_zeros_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no trainable layer with zeros"):
        train(make("llama").requires_grad_(True), tmp_path, KeepZeros())

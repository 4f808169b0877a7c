import os
import shutil
import stat
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    MixtralConfig,
    MixtralForCausalLM,
    PreTrainedModel,
)

from pruning.checkpoint.checkpoint import Checkpoint, resolve
from pruning.checkpoint.layout import StoredLayout
from pruning.errors import InvalidInput
from pruning.methods.prune_blocks import Pruned, prune
from pruning.output.directory import atomic_directory
from pruning.output.writer import write_model
from pruning.recipe import ModelReference, Recipe
from tests.pruning.families import five_windows, make
from tests.pruning.pruned import ignore_steps
from tests.pruning.runs import read_masks, tensors_of

CPU = torch.device("cpu")
RECIPE = Recipe(model="/any", method="wanda", sparsity=0.5)


def resolved(directory: Path) -> Checkpoint:
    return resolve(ModelReference(id=str(directory)), roots=None, hub_token=None)


def pruned_into(checkpoint: Checkpoint, output: Path, windows: Tensor, *, save_masks: bool = False) -> Pruned:
    result = prune(checkpoint.load(torch.float32, CPU), RECIPE, windows, {}, step=ignore_steps)
    with atomic_directory(output) as directory:
        write_model(checkpoint, result, directory, save_masks=save_masks)
    return result


def without_prefix(directory: Path) -> None:
    """Save a checkpoint as the gpt2 on the Hub: without the prefix of the base model."""
    path = directory / "model.safetensors"
    tensors = {name.removeprefix("transformer."): tensor for name, tensor in load_file(path).items()}
    save_file(tensors, path, metadata={"format": "pt"})


def saved(model: PreTrainedModel, directory: Path, *, shard: str = "1GB") -> Path:
    model.save_pretrained(directory, max_shard_size=shard)
    return directory


@pytest.mark.parametrize(
    "kind", ["llama", "llama-tied", "gpt2", "gpt2 without prefix", "bfloat16", "sharded"]
)
def test_the_output_is_the_dense_checkpoint_with_masked_weights_set_to_zero(
    kind: str, tmp_path: Path
) -> None:
    family = kind.split(" ", maxsplit=1)[0] if kind.startswith(("llama", "gpt2")) else "llama"
    model = make(family, torch.bfloat16 if kind == "bfloat16" else torch.float32)
    source = saved(model, tmp_path / "dense", shard="40KB" if kind == "sharded" else "1GB")
    if kind == "gpt2 without prefix":
        without_prefix(source)
    result = pruned_into(resolved(source), tmp_path / "pruned", five_windows())

    dense, pruned = tensors_of(source), tensors_of(tmp_path / "pruned")
    assert pruned.keys() == dense.keys()
    zeros = weights = 0
    for name, tensor in dense.items():
        assert pruned[name].dtype == tensor.dtype
        kept = pruned[name] != 0
        assert torch.equal(pruned[name][kept], tensor[kept])
        assert not torch.signbit(pruned[name][~kept]).any() or not (tensor != 0)[~kept].any()
        if not torch.equal(pruned[name], tensor):
            zeros, weights = zeros + int((~kept).sum()), weights + tensor.numel()
            assert kept.double().mean() == 0.5
    assert weights == sum(layer.weights for layer in result.layers)
    assert zeros == weights // 2
    assert sorted(p.name for p in source.iterdir()) == sorted(p.name for p in (tmp_path / "pruned").iterdir())

    reloaded = AutoModelForCausalLM.from_pretrained(tmp_path / "pruned", dtype=torch.float32)
    for name, mask in result.masks.items():
        assert torch.equal(reloaded.get_parameter(name) == 0, mask)


def test_every_byte_of_the_file_but_the_zeros_is_unchanged(tmp_path: Path) -> None:
    source = saved(make("llama"), tmp_path / "dense")
    pruned_into(resolved(source), tmp_path / "pruned", five_windows())
    dense = (source / "model.safetensors").read_bytes()
    pruned = (tmp_path / "pruned/model.safetensors").read_bytes()
    assert len(dense) == len(pruned)
    assert all(after in (before, 0) for before, after in zip(dense, pruned, strict=True))
    with safe_open(tmp_path / "pruned/model.safetensors", framework="pt") as file:
        assert file.metadata() == {"format": "pt"}


def test_tokenizer_configs_and_licences_are_copied(tiny_llama_dir: Path, tmp_path: Path) -> None:
    source = shutil.copytree(tiny_llama_dir, tmp_path / "dense")
    GenerationConfig(temperature=0.7, do_sample=True).save_pretrained(source)
    (source / "chat_template.jinja").write_text("{{ messages[0].content }}")
    (source / "pytorch_model.bin").write_text("a pickle that is not needed")
    pruned_into(resolved(source), tmp_path / "pruned", five_windows())
    for name in ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"):
        assert (tmp_path / "pruned" / name).read_bytes() == (source / name).read_bytes()
    assert not (tmp_path / "pruned/pytorch_model.bin").exists()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "pruned")
    assert tokenizer.apply_chat_template([{"role": "user", "content": "hello"}], tokenize=False) == "hello"


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_saved_masks_apply_to_the_dense_checkpoint(family: str, tmp_path: Path) -> None:
    source = saved(make(family, n_embd=36) if family == "gpt2" else make(family), tmp_path / "dense")
    if family == "gpt2":
        without_prefix(source)
    pruned_into(resolved(source), tmp_path / "pruned", five_windows(), save_masks=True)
    masks = read_masks(tmp_path / "pruned/masks.safetensors")
    dense = load_file(source / "model.safetensors")
    pruned = load_file(tmp_path / "pruned/model.safetensors")
    for name, mask in masks.items():
        assert torch.equal(dense[name].masked_fill(mask, 0), pruned[name])
    bits = sum(mask.numel() for mask in masks.values())
    assert (tmp_path / "pruned/masks.safetensors").stat().st_size < bits / 8 + 8192


def test_fused_experts_are_written_to_the_matrices_of_the_checkpoint(tmp_path: Path) -> None:
    config = MixtralConfig(
        vocab_size=64,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        num_local_experts=3,
    )
    saved(MixtralForCausalLM(config), tmp_path)
    stored = load_file(tmp_path / "model.safetensors")
    with torch.device("meta"):
        skeleton = MixtralForCausalLM(config)
    loaded = MixtralForCausalLM.from_pretrained(tmp_path)
    fused = {name: p for name, p in loaded.named_parameters() if ".experts." in name}
    assert fused.keys().isdisjoint(stored)
    large = {name: parameter > 0.02 for name, parameter in fused.items()}

    masks = StoredLayout(skeleton, {name: tensor.to("meta") for name, tensor in stored.items()}).to_stored(
        large
    )

    assert masks.keys() == {name for name in stored if ".experts." in name}
    for name, mask in masks.items():
        assert torch.equal(mask, stored[name] > 0.02)


class TestAtomicDirectory:
    def test_it_is_deleted_on_failure(self, tmp_path: Path) -> None:
        def fail() -> None:
            with atomic_directory(tmp_path / "output") as directory:
                (directory / "half").write_text("written")
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fail()
        assert list(tmp_path.iterdir()) == []

    def test_the_destination_appears_only_when_complete(self, tmp_path: Path) -> None:
        with atomic_directory(tmp_path / "output") as directory:
            (directory / "file").write_text("written")
            assert not (tmp_path / "output").exists()
        assert [path.name for path in tmp_path.iterdir()] == ["output"]
        assert (tmp_path / "output/file").read_text() == "written"

    def test_missing_parents_are_created_and_an_empty_directory_is_replaced(self, tmp_path: Path) -> None:
        (tmp_path / "a/empty").mkdir(parents=True)
        for destination in (tmp_path / "a/empty", tmp_path / "b/c/new"):
            with atomic_directory(destination):
                pass
            assert destination.is_dir()

    @pytest.mark.parametrize("taken", ["directory", "file", "link"])
    def test_an_existing_destination_is_refused_and_kept(self, taken: str, tmp_path: Path) -> None:
        destination = tmp_path / "output"
        if taken == "directory":
            destination.mkdir()
            (destination / "mine").write_text("precious")
        elif taken == "file":
            destination.write_text("precious")
        else:
            destination.symlink_to(tmp_path / "nowhere")
        with pytest.raises(InvalidInput, match="exists already") as refused, atomic_directory(destination):
            pass
        assert refused.value.field == "output"

    def test_it_has_the_permissions_of_any_new_directory(self, tmp_path: Path) -> None:
        with atomic_directory(tmp_path / "output"):
            pass
        mask = os.umask(0)
        os.umask(mask)
        assert stat.S_IMODE((tmp_path / "output").stat().st_mode) == 0o777 & ~mask


def test_files_have_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    source = saved(make("llama"), tmp_path / "dense")
    pruned_into(resolved(source), tmp_path / "pruned", five_windows(), save_masks=True)
    (tmp_path / "any").touch()
    modes = {path.stat().st_mode for path in (tmp_path / "pruned").iterdir()}
    assert modes == {(tmp_path / "any").stat().st_mode}

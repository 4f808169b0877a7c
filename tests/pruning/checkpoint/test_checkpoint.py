import errno
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForCausalLM,
    BertConfig,
    BertForMaskedLM,
    PreTrainedModel,
    T5Config,
    T5ForConditionalGeneration,
)

from pruning.checkpoint.checkpoint import Checkpoint, resolve
from pruning.errors import InvalidInput
from pruning.recipe import ModelReference
from tests.pruning.families import make

CPU = torch.device("cpu")


def local(directory: Path, roots: tuple[Path, ...] | None = None) -> Checkpoint:
    return resolve(ModelReference(id=str(directory)), roots=roots, hub_token=None)


def refusal(directory: Path, roots: tuple[Path, ...] | None = None) -> str:
    with pytest.raises(InvalidInput) as refused:
        local(directory, roots)
    assert refused.value.field == "model.id"
    return str(refused.value)


@pytest.fixture
def model_dir(tiny_llama_dir: Path, tmp_path: Path) -> Path:
    """A copy of the model that the test may change."""
    return shutil.copytree(tiny_llama_dir, tmp_path / "model")


def edit_config(directory: Path, **changes: object) -> None:
    path = directory / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_local_model_is_identified_by_its_content(tiny_llama_dir: Path) -> None:
    checkpoint = local(tiny_llama_dir)
    assert checkpoint.id == str(tiny_llama_dir)
    assert checkpoint.commit is None
    assert checkpoint.digest is not None
    assert checkpoint.digest.startswith("sha256:")
    assert checkpoint.architecture == "LlamaForCausalLM"
    assert checkpoint.context_length == 128
    assert checkpoint.stored_dtype == torch.float32
    assert checkpoint.weight_files == ("model.safetensors",)


def test_the_digest_depends_on_the_content_and_not_on_the_path(tiny_llama_dir: Path, model_dir: Path) -> None:
    original = local(tiny_llama_dir).digest
    (model_dir / "notes.txt").write_text("not a part of the model")
    assert local(model_dir).digest == original
    edit_config(model_dir, rms_norm_eps=1e-5)
    assert local(model_dir).digest != original


def test_a_loaded_model_is_frozen_in_eval_mode_and_in_the_dtype_asked_for(tiny_llama_dir: Path) -> None:
    model = local(tiny_llama_dir).load(torch.float64, CPU)
    assert not model.training
    assert all(p.dtype == torch.float64 and not p.requires_grad for p in model.parameters())
    expected = load_file(tiny_llama_dir / "model.safetensors")
    for name, stored in expected.items():
        assert torch.equal(model.get_parameter(name), stored.double())


def test_changing_a_loaded_model_does_not_change_its_file(model_dir: Path) -> None:
    before = (model_dir / "model.safetensors").read_bytes()
    model = local(model_dir).load(torch.float32, CPU)
    for parameter in model.parameters():
        parameter.zero_()
    assert (model_dir / "model.safetensors").read_bytes() == before


def test_the_tokenizer_is_loaded_from_the_model(tiny_llama_dir: Path) -> None:
    assert local(tiny_llama_dir).tokenizer().decode([0]) == "<s>"


def test_a_model_without_a_tokenizer_is_refused_with_the_missing_files(model_dir: Path) -> None:
    for path in model_dir.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(InvalidInput, match=r"tokenizer\.json") as refused:
        local(model_dir).tokenizer()
    assert refused.value.field == "model.id"


def test_the_licence_is_what_the_model_card_declares(model_dir: Path) -> None:
    assert local(model_dir).licence is None
    (model_dir / "README.md").write_text("---\nlicense: apache-2.0\n---\n# A model\n")
    assert local(model_dir).licence == "apache-2.0"
    (model_dir / "README.md").write_text("---\nlicense: [\n---\nbroken\n")
    assert local(model_dir).licence is None
    (model_dir / "README.md").unlink()
    (model_dir / "README.md").mkdir()
    assert local(model_dir).licence is None


def test_an_attention_kernel_named_in_the_config_is_not_used(model_dir: Path) -> None:
    edit_config(model_dir, attn_implementation="kernels-community/flash-attn3")
    assert local(model_dir).load(torch.float32, CPU).config._attn_implementation == "sdpa"


def test_a_directory_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    assert "config.json does not exist" in refusal(tmp_path / "nowhere")


def test_a_directory_without_a_config_is_refused(model_dir: Path) -> None:
    (model_dir / "config.json").unlink()
    assert "config.json does not exist" in refusal(model_dir)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"model_type": "llama", "hidden_size": "wide"}'])
def test_a_config_that_cannot_be_read_is_refused(model_dir: Path, content: str) -> None:
    (model_dir / "config.json").write_text(content)
    assert "config.json" in refusal(model_dir)


def test_pickles_only_are_refused(model_dir: Path) -> None:
    (model_dir / "model.safetensors").rename(model_dir / "pytorch_model.bin")
    assert "pickles only" in refusal(model_dir)


def test_a_model_without_weights_is_refused(model_dir: Path) -> None:
    (model_dir / "model.safetensors").unlink()
    assert "no readable weights" in refusal(model_dir)


def test_a_damaged_weight_file_is_refused(model_dir: Path) -> None:
    weights = model_dir / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    assert "model.safetensors is missing, truncated" in refusal(model_dir)


def test_a_checkpoint_that_lacks_weights_is_refused_when_loaded(model_dir: Path) -> None:
    tensors = load_file(model_dir / "model.safetensors")
    del tensors["lm_head.weight"]
    save_file(tensors, model_dir / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InvalidInput, match=r"lacks 1 weights of LlamaForCausalLM, such as lm_head\.weight"):
        local(model_dir).load(torch.float32, CPU)


def test_quantised_checkpoints_are_refused(model_dir: Path) -> None:
    edit_config(model_dir, quantization_config={"quant_method": "gptq", "bits": 4})
    assert "quantised" in refusal(model_dir)


def test_a_model_that_needs_code_of_its_own_is_refused(model_dir: Path) -> None:
    edit_config(
        model_dir,
        model_type="homemade",
        auto_map={"AutoConfig": "code.Config", "AutoModelForCausalLM": "code.Model"},
    )
    (model_dir / "code.py").write_text("raise SystemExit('this must never run')")
    assert "code from its own repository" in refusal(model_dir)


def test_a_native_model_that_also_has_code_is_loaded_without_it(model_dir: Path) -> None:
    edit_config(model_dir, auto_map={"AutoModelForCausalLM": "code.Model"})
    (model_dir / "code.py").write_text("raise SystemExit('this must never run')")
    assert type(local(model_dir).load(torch.float32, CPU)).__module__.startswith("transformers.")


def test_an_architecture_that_transformers_does_not_know_is_refused(model_dir: Path) -> None:
    edit_config(model_dir, model_type="homemade")
    assert "does not know its model_type" in refusal(model_dir)


@pytest.mark.parametrize("model", [
    pytest.param(lambda: BertForMaskedLM(BertConfig(
        vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
    )), id="encoder-only"),
    pytest.param(lambda: T5ForConditionalGeneration(T5Config(
        vocab_size=64, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4,
    )), id="encoder-decoder"),
])  # fmt: skip
def test_models_that_are_not_causal_decoders_are_refused(
    model: Callable[[], PreTrainedModel], tmp_path: Path
) -> None:
    model().save_pretrained(tmp_path)
    assert "not a causal language model" in refusal(tmp_path)


def test_adapters_are_refused(model_dir: Path) -> None:
    (model_dir / "adapter_config.json").write_text("{}")
    assert "adapter" in refusal(model_dir)


def test_a_path_outside_the_roots_is_refused_whether_it_exists_or_not(
    model_dir: Path, tmp_path: Path
) -> None:
    roots = (tmp_path / "allowed",)
    outside, nowhere = refusal(model_dir, roots), refusal(tmp_path / "nowhere", roots)
    assert "outside the allowed" in outside
    assert outside.replace(str(model_dir), "") == nowhere.replace(str(tmp_path / "nowhere"), "")


def test_a_path_under_a_root_is_accepted(model_dir: Path, tmp_path: Path) -> None:
    assert local(model_dir, (tmp_path,)).architecture == "LlamaForCausalLM"


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_file_that_links_out_of_the_roots_is_refused(model_dir: Path, tmp_path: Path, name: str) -> None:
    (model_dir / name).rename(tmp_path / "elsewhere")
    (model_dir / name).symlink_to(tmp_path / "elsewhere")
    assert "outside the allowed" in refusal(model_dir, (model_dir,))


def test_a_directory_that_links_out_of_the_roots_is_refused(model_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (model_dir / "additional_chat_templates").symlink_to(tmp_path / "templates")
    assert "outside the allowed" in refusal(model_dir, (model_dir,))


@pytest.mark.parametrize("name", ["../model.safetensors", "/etc/passwd", "pytorch_model.bin"])
def test_an_index_that_names_files_other_than_shards_is_refused(model_dir: Path, name: str) -> None:
    (model_dir / "model.safetensors").unlink()
    index = {"weight_map": {"lm_head.weight": name}}
    (model_dir / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "names a file that is not" in refusal(model_dir)


@pytest.mark.threat
def test_an_index_that_names_a_licence_is_refused(model_dir: Path) -> None:
    (model_dir / "model.safetensors").rename(model_dir / "LICENSE.safetensors")
    index = {"weight_map": {"lm_head.weight": "LICENSE.safetensors"}}
    (model_dir / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "LICENSE.safetensors, which counts as a licence" in refusal(model_dir)


@pytest.mark.threat
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[1]", "is not a JSON object"),
        (b"null", "is not a JSON object"),
        (b"{", "cannot be read as JSON"),
        (b"[" * 200_000, "cannot be read as JSON"),
        (b'"\xff"', "cannot be read as JSON"),
    ],
)
def test_a_generation_config_that_is_no_object_is_refused(model_dir: Path, content: bytes, says: str) -> None:
    (model_dir / "generation_config.json").write_bytes(content)
    assert f"generation_config.json {says}" in refusal(model_dir)


@pytest.mark.threat
@pytest.mark.parametrize("wrong", [{"max_new_tokens": "x"}, {"watermarking_config": 1}, {"pad_token_id": []}])
def test_a_generation_config_that_transformers_cannot_read_is_named(
    model_dir: Path, wrong: dict[str, object]
) -> None:
    (model_dir / "generation_config.json").write_text(json.dumps(wrong))
    with pytest.raises(InvalidInput, match=r"generation_config\.json"):
        local(model_dir).load(torch.float32, torch.device("cpu"))


@pytest.mark.threat
@pytest.mark.parametrize(("name", "levels"), [("d" * 250, 20), ("d", 1100)])
def test_directories_that_are_nested_too_deeply_are_refused(model_dir: Path, name: str, levels: int) -> None:
    deepest = os.open(model_dir, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(name, dir_fd=deepest)
        below = os.open(name, os.O_RDONLY, dir_fd=deepest)
        os.close(deepest)
        deepest = below
    os.close(deepest)
    try:
        assert "cannot be listed" in refusal(model_dir)
    finally:  # pytest cannot
        subprocess.run(["rm", "-rf", model_dir], check=True)


@pytest.mark.threat
def test_a_directory_that_can_be_listed_but_not_entered_is_refused(
    model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = model_dir / "locked"
    locked.mkdir()
    (locked / "file").touch()
    locked.chmod(0o744)
    if os.geteuid() == 0:  # the system refuses nothing to root
        looked_at = Path.is_symlink

        def refused(path: Path) -> bool:
            if path.parent == locked:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
            return looked_at(path)

        monkeypatch.setattr(Path, "is_symlink", refused)
    try:
        assert "cannot be listed" in refusal(model_dir)
    finally:
        locked.chmod(0o755)


def test_a_missing_shard_is_named(model_dir: Path) -> None:
    (model_dir / "model.safetensors").unlink()
    weight_map = {"lm_head.weight": "model-00001-of-00002.safetensors"}
    (model_dir / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    assert "model-00001-of-00002.safetensors is missing" in refusal(model_dir)


def test_a_config_on_a_failing_disk_is_no_damaged_one(
    tiny_llama_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        local(tiny_llama_dir)


def test_a_layout_that_cannot_be_written_back_is_refused_before_computing(tmp_path: Path) -> None:
    make("llama").save_pretrained(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    tensors["model.layers.0.mlp.up_proj.weight"] = torch.zeros(8, 8)
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    assert r"no tensor model.layers.0.mlp.up_proj.weight of shape (64, 32)" in refusal(tmp_path)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
        RuntimeError("CUDA error: an illegal memory access was encountered"),
    ],
)
def test_what_the_machine_lacks_is_no_error_of_the_model(
    tiny_llama_dir: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    checkpoint = local(tiny_llama_dir)

    def fail(*anything: object, **more: object) -> None:
        raise error

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", fail)
    with pytest.raises(type(error)) as failed:
        checkpoint.load(torch.float32, torch.device("cpu"))
    assert failed.value is error

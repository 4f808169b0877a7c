"""Exports in the format of compressed-tensors, read again by that library and by transformers."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.quantization import QuantizationConfig
from compressed_tensors.quantization.quant_scheme import QuantizationScheme, preset_name_to_scheme
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, PreTrainedModel

from bench.workload.models import perplexity
from pruning.checkpoint.checkpoint import Checkpoint, resolve
from pruning.errors import InvalidInput
from pruning.evaluation.final_states import Recorder
from pruning.exports import compressed_tensors as exports
from pruning.exports.compressed_tensors import W4A16, Fp8, check_export, export_fp8, export_w4a16
from pruning.models.placement import Placement
from pruning.progress import Step
from pruning.recipe import ModelReference
from tests.pruning.families import five_windows, make
from tests.pruning.pruned import ignore_steps
from tests.pruning.runs import tensors_of

CPU = torch.device("cpu")
WIDE = {"hidden_size": 64, "intermediate_size": 128, "head_dim": 16}
LAYERS = 7  # of a block of a Llama


def written(directory: Path, family: str = "llama", dtype: torch.dtype = torch.bfloat16) -> Checkpoint:
    """Write a random model of which a third of the weights of each layer are zeros."""
    model = make(family, dtype, **WIDE)
    random = torch.Generator().manual_seed(6)
    for name, weight in model.named_parameters():
        if "_proj" in name:
            weight.data[torch.rand(weight.shape, generator=random) < 1 / 3] = 0
    model.save_pretrained(directory)
    return resolve(ModelReference(id=str(directory)))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    return written(tmp_path / "dense")


def export(
    checkpoint: Checkpoint,
    scheme: Fp8 | W4A16,
    destination: Path,
    windows: Tensor,
    step: Step = ignore_steps,
    **options: Any,
) -> Path:
    if isinstance(scheme, Fp8):
        export_fp8(checkpoint, destination, step=step)
    else:
        placement = Placement(checkpoint.load(checkpoint.stored_dtype, CPU), CPU, torch.float32)
        options = {"placement": placement, "windows": windows, "step": step, **options}
        assert export_w4a16(checkpoint, scheme, destination, **options) == ()
    return destination


def scheme_of(directory: Path) -> tuple[QuantizationConfig, QuantizationScheme]:
    stored = json.loads((directory / "config.json").read_text())["quantization_config"]
    config = QuantizationConfig.model_validate(stored)
    scheme = config.config_groups["group_0"]
    assert isinstance(scheme, QuantizationScheme)
    return config, scheme


def decompressed(directory: Path) -> dict[str, Tensor]:
    """Return the weights of the quantised layers, as compressed-tensors reads them from the files."""
    config, scheme = scheme_of(directory)
    layers: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors_of(directory).items():
        module, _, suffix = name.rpartition(".")
        layers.setdefault(module, {})[suffix] = tensor
    compressor = BaseCompressor.get_value_from_registry(config.format)
    return {
        module: compressor.decompress(tensors, scheme)["weight"]
        for module, tensors in layers.items()
        if "weight_scale" in tensors
    }


def unpacked(tensors: dict[str, Tensor], layer: str) -> Tensor:
    """Return the weight of an INT4 layer by the format's description: the lowest four bits come first."""
    rows, columns = tensors[f"{layer}.weight_shape"].tolist()
    scales = tensors[f"{layer}.weight_scale"]
    result = torch.empty(rows, columns, dtype=scales.dtype)
    for row in range(rows):
        for column in range(columns):
            word = int(tensors[f"{layer}.weight_packed"][row, column // 8]) & 0xFFFFFFFF
            code = (word >> (4 * (column % 8)) & 15) - 8
            result[row, column] = code * scales[row, column * scales.shape[1] // columns]
    return result


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_compressed_tensors_reads_fp8_weights_as_they_were_rounded(
    dtype: torch.dtype, tmp_path: Path
) -> None:
    checkpoint = written(tmp_path / "dense", dtype=dtype)
    found = decompressed(export(checkpoint, Fp8(), tmp_path / "out", five_windows()))
    dense = tensors_of(tmp_path / "dense")
    assert len(found) == 3 * LAYERS
    for layer, weight in found.items():
        given = dense[f"{layer}.weight"]
        scales = (given.float().abs().amax(dim=1, keepdim=True) / 448).to(dtype)
        nearest = (given.float() / scales.float()).clamp(-448, 448).to(torch.float8_e4m3fn)
        assert torch.equal(weight, nearest.to(dtype) * scales)
        assert (weight[given == 0] == 0).all()
        assert ((weight - given).abs() <= given.abs() / 14 + scales / 128).all()  # three bits of mantissa


@pytest.mark.parametrize("group_size", [64, 128])
def test_compressed_tensors_reads_int4_weights_as_they_were_packed(group_size: int, tmp_path: Path) -> None:
    model = make("llama", torch.bfloat16, hidden_size=128, intermediate_size=256)
    model.save_pretrained(tmp_path / "dense")
    checkpoint = resolve(ModelReference(id=str(tmp_path / "dense")))
    out = export(checkpoint, W4A16(group_size), tmp_path / "out", five_windows())
    found, tensors = decompressed(out), tensors_of(out)
    assert len(found) == 3 * LAYERS
    for layer in ("model.layers.0.self_attn.k_proj", "model.layers.2.mlp.down_proj"):
        assert torch.equal(found[layer], unpacked(tensors, layer))
        assert tensors[f"{layer}.weight_scale"].shape[1] == found[layer].shape[1] // group_size


def test_masked_weights_stay_zeros_in_int4(checkpoint: Checkpoint, tmp_path: Path) -> None:
    found = decompressed(export(checkpoint, W4A16(64), tmp_path / "out", five_windows()))
    for layer, weight in found.items():
        given = tensors_of(tmp_path / "dense")[f"{layer}.weight"]
        assert (given == 0).float().mean() > 0.3
        assert (weight[given == 0] == 0).all()
        assert (weight[given != 0] != 0).float().mean() > 0.8


def with_weights(checkpoint: Checkpoint, weights: dict[str, Tensor]) -> PreTrainedModel:
    model = checkpoint.load(torch.float32, CPU)
    for layer, weight in weights.items():
        model.get_parameter(f"{layer}.weight").data.copy_(weight)
    return model


def round_inputs(model: PreTrainedModel, layers: list[str]) -> None:
    """Round what the layers are given to E4M3, with a scale for each token."""

    def rounded(module: nn.Module, args: tuple[Tensor]) -> tuple[Tensor]:
        scales = args[0].abs().amax(dim=-1, keepdim=True) / 448
        return ((args[0] / scales).to(torch.float8_e4m3fn).float() * scales,)

    for layer in layers:
        model.get_submodule(layer).register_forward_pre_hook(rounded)


@pytest.mark.parametrize("scheme", [Fp8(), W4A16(64)])
def test_transformers_runs_the_export_as_the_dense_model_with_its_weights(
    scheme: Fp8 | W4A16, tmp_path: Path
) -> None:
    checkpoint = written(tmp_path / "dense", dtype=torch.float32)
    out = export(checkpoint, scheme, tmp_path / "out", five_windows())
    weights = decompressed(out)
    expected = with_weights(checkpoint, weights)
    if isinstance(scheme, Fp8):
        round_inputs(expected, list(weights))
    loaded = exports.load_export(out, torch.float32)
    torch.testing.assert_close(
        loaded(five_windows()).logits, expected(five_windows()).logits, rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("family", ["llama-tied", "gemma3", "phi3", "qwen3"])
def test_other_families_are_read_again(family: str, tmp_path: Path) -> None:
    checkpoint = written(tmp_path / "dense", family)
    out = export(checkpoint, W4A16(64), tmp_path / "out", five_windows())
    loaded = exports.load_export(out, torch.bfloat16)
    weights = decompressed(out)
    assert weights
    for layer, weight in weights.items():
        assert torch.equal(loaded.get_parameter(f"{layer}.weight"), weight)


@pytest.mark.parametrize("scheme", [Fp8(), W4A16(64)])
def test_all_else_is_the_dense_checkpoint_byte_for_byte(scheme: Fp8 | W4A16, tmp_path: Path) -> None:
    make("llama", torch.bfloat16, **WIDE).save_pretrained(tmp_path / "dense", max_shard_size="60KB")
    (tmp_path / "dense" / "LICENSE").write_text("free")
    checkpoint = resolve(ModelReference(id=str(tmp_path / "dense")))
    assert len(checkpoint.weight_files) > 2
    out = export(checkpoint, scheme, tmp_path / "out", five_windows())
    dense, found = tensors_of(tmp_path / "dense"), tensors_of(out)
    kept = {name for name in dense if "_proj" not in name}
    assert kept == {name for name in found if "_proj" not in name}
    assert all(torch.equal(dense[name], found[name]) for name in kept)
    assert (out / "LICENSE").read_text() == "free"
    index = json.loads((out / "model.safetensors.index.json").read_text())
    assert index["weight_map"].keys() == found.keys()
    for name, file in index["weight_map"].items():
        assert name in load_file(out / file)
    loaded = AutoModelForCausalLM.from_pretrained(out, dtype=torch.bfloat16)
    assert torch.isfinite(loaded(five_windows()).logits).all()


@pytest.mark.parametrize(("scheme", "preset"), [(Fp8(), "FP8_DYNAMIC"), (W4A16(64), "W4A16")])
def test_the_config_has_the_preset_and_names_what_is_not_quantised(
    scheme: Fp8 | W4A16, preset: str, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    out = export(checkpoint, scheme, tmp_path / "out", five_windows())
    config, found = scheme_of(out)
    expected = preset_name_to_scheme(preset, ["Linear"])
    if isinstance(scheme, W4A16):
        assert found.weights is not None
        assert expected.weights is not None
        assert found.weights.group_size == 64
        expected.weights.group_size = 64
    assert (found.weights, found.input_activations) == (expected.weights, expected.input_activations)
    assert config.ignore == ["lm_head"]
    assert config.quantization_status == "compressed"
    stored = json.loads((out / "config.json").read_text())
    dense = json.loads((tmp_path / "dense" / "config.json").read_text())
    assert {name: value for name, value in stored.items() if name != "quantization_config"} == dense


def test_a_group_that_does_not_divide_a_row_is_refused(tmp_path: Path) -> None:
    checkpoint = written(tmp_path / "dense")
    with pytest.raises(InvalidInput, match=r"128 do not divide the 64 inputs of layer .*q_proj; use 64"):
        check_export(checkpoint, W4A16(128))
    check_export(checkpoint, W4A16(64))
    make("llama").save_pretrained(tmp_path / "narrow")
    with pytest.raises(InvalidInput, match="use the scheme fp8") as refused:
        check_export(resolve(ModelReference(id=str(tmp_path / "narrow"))), W4A16(64))
    assert refused.value.field == "exports"


@pytest.mark.parametrize("family", ["gpt2", "mixtral"])
def test_layers_that_are_no_linear_modules_are_refused_by_name(family: str, tmp_path: Path) -> None:
    make(family).save_pretrained(tmp_path / "dense")
    with pytest.raises(InvalidInput, match=r"layer .* of this .*LM.* is none; export it as GGUF"):
        check_export(resolve(ModelReference(id=str(tmp_path / "dense"))), Fp8())


@pytest.mark.parametrize("scheme", [Fp8(), W4A16(64)])
def test_an_export_that_is_stopped_leaves_nothing(
    scheme: Fp8 | W4A16, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(checkpoint, scheme, tmp_path / "out", five_windows(), step=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["dense"]


def test_an_export_is_measured_as_its_files_say(checkpoint: Checkpoint, tmp_path: Path) -> None:
    out = export(checkpoint, W4A16(64), tmp_path / "out", five_windows())
    dense = checkpoint.load(torch.float32, CPU)
    recorder = Recorder(tmp_path / "states.safetensors", five_windows())
    perplexity(dense, five_windows(), step=ignore_steps, observe=recorder)
    states = recorder.close()
    assert states is not None
    placement = Placement(exports.load_export(out, torch.float32))
    found = exports.measure(out, placement, five_windows(), states.path, step=ignore_steps)

    ours = with_weights(checkpoint, decompressed(out))(five_windows()).logits[:, :-1].double().log_softmax(-1)
    theirs = dense(five_windows()).logits[:, :-1].double().log_softmax(-1)
    losses = -ours.gather(2, five_windows()[:, 1:, None])
    assert found.perplexity == pytest.approx(math.exp(losses.mean()), rel=1e-3)
    assert found.fidelity is not None
    kl = float((theirs.exp() * (theirs - ours)).sum(-1).mean())
    assert found.fidelity.kl == pytest.approx(kl, rel=1e-2)
    agreeing = (ours.argmax(-1) == theirs.argmax(-1)).double().mean()
    assert found.fidelity.agreement == pytest.approx(float(agreeing), abs=0.02)
    assert found.bytes == (out / "model.safetensors").stat().st_size


@pytest.mark.parametrize("error", [KeyError("rope"), ValueError("size")])
def test_an_export_that_transformers_does_not_load_is_refused(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which is an error of this export alone, not of the run."""

    def fail(*_: object, **__: object) -> None:
        raise error

    make("llama").save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"quantization_config": {}}))
    monkeypatch.setattr(exports.AutoModelForCausalLM, "from_pretrained", fail)
    with pytest.raises(InvalidInput, match=f"does not load the export \\({type(error).__name__}"):
        exports.load_export(tmp_path, torch.float32)

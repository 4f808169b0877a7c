"""Quantised checkpoints, dequantised as the descriptions of their formats say: by numpy, code by code."""

import errno
import json
import shutil
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoModelForMultimodalLM

from pruning.checkpoint.checkpoint import describe_in_process, resolve
from pruning.errors import InvalidInput
from pruning.exports.compressed_tensors import W4A16, export_fp8, export_w4a16
from pruning.exports.dequantized import dequantized
from pruning.models.placement import Placement
from pruning.pipeline import resolve as resolving
from pruning.recipe import Evaluation, ModelReference, Recipe, Stage
from pruning.recipe.exports import parse_exports
from pruning.resume.store import DirectoryResumeStore
from tests.pruning.exports.checkpoints import write_checkpoint
from tests.pruning.families import five_windows
from tests.pruning.multimodal import make_multimodal
from tests.pruning.pruned import ignore_steps
from tests.pruning.runs import Steps, contents, run_recipe, tensors_of
from tests.pruning.tiny import train_tokenizer

EVALUATION = Evaluation(dataset="builtin", sequence_length=32, windows=2, speed="off")
CALIBRATION = {"dataset": "builtin", "samples": 3, "sequence_length": 24}
BLOCK = (16, 24)  # divides neither the rows nor the columns of most matrices
E2M1 = [sign * value for sign in (1, -1) for value in (0, 0.5, 1, 1.5, 2, 3, 4, 6)]
PARTS = ("_scale_inv", "_blocks", "_scales", "_packed", "_scale", "_shape")
KINDS = ("fp8", "fp8 128", "mxfp4", "compressed-tensors fp8", "compressed-tensors w4a16")


def e4m3(code: int) -> float:
    """Return the number of a byte: a sign, four bits of exponent with bias 7, three of mantissa."""
    sign, exponent, mantissa = -1.0 if code & 128 else 1.0, code >> 3 & 15, code & 7
    return sign * (mantissa / 8 * 2.0**-6 if exponent == 0 else (1 + mantissa / 8) * 2.0 ** (exponent - 7))


E4M3 = np.array([e4m3(code) for code in range(256)], dtype=np.float32)


def in_bfloat16(numbers: np.ndarray) -> np.ndarray:
    """Return the upper halves of float32 numbers, rounded to nearest, ties to even."""
    bits = numbers.astype(np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def bits_of(tensor: Tensor) -> np.ndarray:
    return tensor.contiguous().view(torch.uint8).numpy().reshape(-1).view(np.uint16).reshape(tensor.shape)


def rewrite(directory: Path, tensors: dict[str, Tensor], quantization: dict[str, Any]) -> None:
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps(config | {"quantization_config": quantization}))


def write_fp8(directory: Path, block: tuple[int, int] = BLOCK) -> dict[str, np.ndarray]:
    """Write a Llama with random codes; return what its matrices are, as float32."""
    write_checkpoint(directory, initializer_range=0.05)
    random, expected = np.random.default_rng(0), {}
    tensors = tensors_of(directory)
    for name in [name for name in tensors if ".layers." in name and tensors[name].ndim == 2]:
        rows, columns = tensors[name].shape
        codes = random.integers(0, 256, (rows, columns), dtype=np.uint8)
        codes[(codes & 127) == 127] = 0  # NaN
        scales = random.uniform(1e-4, 4e-4, (-(-rows // block[0]), -(-columns // block[1]))).astype("f4")
        matrix = np.empty((rows, columns), dtype=np.float32)
        for row, column in product(range(rows), range(columns)):
            matrix[row, column] = E4M3[codes[row, column]] * scales[row // block[0], column // block[1]]
        expected[name] = matrix
        tensors[name] = torch.from_numpy(codes).view(torch.float8_e4m3fn)
        tensors[f"{name}_scale_inv"] = torch.from_numpy(scales)
    rewrite(directory, tensors, {"quant_method": "fp8", "weight_block_size": list(block)})
    return expected


def write_mxfp4(directory: Path) -> dict[str, np.ndarray]:
    """Write a gpt-oss whose experts have random codes and exponents."""
    write_checkpoint(directory, "gpt_oss", initializer_range=0.05)
    random, expected = np.random.default_rng(0), {}
    tensors = tensors_of(directory)
    for name in [name for name in tensors if name.endswith(("experts.gate_up_proj", "experts.down_proj"))]:
        experts, inputs, outputs = tensors.pop(name).shape
        blocks = random.integers(0, 256, (experts, outputs, inputs // 32, 16), dtype=np.uint8)
        scales = random.integers(118, 124, blocks.shape[:3], dtype=np.uint8)
        matrix = np.empty((experts, inputs, outputs), dtype=np.float32)
        for expert, row, column in product(range(experts), range(outputs), range(inputs)):
            byte = int(blocks[expert, row, column // 32, column % 32 // 2])
            code = byte >> 4 if column % 2 else byte & 15
            matrix[expert, column, row] = E2M1[code] * 2.0 ** (int(scales[expert, row, column // 32]) - 127)
        expected[name] = matrix
        tensors[f"{name}_blocks"] = torch.from_numpy(blocks)
        tensors[f"{name}_scales"] = torch.from_numpy(scales)
    rewrite(directory, tensors, {"quant_method": "mxfp4"})
    return expected


def write_compressed(directory: Path, scheme: str) -> dict[str, np.ndarray]:
    """Export a Llama, and decode what the export wrote."""
    dense = directory.with_name("dense")
    model = write_checkpoint(dense, initializer_range=0.05)
    model.to(torch.bfloat16).save_pretrained(dense)
    checkpoint, expected = resolve(ModelReference(id=str(dense))), {}
    if scheme == "fp8":
        export_fp8(checkpoint, directory, step=ignore_steps)
    else:
        placement = Placement(checkpoint.load(torch.bfloat16, torch.device("cpu")), None, torch.float32)
        options = {"placement": placement, "windows": five_windows(), "step": ignore_steps}
        export_w4a16(checkpoint, W4A16(16), directory, **options)
    tensors = tensors_of(directory)
    for name in [name for name in tensors if name.endswith("weight_scale")]:
        module, scales = name.removesuffix("_scale"), tensors[name].float().numpy()
        if scheme == "fp8":
            expected[module] = E4M3[tensors[module].view(torch.uint8).numpy()] * scales
            continue
        words = tensors[f"{module}_packed"].numpy().view(np.uint32)
        codes = np.stack([(words >> np.uint32(4 * place)) & np.uint32(15) for place in range(8)], axis=-1)
        codes = codes.reshape(len(words), -1).astype(np.float32) - 8
        expected[module] = codes * scales.repeat(16, axis=1)
    return expected


def write(kind: str, directory: Path) -> dict[str, np.ndarray]:
    if kind.startswith("compressed-tensors"):
        return write_compressed(directory, kind.split()[1])
    if kind == "mxfp4":
        return write_mxfp4(directory)
    return write_fp8(directory, BLOCK if kind == "fp8" else (128, 128))


def recipe_of(directory: Path, **fields: Any) -> Recipe:
    fields = fields or {"method": "magnitude", "sparsity": 0.5}
    return Recipe.model_validate({"model": str(directory), "calibration": CALIBRATION, **fields})


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_stores_the_dequantised_weights(kind: str, tmp_path: Path) -> None:
    expected, given = write(kind, tmp_path / "model"), tensors_of(tmp_path / "model")
    report = run_recipe(recipe_of(tmp_path / "model"), EVALUATION, output=tmp_path / "out")

    found = tensors_of(tmp_path / "out")
    for name, matrix in expected.items():
        bits, dense = bits_of(found[name]), in_bfloat16(matrix)
        kept = (found[name] != 0).numpy()
        assert 0.2 < kept.mean() <= 0.51
        assert np.array_equal(bits[kept], dense[kept])
    others = found.keys() - expected.keys()
    assert others == {name for name in given if name not in expected and not name.endswith(PARTS)}
    assert all(torch.equal(found[name][found[name] != 0], given[name][found[name] != 0]) for name in others)

    assert report.model.digest == resolved(tmp_path / "model").digest
    assert any(f"quantised ({kind.split(maxsplit=1)[0]})" in text for text in report.warnings)
    assert f"dequantised from {kind.split(maxsplit=1)[0]}" in (tmp_path / "out" / "README.md").read_text()
    assert "quantization_config" not in json.loads((tmp_path / "out" / "config.json").read_text())
    loaded, loading = AutoModelForCausalLM.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not any(loading.values())
    assert torch.isfinite(loaded(five_windows()).logits).all()


def resolved(directory: Path) -> Any:
    return resolve(ModelReference(id=str(directory)), quantised=True)


@pytest.mark.slow
def test_a_resumed_run_gives_the_same_files(tmp_path: Path) -> None:
    write_fp8(tmp_path / "model")
    recipe = recipe_of(tmp_path / "model", method="gblm", sparsity=0.5)
    store = DirectoryResumeStore(tmp_path / "resume")
    stopped = Steps(at=(Stage.PRUNE, 2))
    with pytest.raises(InterruptedError):
        run_recipe(recipe, EVALUATION, output=tmp_path / "one", resume_store=store, progress=stopped)
    run_recipe(recipe, EVALUATION, output=tmp_path / "one", resume_store=store)
    run_recipe(recipe, EVALUATION, output=tmp_path / "other")
    assert contents(tmp_path / "one") == contents(tmp_path / "other")


def test_a_copy_of_an_earlier_attempt_is_gone_before_there_must_be_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = DirectoryResumeStore(tmp_path / "resume")
    copy = store.directory(Stage.RESOLVE) / "dequantized"
    copy.mkdir()

    def stop(*_: object, **__: object) -> None:
        assert not copy.exists()
        raise InterruptedError

    monkeypatch.setattr(resolving, "resolve", stop)
    with pytest.raises(InterruptedError):
        run_recipe(recipe_of(tmp_path), EVALUATION, output=tmp_path / "out", resume_store=store)


def drop(name: str) -> Callable[[dict[str, Tensor], dict[str, Any]], None]:
    def change(tensors: dict[str, Tensor], settings: dict[str, Any]) -> None:
        del tensors[next(own for own in tensors if own.endswith(name))]

    return change


def put(name: str, tensor: Tensor) -> Callable[[dict[str, Tensor], dict[str, Any]], None]:
    def change(tensors: dict[str, Tensor], settings: dict[str, Any]) -> None:
        own = next((own for own in tensors if own.endswith(name)), f"model.layers.0.mlp.up_proj.{name}")
        tensors[own] = tensor

    return change


def say(**changes: Any) -> Callable[[dict[str, Tensor], dict[str, Any]], None]:
    return lambda tensors, settings: settings.update(changes)


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("fp8", say(quant_method="gptq"), "not by one of fp8, mxfp4, compressed-tensors"),
        ("fp8", say(quant_method=["fp8"]), "not by one of fp8"),
        ("fp8", say(weight_block_size=[0, 2]), "weight_block_size is not two numbers"),
        ("fp8", say(weight_block_size=[10**8, 10**8]), "has not one number for each block"),
        ("fp8", say(weight_block_size=[8, 8]), "has not one number for each block"),
        ("fp8", drop("_scale_inv"), "not known how its tensor .* of F8_E4M3 is rounded"),
        ("mxfp4", drop("_scales"), "_scales is missing"),
        ("mxfp4", put("_scales", torch.zeros(4, 1, 1, dtype=torch.uint8)), "do not fit each other"),
        ("mxfp4", put("_blocks", torch.zeros((), dtype=torch.uint8)), "do not fit each other"),
        (
            "compressed-tensors w4a16",
            put("weight_packed", torch.zeros(4, dtype=torch.int32)),
            "has the shape",
        ),
        ("compressed-tensors fp8", say(kv_cache_scheme={"num_bits": 8}), "it has a kv_cache_scheme"),
        ("compressed-tensors fp8", say(config_groups={}), "not one group"),
        ("compressed-tensors fp8", say(format="int-quantized"), "none of float-quantized"),
        ("compressed-tensors fp8", say(format="pack-quantized"), "it packs codes of|does not decompress"),
        ("compressed-tensors w4a16", put("weight_g_idx", torch.zeros(32, dtype=torch.int32)), "is not known"),
        ("compressed-tensors w4a16", drop("weight_shape"), "weight_shape is missing"),
        ("compressed-tensors w4a16", put("weight_shape", torch.tensor([2**40, 8])), "is packed as one of"),
        (
            "compressed-tensors w4a16",
            put("weight_shape", torch.arange(1000)),
            "weight_shape is not two numbers",
        ),
    ],
)
def test_what_is_not_understood_is_refused_by_name(
    kind: str,
    change: Callable[[dict[str, Tensor], dict[str, Any]], None],
    message: str,
    tmp_path: Path,
) -> None:
    write(kind, tmp_path / "model")
    tensors = {name: tensor.clone() for name, tensor in tensors_of(tmp_path / "model").items()}
    settings = json.loads((tmp_path / "model" / "config.json").read_text())["quantization_config"]
    if settings.get("config_groups"):
        settings["config_groups"]["group_0"]["format"] = None
    change(tensors, settings)
    rewrite(tmp_path / "model", tensors, settings)
    steps = Steps()
    with pytest.raises(InvalidInput, match=message) as refused:
        run_recipe(recipe_of(tmp_path / "model"), EVALUATION, output=tmp_path / "out", progress=steps)
    assert refused.value.field == "model.id"
    assert len(str(refused.value)) < 500
    assert not steps.seen


def test_a_weight_and_its_scales_may_be_in_different_files(tmp_path: Path) -> None:
    expected, split = write_fp8(tmp_path / "model"), tmp_path / "split"
    shutil.copytree(tmp_path / "model", split)
    tensors = tensors_of(split)
    (split / "model.safetensors").unlink()
    weight_map = {name: f"model-{1 + name.endswith('_scale_inv')}.safetensors" for name in tensors}
    for file in set(weight_map.values()):
        save_file({name: tensors[name] for name in tensors if weight_map[name] == file}, split / file)
    (split / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    run_recipe(recipe_of(split, method="wanda", sparsity=0.5), EVALUATION, output=tmp_path / "out")
    found = load_file(tmp_path / "out" / "model-1.safetensors")
    for name, matrix in expected.items():
        kept = (found[name] != 0).numpy()
        assert np.array_equal(bits_of(found[name])[kept], in_bfloat16(matrix)[kept])
    assert not any(
        AutoModelForCausalLM.from_pretrained(tmp_path / "out", output_loading_info=True)[1].values()
    )


def test_only_runs_dequantise(tmp_path: Path) -> None:
    write_fp8(tmp_path / "model")
    with pytest.raises(InvalidInput, match="only a run dequantises them"):
        resolve(ModelReference(id=str(tmp_path / "model")))


def test_quantised_weights_have_no_mask(tmp_path: Path) -> None:
    write_fp8(tmp_path / "model")
    recipe, mask = recipe_of(tmp_path / "model", method="magnitude", sparsity=0.5), parse_exports(["mask"])
    with pytest.raises(InvalidInput, match="mask is for the dense model's files, and these are quantised"):
        run_recipe(recipe, EVALUATION, output=tmp_path / "out", exports=mask)


def test_a_part_that_is_quantised_by_itself_is_refused(tmp_path: Path) -> None:
    write_fp8(tmp_path / "model")
    path = tmp_path / "model" / "config.json"
    config = json.loads(path.read_text())
    path.write_text(
        json.dumps({**config, "text_config": {"quantization_config": config["quantization_config"]}})
    )
    with pytest.raises(InvalidInput, match="a part of it is quantised"):
        resolved(tmp_path / "model")


def test_a_quantised_decoder_with_a_tower(tmp_path: Path) -> None:
    whole = make_multimodal("mistral3").to(torch.bfloat16)
    whole.save_pretrained(tmp_path / "model")
    train_tokenizer().save_pretrained(tmp_path / "model")
    tensors = tensors_of(tmp_path / "model")
    name = "language_model.model.layers.1.mlp.up_proj.weight"
    codes = torch.arange(64 * 32).remainder(120).to(torch.uint8).view(64, 32).view(torch.float8_e4m3fn)
    tensors |= {name: codes, f"{name}_scale_inv": torch.tensor(2**-6)}
    rewrite(tmp_path / "model", tensors, {"quant_method": "fp8", "activation_scheme": "static"})
    run_recipe(recipe_of(tmp_path / "model"), EVALUATION, output=tmp_path / "out")
    found = tensors_of(tmp_path / "out")
    kept = found[name] != 0
    expected = E4M3[codes.view(torch.uint8).numpy()] / 64
    assert np.array_equal(bits_of(found[name])[kept.numpy()], in_bfloat16(expected)[kept.numpy()])
    assert found.keys() == tensors.keys() - {f"{name}_scale_inv"}
    towers = [key for key in found if "layers" not in key or "vision" in key]
    assert all(torch.equal(found[key], tensors[key]) for key in towers)
    _, loading = AutoModelForMultimodalLM.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not any(loading.values())


def test_a_disk_without_room_is_found_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_fp8(tmp_path / "model")
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(
        OSError, match="bytes are needed for the model in bfloat16, and 1000 are free"
    ) as full:
        dequantized(resolved(tmp_path / "model"), tmp_path / "copy", describe_in_process)
    assert full.value.errno == errno.ENOSPC
    assert not list((tmp_path / "copy").iterdir())

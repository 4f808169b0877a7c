"""A mask as a patch: a job's export makes its checkpoint of the dense model, and of nothing else."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file, save_file

from api.schemas.files import loading_code
from api.schemas.job_requests import JobRequest
from pruning import apply_mask
from pruning.checkpoint.files import ModelFiles
from pruning.errors import InvalidInput, PruningError
from pruning.output import mask_patch
from pruning.output.in_place import MaskFile
from pruning.output.mask_patch import write_patch
from pruning.recipe import Evaluation, Recipe
from pruning.recipe.exports import parse_exports
from pruning.report import Report
from tests.pruning.exports.checkpoints import write_checkpoint
from tests.pruning.runs import Steps, read_masks, run_recipe
from tests.test_house import WITHOUT_TORCH

EVALUATION = Evaluation(dataset="builtin", sequence_length=32, windows=4)
CALIBRATION = {"dataset": "builtin", "samples": 4, "sequence_length": 32}
MASK = parse_exports(["mask"])
Job = tuple[Path, Path, Report]  # of a run: its output, its mask and its report
INTEGERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def digests(directory: Path) -> dict[str, str]:
    """The files of a model by name: all but card, report and exports."""
    files = {path.relative_to(directory).as_posix(): path for path in directory.rglob("*") if path.is_file()}
    return {
        name: sha256(path.read_bytes()).hexdigest()
        for name, path in files.items()
        if name not in ("README.md", "pruning_report.json") and not name.startswith("exports/")
    }


def dense_model(directory: Path, family: str, *, sharded: bool, dtype: torch.dtype) -> Path:
    model = write_checkpoint(directory, family, dtype=dtype)
    if sharded:
        (directory / "model.safetensors").unlink()
        model.save_pretrained(directory, max_shard_size="30KB")
        assert len([*directory.glob("*.safetensors")]) > 2
    (directory / "README.md").write_text("The card of the dense model.")
    return directory


def run_of(base: Path, output: Path, fields: dict[str, Any], exports: Any = MASK) -> Report:
    recipe = Recipe.model_validate(
        {"model": str(base), "sparsity": 0.5, "calibration": CALIBRATION, **fields}
    )
    return run_recipe(recipe, EVALUATION, output=output, device="cpu", exports=exports)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("patch") / "dense"
    return dense_model(directory, "llama", sharded=True, dtype=torch.bfloat16)


@pytest.fixture(scope="module")
def job(base: Path) -> Job:
    output = base.parent / "job"
    report = run_of(base, output, {"method": "magnitude"})
    return output, output / report.exports[0].path, report


@pytest.mark.slow
def test_the_mask_has_the_figures_of_the_checkpoint(job: Job) -> None:
    output, mask, report = job
    (export,) = report.exports
    assert (export.name, export.bytes) == ("mask", mask.stat().st_size)
    assert export.sha256 == sha256(mask.read_bytes()).hexdigest()
    assert (export.perplexity, export.kl) == (report.perplexity.pruned, report.perplexity.kl)
    assert "bit for bit" in export.evaluator
    card = (output / "README.md").read_text()
    assert f"pruneserve apply DENSE {export.path} OUTPUT" in card
    assert "measured as that file" not in card
    assert not (output / "masks.safetensors").exists()
    assert str(output.parent).encode() not in mask.read_bytes()


@pytest.mark.slow
def test_the_command_makes_the_checkpoint_without_torch(base: Path, job: Job, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_TORCH)
    command = [sys.executable, "-m", "cli.main", "apply", str(base), str(job[1]), str(tmp_path / "applied")]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    for code, text in ((0, ""), (2, "output: ")):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        assert text in done.stderr
        assert digests(tmp_path / "applied") == digests(job[0])
    assert digests(job[0]) != digests(base)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "sharded", "fields"),
    [
        ("llama", False, {"method": "wanda", "swaps": 5}),
        ("gpt2", False, {"method": "ria"}),
        ("gpt2", True, {"method": "gblm"}),
        ("mixtral", False, {"method": "magnitude"}),
        ("mixtral", True, {"method": "wanda", "pattern": "2:4"}),
    ],
)
def test_the_patch_makes_the_checkpoint_of_the_job(
    family: str, sharded: bool, fields: dict[str, Any], tmp_path: Path
) -> None:
    dense = dense_model(tmp_path / "dense", family, sharded=sharded, dtype=torch.float32)
    # A job leaves out what chooses code.
    config = json.loads((dense / "config.json").read_text()) | {"attn_implementation": "org/kernel"}
    (dense / "config.json").write_text(json.dumps(config))
    report = run_of(dense, tmp_path / "job", fields)
    apply_mask(dense, tmp_path / "job" / report.exports[0].path, tmp_path / "applied")
    assert digests(tmp_path / "applied") == digests(tmp_path / "job")
    assert digests(dense)["config.json"] != digests(tmp_path / "job")["config.json"]


@pytest.mark.slow
def test_a_job_that_keeps_the_mask_alone_holds_no_weights(base: Path, job: Job, tmp_path: Path) -> None:
    report = run_of(base, tmp_path / "job", {"method": "magnitude"}, parse_exports(["mask:only"]))
    assert not [*(tmp_path / "job").glob("*.safetensors*")]
    mask = tmp_path / "job" / report.exports[0].path
    assert mask.read_bytes() == job[1].read_bytes()
    card = (tmp_path / "job" / "README.md").read_text()
    assert f"```sh\npruneserve apply DENSE {report.exports[0].path} OUTPUT\n```" in card
    for of_a_checkpoint in ("from_pretrained", "library_name", "<this directory>"):
        assert of_a_checkpoint not in card
    code = loading_code("here", report.model_dump(mode="json"))
    assert f"pruneserve apply DENSE here/{report.exports[0].path} here-applied" in code
    assert 'from_pretrained("here-applied")' in code


@pytest.mark.parametrize("piece", [16, 1 << 24])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float8_e4m3fn])
def test_masked_weights_are_zero_and_others_keep_their_bits(
    dtype: torch.dtype, piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mask_patch, "_PIECE_BYTES", piece * dtype.itemsize)
    special = torch.tensor([-0.0, 0.0, torch.nan, torch.inf, -torch.inf, 1e-40, -1.0])
    odd = special.repeat(11, 1).to(dtype)
    mask = torch.rand(11, 7, generator=torch.Generator().manual_seed(0)) < 0.5
    expected = odd.view(INTEGERS[dtype.itemsize]).masked_fill(mask, 0)
    dense, result = tmp_path / "dense", tmp_path / "result"
    for directory, weights in ((dense, odd), (result, expected.view(dtype))):
        directory.mkdir()
        (directory / "config.json").write_text("{}")
        others = {"a": torch.ones(3), "z": torch.ones(5, dtype=torch.uint8)}
        save_file({**others, "m.weight": weights}, directory / "model.safetensors")
    MaskFile(tmp_path / "masks", {"m.weight": mask.shape}).write({"m.weight": mask})
    patch_of(dense, tmp_path / "masks", result, tmp_path / "patch")
    apply_mask(dense, tmp_path / "patch", tmp_path / "applied")
    assert digests(tmp_path / "applied") == digests(result)
    assert torch.equal(read_masks(tmp_path / "patch")["m.weight"], mask)


def patch_of(dense: Path, masks: Path, result: Path, path: Path) -> None:
    files = ModelFiles.freeze(dense, sorted(digests(dense)), None).hashed(trust_blob_names=False)
    write_patch(path, masks, dense, files, result, described={"model": "org/name"}, share=lambda done: None)


def tree(directory: Path) -> list[str]:
    return sorted(str(path) for path in directory.rglob("*"))


def refused(base: Path, mask: Path, output: Path) -> PruningError:
    """The error of a patch that is not applied; nothing is written."""
    before = tree(output.parent)
    with pytest.raises(PruningError) as caught:
        apply_mask(base, mask, output)
    assert tree(output.parent) == before
    return caught.value


def _another_weight(directory: Path) -> None:
    path = sorted(directory.glob("*.safetensors"))[-1]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.slow
@pytest.mark.parametrize(
    "output",
    [
        pytest.param("file/out", id="a file as parent"),
        pytest.param("file/deeper/out", id="a file in the way"),
        pytest.param("missing/" + 250 * "x", id="a name too long"),
        pytest.param("/proc/out", id="a filesystem without new files"),
    ],
)
def test_an_output_that_cannot_be_made_is_named(output: str, base: Path, job: Job, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    before = tree(tmp_path)
    with pytest.raises(InvalidInput, match=f"{tmp_path / output} cannot be made: ") as refusal:
        apply_mask(base, job[1], tmp_path / output)
    assert (refusal.value.field, tree(tmp_path)) == ("output", before)


@pytest.mark.slow
def test_a_refusal_leaves_no_parents_behind(base: Path, job: Job, tmp_path: Path) -> None:
    other = shutil.copytree(base, tmp_path / "other")
    _another_weight(other)
    before = tree(tmp_path)
    with pytest.raises(InvalidInput, match="this is another model"):
        apply_mask(other, job[1], tmp_path / "missing" / "parents" / "out")
    assert tree(tmp_path) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_another_weight, "has the SHA-256"),
        (lambda base: (base / "config.json").write_text('{"vocab_size": 1}'), "its config.json has the SHA"),
        (lambda base: (base / "tokenizer.json").unlink(), "the mask has 'tokenizer.json', and the model"),
        (
            lambda base: shutil.copy(next(base.glob("*.safetensors")), base / "model.safetensors"),
            "model-00001",
        ),
        (shutil.rmtree, "no readable weights"),
    ],
)
def test_another_dense_model_is_refused(
    change: Callable[[Path], object], message: str, base: Path, job: Job, tmp_path: Path
) -> None:
    shutil.copytree(base, tmp_path / "other")
    change(tmp_path / "other")
    error = refused(tmp_path / "other", job[1], tmp_path / "out")
    assert (type(error), error.field) == (InvalidInput, "base")
    assert message in str(error)


def _changed(change: Callable[[dict[str, Any], dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    """Change the header of a file, and what its metadata says."""

    def changed(content: bytes) -> bytes:
        end = 8 + int.from_bytes(content[:8], "little")
        header = json.loads(content[8:end])
        says = header["__metadata__"]
        says |= {name: json.loads(says[name]) for name in ("files", "shapes")}
        change(header, says)
        says |= {name: json.dumps(says[name]) for name in ("files", "shapes")}
        encoded = json.dumps(header).encode()
        return len(encoded).to_bytes(8, "little") + encoded + content[end:]

    return changed


def _first_bit(content: bytes) -> bytes:
    start = 8 + int.from_bytes(content[:8], "little")
    return content[:start] + bytes([content[start] ^ 128]) + content[start + 1 :]


def _with_file(name: str) -> Callable[[bytes], bytes]:
    return _changed(lambda _, says: says["files"].update({name: says["files"].pop("tokenizer.json")}))


NAME = "model.layers.0.mlp.down_proj.weight"
DAMAGED: list[tuple[Callable[[bytes], bytes], str, str]] = [
    (_first_bit, "mask", "would have the SHA-256"),
    (lambda content: content[:-100], "mask", "do not fit each other, or the file"),
    (lambda content: b"\xff" * 7 + b"\x7f" + content[8:], "mask", "header cannot have"),
    (lambda content: content[:8] + b"[" * 4000 + content[4008:], "mask", "is not JSON"),
    (lambda content: b"", "mask", "header cannot have"),
    (_changed(lambda _, says: says.pop("format")), "mask", "no valid 'format'"),
    (_changed(lambda _, says: says.update(files=[])), "mask", "no valid 'files'"),
    (_changed(lambda _, says: says.update(model="a\x1b[0m")), "mask", "no valid 'model'"),
    (_changed(lambda _, says: says["shapes"][NAME].reverse()), "mask", "is not a mask of a tensor"),
    (
        _changed(lambda _, says: says["shapes"].update({NAME: [10**30, 0]})),
        "mask",
        "is not a mask of a tensor",
    ),
    (_changed(lambda header, _: header.update(other=header.pop(NAME))), "mask", "'other' is not a mask"),
    (
        _changed(lambda _, says: says["files"]["config.json"].__setitem__(1, "0" * 64)),
        "mask",
        "config.json would have the SHA-256",
    ),
    (
        _changed(lambda _, says: says["files"].update({"config.json": ["\x1b[0m", "0" * 64]})),
        "mask",
        "no two SHA-256 of 'config.json'",
    ),
    (
        _changed(lambda header, _: header.update({"\x1b[0m": {"dtype": "U8", "shape": [9]}})),
        "mask",
        r"of '\x1b[0m' do not fit",
    ),
    (_with_file("../../../../etc/hostname"), "base", "the mask has '../../../../etc/hostname'"),
    (_with_file("/etc/hostname"), "base", "the mask has '/etc/hostname'"),
    (_with_file("x" * 5000), "base", "the mask has '" + "x" * 100 + "'"),
]


@pytest.mark.slow
@pytest.mark.threat
@pytest.mark.parametrize(("change", "field", "message"), DAMAGED)
def test_a_damaged_or_hostile_mask_is_refused(
    change: Callable[[bytes], bytes], field: str, message: str, base: Path, job: Job, tmp_path: Path
) -> None:
    (tmp_path / "patch").write_bytes(change(job[1].read_bytes()))
    error = refused(base, tmp_path / "patch", tmp_path / "out")
    assert (type(error), error.field) == (InvalidInput, field)
    assert message in str(error)
    assert len(str(error)) < 600


@pytest.mark.slow
def test_a_full_disk_an_existing_output_and_no_mask_are_refused(
    base: Path, job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refused(base, tmp_path / "absent", tmp_path / "out").field == "mask"
    assert refused(base, job[1], base).field == "output"
    # The limit of a file's size, in KiB, fails a write in the middle as a full disk does.
    command = ["bash", "-c", 'ulimit -f 20; exec "$@"', "-", sys.executable, "-m", "pruning"]
    options = ["--model", str(base), "--apply", str(job[1]), "--output", str(tmp_path / "out")]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.startswith("--output: the disk of ")) == (1, True), done.stderr
    assert not [*tmp_path.iterdir()]
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    error = refused(base, job[1], tmp_path / "out")
    assert (error.field, "is full: the result has" in str(error)) == ("output", True)


@pytest.mark.slow
def test_a_result_whose_kept_weights_changed_has_no_mask(base: Path, job: Job, tmp_path: Path) -> None:
    shutil.copytree(job[0], tmp_path / "result")
    for path in (tmp_path / "result").glob("*.safetensors"):
        weights = load_file(path)
        if name := next((name for name in weights if name.endswith("up_proj.weight")), None):
            weights[name][weights[name] != 0] *= 2
            save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(InvalidInput, match=r"kept weights in model-0.* are not the dense model's") as caught:
        patch_of(base, job[1], tmp_path / "result", tmp_path / "patch")
    assert caught.value.field == "exports"
    assert not (tmp_path / "patch").exists()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"method": "none"}, "this recipe masks nothing"),
        ({"structure": {"mlp_channels": 0.5}}, "this recipe masks nothing"),
        ({"method": "sparsegpt", "sparsity": 0.5}, "method sparsegpt gives kept weights new values"),
        ({"method": "admm", "sparsity": 0.5}, "method admm gives"),
        ({"method": "wanda", "sparsity": 0.5, "refit": True}, "refit changes or moves"),
        ({"method": "wanda", "pattern": "2:4", "permute": True}, "permute changes or moves"),
        ({"method": "wanda", "sparsity": 0.5, "structure": {"mlp_channels": 0.5}}, "structure changes"),
        ({"method": "wanda", "sparsity": 0.5, "recovery": {"distil": True}}, "recovery changes or moves"),
    ],
)
def test_what_is_more_than_a_mask_is_refused_by_name(
    fields: dict[str, Any], reason: str, base: Path, tmp_path: Path
) -> None:
    for name in ("mask", "mask:only"):
        with pytest.raises(ValidationError, match=reason) as invalid:
            JobRequest.model_validate({"model": "org/name", "exports": [name], **fields})
        assert [error["loc"] for error in invalid.value.errors()] == [("exports",)]
    steps = Steps()
    recipe = Recipe.model_validate({"model": str(base), "calibration": CALIBRATION, **fields})
    with pytest.raises(InvalidInput, match=reason) as caught:
        run_recipe(recipe, EVALUATION, output=tmp_path / "out", exports=MASK, progress=steps)
    assert (caught.value.field, steps.seen) == ("exports", [])

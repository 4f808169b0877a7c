"""The disk space of a run: what it will write is known before anything is computed."""

import shutil
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from pruning.calibration.lm_head import LMHeadLoss
from pruning.estimate import disk
from pruning.estimate.architectures import shape_of_config
from pruning.estimate.work import Windows
from pruning.pipeline.resources import DiskRoom, DiskTooSmall
from pruning.recipe import Evaluation, Recipe, Stage
from pruning.recipe.exports import parse_exports
from pruning.resume.hashed_file import HashedFile
from pruning.resume.store import DirectoryResumeStore
from tests.pruning.runs import run_recipe
from tests.pruning.tiny import save_checkpoint, tiny_llama
from tests.small_disk import mounted

EVALUATION = Evaluation(dataset="builtin", windows=2, sequence_length=32)
SAMPLES, LENGTH, HIDDEN, FLOAT32 = 4, 32, 32, 4
FINAL_STATES = 2 * (32 - 1) * HIDDEN * FLOAT32  # of the evaluation
HIDDEN_STATES = SAMPLES * LENGTH * HIDDEN * FLOAT32
# Of each of the three blocks: q and o, k and v for half of the heads, three matrices of the MLP.
WEIGHTS = 3 * (2 * 32 * 32 + 2 * 32 * 16 + 3 * 32 * 64)
LLAMA_2_7B = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "vocab_size": 32000,
    "torch_dtype": "float16",
}

Needed = Callable[..., int]


@pytest.fixture
def needed(tiny_llama_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Needed:
    """Return the bytes that a run asks for at a moment, when a faked full disk refuses it.

    `moment`: by number, of its gradients, pruning, recovery and exports.
    """
    usage, moments = shutil.disk_usage(tmp_path), disk.RunFiles.moments
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=0))

    def needed(method: str | None, moment: int = 1, **options: Any) -> int:
        monkeypatch.setattr(
            disk.RunFiles, "moments", lambda files: islice(moments(files), moment, moment + 1)
        )
        recipe = Recipe.model_validate(
            {
                "model": str(options.pop("model", tiny_llama_dir)),
                "method": method,
                "sparsity": 0.5,
                "calibration": {"dataset": "builtin", "samples": SAMPLES, "sequence_length": LENGTH},
                **options.pop("fields", {}),
            }
        )
        with pytest.raises(DiskTooSmall) as refused:
            run_recipe(recipe, EVALUATION, output=tmp_path / "out", **options)
        assert refused.value.field == "output"
        return refused.value.needed

    return needed


def test_what_stays_until_the_model_is_written_is_counted(needed: Needed, tmp_path: Path) -> None:
    plain = needed("wanda")
    assert needed("gblm", schedule="whole") == plain
    assert needed("gblm", schedule="streamed") == plain + FLOAT32 * WEIGHTS
    for later, norms in (("l1", 1), ("l2", 2)):  # the recipe's is l1
        cache = SimpleNamespace(needed_later=frozenset({later}))  # never asked
        assert needed("gblm", schedule="whole", gradient_cache=cache) == plain + norms * FLOAT32 * WEIGHTS
    assert needed("sparsegpt") == plain + FLOAT32 * WEIGHTS  # it changes the weights that it keeps
    store = DirectoryResumeStore(tmp_path / "resume")
    assert needed("wanda", resume_store=store) == plain + 2 * HIDDEN_STATES
    # The final states of the evaluation come when the activations of the prune stage are gone.
    assert needed("wanda", 3, resume_store=store) == plain + FINAL_STATES


def test_a_streamed_pass_needs_disk_for_shards_and_gradients_between_blocks(
    needed: Needed, tmp_path: Path
) -> None:
    shards = needed("gblm", 0, schedule="streamed")
    assert shards == FLOAT32 * WEIGHTS
    store = DirectoryResumeStore(tmp_path / "resume")
    assert needed("gblm", 0, schedule="streamed", resume_store=store) == shards + 2 * HIDDEN_STATES
    for written, stage in enumerate((Stage.GRADIENTS, Stage.CUT, Stage.EVALUATE), start=1):
        (store.directory(stage) / "00002.safetensors").write_bytes(bytes(1000))
        left = shards + 2 * HIDDEN_STATES - 1000 * written
        assert needed("gblm", 0, schedule="streamed", resume_store=store) == left


@pytest.mark.slow
def test_a_pass_that_does_not_fit_as_a_whole_is_not_streamed_without_the_disk_for_it(
    tiny_llama_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = DirectoryResumeStore(tmp_path / "resume")
    usage = shutil.disk_usage(tmp_path)

    def no_memory(*_: object) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=0))
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(LMHeadLoss, "gradient", no_memory)
    recipe = Recipe.model_validate(
        {
            "model": str(tiny_llama_dir),
            "method": "gblm",
            "sparsity": 0.5,
            "calibration": {"dataset": "builtin", "samples": 1, "sequence_length": LENGTH},
        }
    )
    with pytest.raises(DiskTooSmall) as refused:
        run_recipe(recipe, EVALUATION, output=tmp_path / "out", schedule="whole", resume_store=store)
    model = (tiny_llama_dir / "model.safetensors").stat().st_size
    written = sum(path.stat().st_size for path in (tmp_path / "resume").rglob("*") if path.is_file())
    assert refused.value.needed >= FLOAT32 * WEIGHTS + model - written


def test_a_cut_saves_its_activations_whatever_the_schedule(needed: Needed, tmp_path: Path) -> None:
    cut = {"fields": {"structure": {"mlp_channels": 0.25}, "sparsity": None}, "schedule": "whole"}
    store = DirectoryResumeStore(tmp_path / "resume")
    assert needed(None, 0, resume_store=store, **cut) == needed(None, 0, **cut) + 2 * HIDDEN_STATES


def test_trained_weights_stay_for_the_exports(needed: Needed) -> None:
    trained = {"recovery": {"distil": {"tokens": 512, "tokens_per_step": 64}}}
    assert needed("wanda", 3, fields=trained) == needed("wanda", 3) + FLOAT32 * WEIGHTS


@pytest.mark.slow
def test_the_shards_of_a_run_are_as_large_as_was_counted(tiny_llama_dir: Path, tmp_path: Path) -> None:
    sizes: dict[str, int] = {}

    class Sizes(DirectoryResumeStore):
        def commit(self, stage: Stage, block: int, file: HashedFile) -> None:
            super().commit(stage, block, file)
            shards = self.directory(stage).glob("0*.safetensors")
            sizes[stage] = sum(path.stat().st_size for path in shards)

    recipe = Recipe.model_validate(
        {
            "model": str(tiny_llama_dir),
            "method": "gblm",
            "refit": {},
            "sparsity": 0.5,
            "calibration": {"dataset": "builtin", "samples": SAMPLES, "sequence_length": LENGTH},
        }
    )
    store = Sizes(tmp_path / "resume")
    run_recipe(recipe, EVALUATION, output=tmp_path / "out", schedule="streamed", resume_store=store)
    headers = 3 * 4096
    assert 0 <= sizes[Stage.GRADIENTS] - FLOAT32 * WEIGHTS < headers
    assert 0 <= sizes[Stage.PRUNE] - WEIGHTS // 8 - FLOAT32 * WEIGHTS < headers


def test_the_figures_of_llama_2_7b_by_hand() -> None:
    windows, each = Windows(128, 2048), 128 * 2048 * 4096 * 2
    shape = shape_of_config(LLAMA_2_7B)
    weights = 32 * (4 * 4096**2 + 3 * 4096 * 11008)
    assert disk.gradient_shards(shape, "bfloat16", norms=2) == 2 * 4 * weights  # 51.8 GB
    assert disk.block_shards(shape, changed_dtype="bfloat16") == weights // 8 + 2 * weights
    assert disk.activation_checkpoint(shape, windows, "bfloat16") == 2 * each
    assert disk.final_states(shape, 341_000, "bfloat16") == 341_000 * 4096 * 2  # 2.8 GB
    # Every sixth of 32 inputs is six, five are recomputed between two of them, and one is the gradient: 12.
    spilled = [
        disk.spilled_block_inputs(shape, windows, "bfloat16", memories=memories)
        for memories in ((0,), (4 * each + 1,), (12 * each,), (each - 1, each + 1))
    ]
    assert spilled == [12 * each, 8 * each, 0, 11 * each]


LLAMA_3_405B = LLAMA_2_7B | {
    "hidden_size": 16_384,
    "intermediate_size": 53_248,
    "num_hidden_layers": 126,
    "num_attention_heads": 128,
    "num_key_value_heads": 8,
    "vocab_size": 128_256,
}
TB = 10**12
TWO_STATES = 2 * 128 * 2048 * 16_384 * 2 / TB


@pytest.mark.parametrize(
    ("method", "cached", "terabytes"),
    [
        ("magnitude", True, 0.81 + 0.81 + 0.05),  # the weights, the result, and a bit for each weight
        ("gblm", False, 0.81 + 0.81 + 0.05 + TWO_STATES),  # and the inputs of a block, old and new
        ("gblm", True, 0.81 + 0.81 + 0.05 + TWO_STATES + 4 * 0.403),  # and one norm
        ("sparsegpt", True, 0.81 + 0.81 + 0.05 + TWO_STATES + 2 * 0.403),
    ],
)
def test_a_405b_is_refused_before_it_is_downloaded_where_it_does_not_fit(
    method: str, cached: bool, terabytes: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = shape_of_config(LLAMA_3_405B)
    recipe = Recipe.model_validate({"model": "org/405b", "method": method, "sparsity": 0.5})
    output, cache = tmp_path / "out", tmp_path / "hub"
    store = DirectoryResumeStore(tmp_path / "resume")
    for directory in (output, cache):
        directory.mkdir()
    usage = shutil.disk_usage(tmp_path)
    free = 0

    norms = SimpleNamespace(needed_later=frozenset()) if cached else None
    room = DiskRoom(recipe, (), save_masks=False, output=output, resume_store=store, gradient_cache=norms)

    def refuse() -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=free))
        room.check_before_download(Evaluation(), shape, {cache: shape.stored_bytes})

    with pytest.raises(DiskTooSmall, match="the weights to download") as refused:
        refuse()
    needed = refused.value.needed
    assert needed == pytest.approx(terabytes * TB, rel=0.01)
    free = needed - 1
    with pytest.raises(DiskTooSmall):
        refuse()
    free = needed
    refuse()


def test_what_must_stay_free_is_of_the_outputs_disk_alone(tmp_path: Path) -> None:
    recipe = Recipe.model_validate({"model": "org/name", "method": "wanda", "sparsity": 0.5})
    size, kept = 700_000, 2**19
    with mounted(tmp_path / "output") as output, mounted(tmp_path / "hub") as cache:
        store = DirectoryResumeStore(output / "resume")
        for min_free, directory in ((0, output), (kept, cache)):
            DiskRoom(recipe, (), False, output, store, None, min_free).check_downloads({directory: size})
        with pytest.raises(DiskTooSmall) as refused:
            DiskRoom(recipe, (), False, output, store, None, kept).check_downloads({output: size})
        assert refused.value.free == shutil.disk_usage(output).free - kept


def test_a_run_leaves_free_what_it_must(tiny_llama_dir: Path, tmp_path: Path) -> None:
    recipe = Recipe.model_validate({"model": str(tiny_llama_dir), "method": "none"})
    with pytest.raises(DiskTooSmall) as refused:
        run_recipe(recipe, EVALUATION, output=tmp_path / "out", min_free_disk_bytes=2**62)
    assert refused.value.free == 0


def test_a_quantised_model_is_counted_as_it_is_dequantised() -> None:
    recipe = Recipe.model_validate({"model": "org/405b", "method": "wanda", "sparsity": 0.5})
    quantised = LLAMA_3_405B | {"quantization_config": {"quant_method": "fp8"}}
    plain, more = (
        disk.RunFiles.estimated(recipe, Evaluation(), shape_of_config(config), "float16")
        for config in (LLAMA_3_405B, quantised)
    )
    weights = 2 * shape_of_config(LLAMA_3_405B).parameters
    assert [*more.moments()] == [(shards + weights, output) for shards, output in plain.moments()]


def test_masks_are_counted_once_for_their_file_and_once_for_its_export(needed: Needed) -> None:
    plain = needed("wanda", 3)
    assert needed("wanda", 3, save_masks=True) == plain + WEIGHTS // 8
    assert needed("wanda", 3, exports=parse_exports(["mask"])) == plain + 2 * (WEIGHTS // 8)


def test_an_export_is_as_wide_as_the_file_and_not_as_the_computation(needed: Needed, tmp_path: Path) -> None:
    model = save_checkpoint(tiny_llama().bfloat16(), tmp_path / "bfloat16")
    parameters = sum(parameter.numel() for parameter in tiny_llama().parameters())
    plain = needed("wanda", 3, model=model)
    exported = needed("wanda", 3, model=model, exports=parse_exports(["compressed-tensors:fp8"]))
    rest = parameters - WEIGHTS
    assert exported - plain - FINAL_STATES - WEIGHTS == pytest.approx(2 * rest, abs=1000)  # norms have few


def test_an_export_has_the_layers_that_are_not_selected(needed: Needed) -> None:
    parameters = sum(parameter.numel() for parameter in tiny_llama().parameters())
    selected, fields = 3 * 3 * 32 * 64, {"layers": {"include": ["*.mlp.*"]}}
    plain = needed("wanda", 3, fields=fields)
    exported = needed("wanda", 3, fields=fields, exports=parse_exports(["compressed-tensors:fp8"]))
    assert exported == plain + FINAL_STATES + selected + FLOAT32 * (parameters - selected)


def test_a_disk_that_cannot_hold_the_exports_is_named_before_computing(
    tiny_llama_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "exports", lambda *_, **__: 2**60)
    with pytest.raises(DiskTooSmall):
        run_recipe(
            Recipe.model_validate({"model": str(tiny_llama_dir), "method": "none"}),
            EVALUATION,
            output=tmp_path / "out",
            exports=parse_exports(["compressed-tensors:fp8"]),
        )

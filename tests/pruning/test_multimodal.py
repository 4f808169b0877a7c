"""Checkpoints with vision towers: the text decoder is pruned as a plain model, and the rest is carried."""

import json
import math
import shutil
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModelForMultimodalLM, AutoTokenizer, PreTrainedTokenizerBase

from pruning import apply_mask
from pruning.checkpoint.checkpoint import Checkpoint, resolve
from pruning.data.text import Source, read_documents
from pruning.errors import InvalidInput
from pruning.output.writer import write_model
from pruning.recipe import Evaluation, ModelReference, Recipe, Stage
from pruning.recipe.exports import Export, parse_exports
from pruning.resume.store import DirectoryResumeStore
from tests.pruning.families import five_windows
from tests.pruning.multimodal import MULTIMODAL, logits_of, make_multimodal, plain_decoder
from tests.pruning.pruned import pruned_by
from tests.pruning.runs import Steps, contents, run_recipe

CPU = torch.device("cpu")
EVALUATION = Evaluation(dataset="builtin", sequence_length=32, windows=2, speed="off")
CALIBRATION = {"dataset": "builtin", "samples": 3, "sequence_length": 24}
PROCESSOR = "preprocessor_config.json"
FAMILIES = tuple(MULTIMODAL)
METHODS: dict[str, dict[str, Any]] = {
    "gblm": {"method": "gblm", "sparsity": 0.5},
    "wanda 2:4": {"method": "wanda", "pattern": "2:4"},
    "best": {"method": "best", "sparsity": 0.5},
    "sparsegpt": {"method": "sparsegpt", "sparsity": 0.5},
}


@pytest.fixture(scope="module", name="stored")
def stored_checkpoints(
    tmp_path_factory: pytest.TempPathFactory, tokenizer: PreTrainedTokenizerBase
) -> Callable[[str], Path]:
    """Makes and caches checkpoints in several files, with a tokenizer and an image processor's settings."""
    made: dict[str, Path] = {}

    def stored(name: str) -> Path:
        if name not in made:
            made[name] = tmp_path_factory.mktemp("multimodal") / name
            make_multimodal(name).save_pretrained(made[name], max_shard_size="200KB")
            tokenizer.save_pretrained(made[name])
            (made[name] / PROCESSOR).write_text('{"image_processor_type": "Any", "size": {"height": 28}}\n')
        return made[name]

    return stored


def tensors_of(directory: Path) -> dict[str, tuple[str, Tensor]]:
    """Return the file and the value of every tensor, by name."""
    return {
        name: (path.name, tensor)
        for path in directory.glob("*.safetensors")
        for name, tensor in load_file(path).items()
    }


def read_windows(directory: Path) -> Tensor:
    """Return the windows of `EVALUATION`, read without the code under test."""
    (text, *_) = read_documents(Source("builtin", "evaluation", "field"))
    return torch.tensor(AutoTokenizer.from_pretrained(directory)(text)["input_ids"][:64]).view(2, 32)


def resolved(directory: Path) -> Checkpoint:
    return resolve(ModelReference(id=str(directory)))


@pytest.mark.parametrize("name", FAMILIES)
def test_the_decoder_has_the_logits_of_the_whole_class(name: str, stored: Callable[[str], Path]) -> None:
    checkpoint, whole = resolved(stored(name)), make_multimodal(name)
    decoder = checkpoint.load(torch.float32, CPU)
    assert checkpoint.architecture == type(whole).__name__
    assert checkpoint.context_length == 128
    of_plain = plain_decoder(name, whole)
    assert sum(map(Tensor.numel, decoder.parameters())) == sum(map(Tensor.numel, of_plain.parameters()))
    with torch.no_grad():
        found = decoder(input_ids=five_windows(), use_cache=False).logits
        torch.testing.assert_close(found, of_plain(input_ids=five_windows(), use_cache=False).logits)
    assert torch.equal(found, logits_of(whole, five_windows()))


@pytest.mark.parametrize("kind", METHODS)
@pytest.mark.parametrize("name", FAMILIES)
def test_the_text_is_pruned_as_a_plain_model_and_the_rest_is_carried(
    name: str, kind: str, stored: Callable[[str], Path], tmp_path: Path
) -> None:
    recipe = Recipe.model_validate({"model": "/any", **METHODS[kind]})
    checkpoint, dense = resolved(stored(name)), tensors_of(stored(name))
    write_model(
        checkpoint,
        pruned_by(recipe, checkpoint.load(torch.float32, CPU), five_windows()),
        tmp_path,
        save_masks=False,
    )
    plain = plain_decoder(name, make_multimodal(name))
    pruned_by(recipe, plain, five_windows())

    written = tensors_of(tmp_path)
    assert written.keys() == dense.keys()
    changed = {key for key in dense if not torch.equal(dense[key][1], written[key][1])}
    assert len(changed) == (23 if name == "llama4" else 21)
    assert all("layers." in key and "vision" not in key and "visual" not in key for key in changed)
    assert all(written[key][0] == file for key, (file, _) in dense.items())
    for file in ("config.json", "model.safetensors.index.json", PROCESSOR):
        assert (tmp_path / file).read_bytes() == (stored(name) / file).read_bytes()

    whole, loading = AutoModelForMultimodalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(loading.values())
    with torch.no_grad():
        expected = plain(input_ids=five_windows(), use_cache=False).logits
    torch.testing.assert_close(logits_of(whole, five_windows()), expected, rtol=1e-4, atol=1e-4)


RUNS: dict[str, dict[str, Any]] = {
    "trained": {
        "method": "gblm",
        "sparsity": 0.5,
        "recovery": {"distil": {"tokens": 384, "tokens_per_step": 48}},
    },
    "channels and heads": {"structure": {"mlp_channels": 0.25, "kv_heads": 1}},
    "heads and a mask": {"structure": {"kv_heads": 1}, "method": "wanda", "sparsity": 0.5},
}
WITH_EVERY_CHANGE = {
    ("gemma3", "trained"),
    ("qwen3_vl", "channels and heads"),
    ("mistral3", "heads and a mask"),
    ("llama4", "trained"),
}


def recipe_of(directory: Path, **fields: Any) -> Recipe:
    return Recipe.model_validate({"model": str(directory), "calibration": CALIBRATION, **fields})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param(*case, marks=() if case in WITH_EVERY_CHANGE else pytest.mark.nightly)
        for case in product(FAMILIES, RUNS)
        if case[0] != "llama4" or case[1] == "trained"
    ],
)
def test_a_whole_run_keeps_the_towers(
    name: str, kind: str, stored: Callable[[str], Path], tmp_path: Path
) -> None:
    recipe = recipe_of(stored(name), **RUNS[kind])
    report = run_recipe(recipe, EVALUATION, output=tmp_path / "out", save_masks=kind == "trained")
    assert report.model.architecture == type(make_multimodal(name)).__name__
    assert "pipeline_tag" not in (tmp_path / "out" / "README.md").read_text()
    whole, loading = AutoModelForMultimodalLM.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not any(loading.values())
    windows = read_windows(tmp_path / "out")
    losses = [
        float(torch.nn.functional.cross_entropy(logits_of(whole, window[None])[0, :-1], window[1:]))
        for window in windows
    ]
    assert report.perplexity.pruned == pytest.approx(math.exp(sum(losses) / len(losses)), rel=1e-4)

    dense, written = tensors_of(stored(name)), tensors_of(tmp_path / "out")
    carried = {key for key in dense if "vision" in key or "visual" in key or "projector" in key}
    assert len(carried) > 20
    assert all(torch.equal(dense[key][1], written[key][1]) for key in carried)
    configs = [json.loads((path / "config.json").read_text()) for path in (stored(name), tmp_path / "out")]
    texts = [config.pop("text_config") for config in configs]
    assert configs[0] == configs[1]
    assert (texts[0] == texts[1]) == (kind == "trained")
    if kind == "trained":
        masks = load_file(tmp_path / "out" / "masks.safetensors")
        assert masks.keys() <= dense.keys()
        assert report.sparsity.overall == pytest.approx(0.5, abs=0.01)


@pytest.mark.slow
def test_a_mask_makes_the_result_with_its_towers(stored: Callable[[str], Path], tmp_path: Path) -> None:
    recipe = recipe_of(stored("mistral3"), method="magnitude", sparsity=0.5)
    report = run_recipe(recipe, EVALUATION, output=tmp_path / "out", exports=parse_exports(["mask"]))
    apply_mask(stored("mistral3"), tmp_path / "out" / report.exports[0].path, tmp_path / "applied")
    names = {path.name for path in (tmp_path / "applied").iterdir()}
    assert {path.name for path in (tmp_path / "out").iterdir()} - names == {
        *("README.md", "pruning_report.json", "exports")
    }
    for name in names:
        assert (tmp_path / "applied" / name).read_bytes() == (tmp_path / "out" / name).read_bytes(), name


@pytest.mark.slow
def test_a_resumed_run_gives_the_same_files(stored: Callable[[str], Path], tmp_path: Path) -> None:
    recipe, store = recipe_of(stored("gemma3"), **RUNS["trained"]), DirectoryResumeStore(tmp_path / "resume")
    with pytest.raises(InterruptedError):
        run_recipe(
            recipe,
            EVALUATION,
            output=tmp_path / "resumed",
            resume_store=store,
            progress=Steps(at=(Stage.PRUNE, 2)),
        )
    run_recipe(recipe, EVALUATION, output=tmp_path / "resumed", resume_store=store)
    run_recipe(recipe, EVALUATION, output=tmp_path / "whole")
    assert contents(tmp_path / "resumed") == contents(tmp_path / "whole")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"structure": {"experts": 2}}, "is not given the experts of each token"),
        ({"structure": {"mlp_channels": 0.25}}, "would be left"),
    ],
)
def test_cuts_of_llama4_are_refused_by_name(
    fields: dict[str, Any], message: str, stored: Callable[[str], Path], tmp_path: Path
) -> None:
    steps = Steps()
    with pytest.raises(InvalidInput, match=message) as refused:
        run_recipe(recipe_of(stored("llama4"), **fields), EVALUATION, output=tmp_path / "out", progress=steps)
    assert str(refused.value.field).startswith("structure")
    assert not steps.seen


@pytest.mark.parametrize(
    "export", [{"format": "gguf", "type": "Q8_0"}, {"format": "compressed-tensors", "scheme": "fp8"}]
)
def test_exports_are_refused_by_name(
    export: dict[str, Any], stored: Callable[[str], Path], tmp_path: Path
) -> None:
    steps, asked = Steps(), TypeAdapter(tuple[Export, ...]).validate_python([export])
    with pytest.raises(
        InvalidInput, match="Mistral3ForConditionalGeneration holds more than text"
    ) as refused:
        run_recipe(
            recipe_of(stored("mistral3"), method="wanda", sparsity=0.5),
            EVALUATION,
            output=tmp_path / "out",
            exports=asked,
            progress=steps,
        )
    assert refused.value.field == "exports"
    assert not steps.seen


def edited(source: Path, target: Path, **changes: Any) -> Path:
    """Copy a checkpoint, with other values in its config.json."""
    shutil.copytree(source, target)
    config = json.loads((target / "config.json").read_text())
    (target / "config.json").write_text(json.dumps({**config, **changes}))
    return target


@pytest.mark.threat
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architectures": ["LlavaForSequenceClassification"]}, "not a causal language model"),
        ({"text_config": {"model_type": "t5"}}, "not a causal language model"),
        ({"text_config": "somewhere/else"}, "does not accept|has no field"),
        ({"decoder": {"model_type": "llama"}}, "does not accept"),
        ({"vision_config": {"model_type": "timm_wrapper", "architecture": "hf-hub:some/one"}}, "timm"),
        ({"vision_config": {"model_type": "pixtral", "image_size": 10**5}}, "number up to 8192"),
        ({"vision_config": {"model_type": "homemade"}}, "does not accept|cannot build"),
        (
            {"vision_config": {"model_type": "siglip_vision_model", "num_hidden_layers": 10**7}},
            "number up to",
        ),
        (
            {"vision_config": {"model_type": "siglip_vision_model", "num_hidden_layers": 9000}},
            "many times more",
        ),
    ],
)
def test_configs_of_other_parts_are_as_strict(
    changes: dict[str, Any], message: str, stored: Callable[[str], Path], tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match=message) as refused:
        resolved(edited(stored("mistral3"), tmp_path / "model", **changes))
    assert refused.value.field == "model.id"


@pytest.mark.threat
def test_no_part_of_a_config_selects_code(stored: Callable[[str], Path], tmp_path: Path) -> None:
    config = json.loads((stored("gemma3") / "config.json").read_text())
    code = {"_attn_implementation": "some/kernel", "auto_map": {"AutoModel": "code.Model"}}
    parts = {part: {**config[part], **code} for part in ("text_config", "vision_config")}
    model = edited(stored("gemma3"), tmp_path / "model", **parts, **code)
    (model / PROCESSOR).write_text(json.dumps({"auto_map": {"AutoProcessor": "code.Processor"}, "size": 28}))
    checkpoint = resolved(model)
    checkpoint.load(torch.float32, CPU)
    (tmp_path / "copy").mkdir()
    checkpoint.files.copy_to(tmp_path / "copy")
    for name in ("config.json", PROCESSOR):
        text = (tmp_path / "copy" / name).read_text()
        assert "some/kernel" not in text
        assert "auto_map" not in text


@pytest.mark.parametrize("kind", ["qwen2_5_omni", "qwen3_omni_moe"])
def test_a_text_decoder_within_another_part_is_refused(kind: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind}))
    save_file({"weight": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(InvalidInput, match="has no field that describes its text decoder"):
        resolved(tmp_path)

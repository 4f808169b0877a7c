"""What is wrong with a job's files before it runs, compared with what the library says when it runs."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from jobs.spec.job import JobSpec
from jobs.spec.preflight import FileRoots, faults
from pruning.data.text import Source, read_documents
from pruning.data.windows import Reader
from pruning.errors import InvalidInput
from pruning.models.blocks import find_stack
from pruning.recipe import StructureOptions
from pruning.recipe.units import HEADS_DIVIDE_THE_HIDDEN_SIZE, WITHOUT_EXPERTS
from pruning.structure.experts import experts_of
from pruning.structure.plan import CutPlan


@pytest.fixture
def places(tmp_path: Path) -> FileRoots:
    """Directories with a model of a context of 512 tokens, and with a text."""
    for name, config in {
        "good": {"max_position_embeddings": 512},
        "gpt2": {"model_type": "gpt2", "n_positions": 512},
        "alibi": {"model_type": "bloom"},
        "odd": [1],
    }.items():
        (tmp_path / "models" / name).mkdir(parents=True)
        (tmp_path / "models" / name / "config.json").write_text(json.dumps(config))
    (tmp_path / "models" / "empty").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("text")
    return FileRoots((tmp_path / "models",), (tmp_path / "data",))


def fields(places: FileRoots, model: str | Path, **recipe: Any) -> list[str]:
    evaluation = recipe.pop("evaluation", {"dataset": "builtin"})
    document = {"recipe": {"model": str(model), "method": "gblm", "sparsity": 0.5, **recipe}}
    spec = JobSpec.model_validate(document | {"evaluation": evaluation})
    return [fault.field for fault in faults(spec, places)]


def test_a_model_that_is_not_there_is_named(places: FileRoots, tmp_path: Path) -> None:
    models = tmp_path / "models"
    assert [fields(places, models / name) for name in ("good", "odd", "alibi")] == [[], [], []]
    assert [fields(places, models / name) for name in ("none", "empty")] == [["model.id"], ["model.id"]]
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "config.json").write_text("{}")
    (models / "link").symlink_to(tmp_path / "outside")
    assert fields(places, models / "link") == ["model.id"]


@pytest.mark.threat
def test_a_missing_directory_is_reported_only_below_the_roots(places: FileRoots, tmp_path: Path) -> None:
    models = tmp_path / "models"
    (tmp_path / "outside").mkdir()
    for name, target in (("leads-out", "outside"), ("leads-nowhere", "nothing"), ("within", "models/none")):
        (models / name).symlink_to(tmp_path / target)
    said = {}
    for name in ("none", "within", "empty", "leads-out", "leads-nowhere", "x" * 300):
        document = {"recipe": {"model": str(models / name), "method": "gblm", "sparsity": 0.5}}
        (fault,) = faults(JobSpec.model_validate(document), places)
        said[name] = "this directory does not exist" in fault.message
    assert [name for name, missing in said.items() if missing] == ["none", "within"]


@pytest.mark.parametrize("content", [None, "empty"])
def test_a_root_that_this_machine_does_not_have_says_nothing(tmp_path: Path, content: str | None) -> None:
    root = tmp_path / "elsewhere"
    if content:
        root.mkdir()
    places = FileRoots((root,), (root,))
    calibration = {"dataset": str(root / "text.txt")}
    assert fields(places, root / "model", calibration=calibration, gradients=str(root / "g.st")) == []


@pytest.mark.parametrize("model", ["good", "gpt2"])
@pytest.mark.parametrize("length", [511, 512, 513, 100_000])
def test_a_length_is_refused_where_the_library_refuses_it(
    places: FileRoots, tmp_path: Path, model: str, length: int
) -> None:
    reader = Reader(None, 10, context_length=512)  # type: ignore[arg-type] # the tokenizer is not used
    expected = []
    for purpose in ("calibration", "evaluation"):
        try:
            reader.length(length, purpose)  # type: ignore[arg-type]
        except InvalidInput as error:
            expected.append(error.field)
    found = fields(
        places,
        tmp_path / "models" / model,
        calibration={"dataset": "builtin", "sequence_length": length},
        evaluation={"dataset": "builtin", "sequence_length": length},
    )
    assert found == expected


@pytest.mark.parametrize(
    "content",
    [
        b'{"text": "a"}\n{"text": "b"}',
        b'\n  \n{"text": "a", "more": [1]}\n',
        b'{"title": "a"}\n',
        b'{"text": "a"}\n{"text": 1}\n',
        b'["text"]',
        b"plain text\n",
        b'{"text": "\\ud800"}\n',
        b'{"text": "' + b"a" * 100_000 + b'"}\n',
    ],
)
def test_json_lines_are_refused_where_the_library_refuses_them(
    places: FileRoots, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "data" / "lines.jsonl"
    path.write_bytes(content)
    try:
        read_documents(Source(str(path), "calibration", "calibration.dataset"), roots=places.data)
        expected = []
    except InvalidInput as error:
        expected = [error.field]
    assert fields(places, tmp_path / "models" / "good", calibration={"dataset": str(path)}) == expected


def test_texts_and_gradients_that_are_not_there_are_named(places: FileRoots, tmp_path: Path) -> None:
    data = tmp_path / "data"
    missing = fields(
        places,
        tmp_path / "models" / "good",
        calibration={"datasets": [{"dataset": str(data / "a.txt")}, {"dataset": str(data / "b.txt")}]},
        evaluation={"dataset": str(data / "c.txt")},
        gradients=str(data / "g.safetensors"),
    )
    assert missing == ["calibration.datasets.1.dataset", "evaluation.dataset", "gradients"]
    os.mkfifo(data / "b.txt")  # opening it would wait for ever
    assert "calibration.dataset" in fields(
        places, tmp_path / "models" / "good", calibration={"dataset": str(data / "b.txt")}
    )


LLAMA = {
    "model_type": "llama",
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 1,
    "num_attention_heads": 8,
    "num_key_value_heads": 8,
    "vocab_size": 64,
}


@pytest.mark.parametrize("grouped", [8, 4])
@pytest.mark.parametrize(
    "structure",
    [
        *({"mlp_channels": amount} for amount in (0.25, 0.5, 0.99, 0.995, 1, 47, 48, 400)),
        *({"mlp_channels": amount, "multiple_of": 32} for amount in (0.2, 0.3)),
        *({"kv_heads": amount} for amount in (0.05, 0.5, 0.9, 1, 2, 3, 4, 6, 7, 8)),
        {"kv_heads": 5, "mlp_channels": 48},
        *({"experts": amount} for amount in (0.5, 1)),
    ],
)
def test_a_cut_is_refused_as_the_library_refuses_it(
    places: FileRoots, tmp_path: Path, structure: dict[str, Any], grouped: int
) -> None:
    config = LLAMA | {"num_key_value_heads": grouped}
    (tmp_path / "models" / "good" / "config.json").write_text(json.dumps(config))
    skeleton = AutoModelForCausalLM.from_config(AutoConfig.for_model(**config))
    model = str(tmp_path / "models" / "good")
    recipe = {"model": model, "structure": structure, "calibration": {"dataset": "builtin"}}
    spec = JobSpec.model_validate({"recipe": recipe, "evaluation": {"dataset": "builtin"}})
    expected = set()
    # One kind at a time: the library ends at the first that it refuses.
    for others in ({"kv_heads"}, {"mlp_channels"}):
        asked = {name: value for name, value in structure.items() if name not in others}
        if not set(asked) <= {"multiple_of"}:
            try:
                CutPlan.of(StructureOptions(**asked), skeleton, config)
            except InvalidInput as error:
                message = re.sub(r"^LlamaForCausalLM cannot lose \w+: ", "", str(error))
                expected.add((error.field, message))
    assert {(fault.field, fault.message) for fault in faults(spec, places)} == expected


MIXTRAL = LLAMA | {"model_type": "mixtral", "num_local_experts": 8, "num_experts_per_tok": 2}
QWEN = LLAMA | {
    "model_type": "qwen3_moe",
    "num_experts": 6,
    "num_experts_per_tok": 3,
    "moe_intermediate_size": 16,
}


@pytest.mark.parametrize("config", [MIXTRAL, QWEN], ids=["mixtral", "qwen"])
@pytest.mark.parametrize("amount", [0.05, 0.5, 0.9, 0.99, 1, 2, 3, 4, 5, 6, 7, 8, 9])
def test_a_number_of_experts_is_refused_as_the_library_refuses_it(
    places: FileRoots, tmp_path: Path, config: dict[str, Any], amount: float
) -> None:
    (tmp_path / "models" / "good" / "config.json").write_text(json.dumps(config))
    with torch.device("meta"):
        skeleton = AutoModelForCausalLM.from_config(AutoConfig.for_model(**config))
    structure = StructureOptions(experts=amount)
    expected = []
    try:
        CutPlan.of(structure, skeleton, config)
    except InvalidInput as error:
        expected.append((error.field, re.sub(r"^\w+ cannot lose \w+: ", "", str(error))))
    recipe = {"model": str(tmp_path / "models" / "good"), "structure": {"experts": amount}}
    document = {
        "recipe": recipe | {"calibration": {"dataset": "builtin"}},
        "evaluation": {"dataset": "builtin"},
    }
    found = faults(JobSpec.model_validate(document), places)
    assert [(fault.field, fault.message) for fault in found] == expected


@pytest.mark.parametrize("family", sorted(WITHOUT_EXPERTS))
def test_these_families_have_no_experts(family: str) -> None:
    shape = {name: LLAMA[name] for name in LLAMA if name != "model_type"}
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **shape))
    block = find_stack(model).blocks[0]
    assert experts_of(model, block) is None


@pytest.mark.parametrize("family", sorted(HEADS_DIVIDE_THE_HIDDEN_SIZE))
def test_the_configs_of_these_families_insist_on_heads_that_divide(family: str) -> None:
    shape = {"hidden_size": 48, "head_dim": 8, "num_key_value_heads": 1}
    AutoConfig.for_model(family, num_attention_heads=6, **shape)
    with pytest.raises(Exception, match="not a multiple of the number of attention heads"):
        AutoConfig.for_model(family, num_attention_heads=5, **shape)


@pytest.mark.threat
@pytest.mark.parametrize(("kv_heads", "expected"), [(65_536, ["structure.kv_heads"]), (65_537, [])])
def test_a_config_out_of_bounds_is_left_to_the_worker_and_not_counted_with(
    places: FileRoots, tmp_path: Path, kv_heads: int, expected: list[str]
) -> None:
    config = {
        "model_type": "llama",
        "hidden_size": 65_537,  # a prime
        "num_attention_heads": kv_heads,
        "num_key_value_heads": kv_heads,
    }
    (tmp_path / "models/good/config.json").write_text(json.dumps(config))
    assert fields(places, tmp_path / "models/good", structure={"kv_heads": 0.5}) == expected

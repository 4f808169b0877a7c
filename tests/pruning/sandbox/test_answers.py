"""Helpers read untrusted files as this process does."""

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from safetensors.torch import load_file

from pruning.checkpoint.checkpoint import describe_in_process, resolve
from pruning.checkpoint.files import ModelFiles
from pruning.data.text import parse_in_process
from pruning.errors import InvalidInput
from pruning.files.frozen_file import FrozenFile, freeze
from pruning.recipe import Evaluation, ModelReference, Recipe
from pruning.sandbox.confine import SandboxLimits
from pruning.sandbox.sandbox import Sandbox
from tests.pruning.runs import run_recipe
from tests.pruning.sandbox.reads import ids, refusal

pytestmark = [pytest.mark.threat, pytest.mark.slow]


@pytest.mark.parametrize("text", ["", "for x in (1, 2): </s> print", "naïve 漢字 \0 🦙", "a" * 100_000])
def test_token_ids_are_those_of_this_process(text: str, tiny_llama_dir: Path) -> None:
    checkpoint = resolve(ModelReference(id=str(tiny_llama_dir)))
    assert ids(Sandbox(), checkpoint, text) == checkpoint.tokenizer()(text)["input_ids"]


def test_one_helper_answers_many_texts(tiny_llama_dir: Path) -> None:
    checkpoint = resolve(ModelReference(id=str(tiny_llama_dir)))
    here = checkpoint.tokenizer()
    with Sandbox().tokenizer(checkpoint.files) as tokenizer:
        for number in range(200):
            text = f"{number} for {number * number}"
            assert tokenizer(text, verbose=False)["input_ids"] == here(text)["input_ids"]


def test_documents_are_those_of_this_process(tmp_path: Path) -> None:
    texts = ["One.", "", "zwei, naïve", "🦙" * 5000, "x" * 3_000_000]
    (tmp_path / "a.txt").write_text("\n\n".join(texts))
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts))
    pyarrow.parquet.write_table(pa.table({"text": texts}), tmp_path / "a.parquet")
    for name in ("a.txt", "a.jsonl", "a.parquet"):
        file = freeze(tmp_path / name, None, field="calibration.dataset")
        found = list(Sandbox().documents(file, name, "calibration.dataset"))
        assert found == list(parse_in_process(file, name, "calibration.dataset"))
        assert len(found) == (1 if name == "a.txt" else 4)


def test_an_error_in_a_file_has_the_same_message(tmp_path: Path, model_dir: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "one"}\n{"words": 2}\n')
    file = freeze(tmp_path / "a.jsonl", None, field="evaluation.dataset")
    with pytest.raises(InvalidInput, match="line 2: not an object with a string field") as refused:
        list(Sandbox().documents(file, "a.jsonl", "evaluation.dataset"))
    assert refused.value.field == "evaluation.dataset"
    (model_dir / "tokenizer.json").write_text("{}")
    checkpoint = resolve(ModelReference(id=str(model_dir)))
    assert "put tokenizer.json and tokenizer_config.json next" in refusal(Sandbox(), checkpoint, "a")
    (model_dir / "config.json").write_text('{"model_type": "t5"}')
    with pytest.raises(InvalidInput, match="a t5 is not a causal language model"):
        resolve(ModelReference(id=str(model_dir)), describe_files=Sandbox().describe)


@pytest.fixture
def unreadable_file() -> Iterator[FrozenFile]:
    """A regular file of which no byte can be read: EIO, as on a bad sector."""
    memory = Path("/proc/self/mem")
    with memory.open("rb"):
        yield freeze(memory, None, field="model.id", name="tokenizer.json")


# The helper says what its library does with the error, or does not answer.
@pytest.mark.parametrize(
    ("name", "sandbox"),
    [
        ("a.txt", Sandbox()),
        ("a.parquet", Sandbox()),
        ("a.txt", Sandbox(SandboxLimits(wall_seconds=0.0))),
    ],
)
def test_a_disk_that_fails_is_no_error_of_a_text(
    unreadable_file: FrozenFile, name: str, sandbox: Sandbox
) -> None:
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        list(sandbox.documents(unreadable_file, name, "calibration.dataset"))


def test_a_disk_that_fails_is_no_error_of_a_tokenizer(
    unreadable_file: FrozenFile, tiny_llama_dir: Path
) -> None:
    checkpoint = resolve(ModelReference(id=str(tiny_llama_dir)))
    failing = checkpoint.files.without(["tokenizer.json"]) + ModelFiles((unreadable_file,))
    with pytest.raises(OSError, match=os.strerror(errno.EIO)), Sandbox().tokenizer(failing):
        pass


def test_a_description_is_that_of_this_process(model_dir: Path) -> None:
    (model_dir / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    frozen = resolve(ModelReference(id=str(model_dir))).frozen
    names = sorted(path.name for path in model_dir.iterdir())
    small = frozen.named(set(names) - {"model.safetensors"})
    found = Sandbox().describe(small, names)
    assert found == describe_in_process(small, names)
    assert (found.licence, found.weight_files) == ("apache-2.0", ("model.safetensors",))


def test_a_run_gives_the_same_model_and_report(model_dir: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.jsonl"
    text.write_text("\n".join(json.dumps({"text": f"word {number} " * 30}) for number in range(20)))
    calibration = {"dataset": str(text), "samples": 4, "sequence_length": 32}
    recipe = Recipe.model_validate(
        {"model": str(model_dir), "method": "gblm", "sparsity": 0.5, "calibration": calibration}
    )
    evaluation = Evaluation(dataset="builtin", sequence_length=32, windows=2)
    here = run_recipe(recipe, evaluation, output=tmp_path / "here")
    inside = run_recipe(recipe, evaluation, output=tmp_path / "inside", reading=Sandbox(scratch=tmp_path))
    assert inside.model_dump(exclude={"stages"}) == here.model_dump(exclude={"stages"})
    weights = [load_file(tmp_path / name / "model.safetensors") for name in ("here", "inside")]
    assert all(np.array_equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert {path.name for path in tmp_path.iterdir()} == {"here", "inside", "model", "text.jsonl"}

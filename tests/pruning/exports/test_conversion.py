"""A checkpoint becomes a GGUF file with which llama.cpp computes what transformers does, or is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from pruning.errors import InvalidInput
from pruning.exports import llama
from pruning.exports.engine import Engine
from pruning.exports.gguf import convert
from tests.pruning.exports.checkpoints import write_checkpoint
from tests.pruning.families import five_windows
from tests.tiers import nightly

ENGINE = Engine(threads=1)
FAMILIES = ["llama", "gpt2"]
MORE_FAMILIES = ["llama-tied", "qwen2", "qwen3", "gemma3", "mistral", "phi3", "mixtral", "olmo2"]


def logits_of_llama_cpp(file: Path, ids: list[int]) -> torch.Tensor:
    """The file is this test's own: it may be read in this process."""
    with llama.computing(file, length=len(ids), threads=1, at_once=7) as context:
        return torch.from_numpy(np.concatenate([piece.copy() for piece in context.logits(ids)]))


@torch.no_grad()
def logits_of_transformers(model: PreTrainedModel, ids: list[int]) -> torch.Tensor:
    return model(torch.tensor([ids])).logits[0].float()


@pytest.mark.parametrize("family", [*FAMILIES, *map(nightly, MORE_FAMILIES)])
def test_llama_cpp_computes_what_transformers_computes(family: str, tmp_path: Path) -> None:
    model = write_checkpoint(tmp_path / "model", family, initializer_range=0.05)
    written = convert(tmp_path / "model", tmp_path / "model.gguf", engine=ENGINE)

    assert written.bytes == (tmp_path / "model.gguf").stat().st_size
    ids = five_windows()[0].tolist()
    expected = logits_of_transformers(model, ids)
    difference = (logits_of_llama_cpp(written.file, ids) - expected).abs().max()
    assert difference < 0.02 * expected.abs().max()


@pytest.mark.parametrize("family", ["gptj"])
def test_a_family_that_the_converter_lacks_is_refused_by_its_name(family: str, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "model", family)
    with pytest.raises(InvalidInput, match="does not know the architecture GPTJForCausalLM") as refused:
        convert(tmp_path / "model", tmp_path / "model.gguf", engine=ENGINE)
    assert refused.value.field == "model.id"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_code_of_the_checkpoint_is_not_run(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "model")
    (tmp_path / "model" / "evil.py").write_text("raise SystemExit('it ran')")
    settings = tmp_path / "model" / "config.json"
    named = {"auto_map": {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"}}
    settings.write_text(json.dumps(json.loads(settings.read_text()) | named))
    assert convert(tmp_path / "model", tmp_path / "model.gguf", engine=ENGINE).bytes > 0


class TestTokenizers:
    def tokenizer(
        self, splitting: pre_tokenizers.PreTokenizer, **settings: object
    ) -> PreTrainedTokenizerFast:
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [splitting, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
        )
        trainer = trainers.BpeTrainer(
            vocab_size=384, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
        )
        tokenizer.train_from_iterator(["1234 12 1234 's all, 'S ALL 1212   34\n\n  3434" * 20], trainer)
        return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **settings)

    def test_one_that_is_new_to_the_converter_gets_the_rules_by_which_it_splits(self, tmp_path: Path) -> None:
        """It has Qwen2's rules, which take digits one by one where GPT-2's join them."""
        write_checkpoint(tmp_path / "model")
        from tests.pruning.exports.rules import QWEN2

        self.tokenizer(QWEN2).save_pretrained(tmp_path / "model")
        written = convert(tmp_path / "model", tmp_path / "model.gguf", engine=ENGINE)
        assert written.rules == "qwen2"

    def test_one_that_llama_cpp_has_no_rules_for_is_refused(self, tmp_path: Path) -> None:
        write_checkpoint(tmp_path / "model")
        tokenizer = self.tokenizer(pre_tokenizers.Split("l", "isolated"))
        tokenizer.save_pretrained(tmp_path / "model")
        with pytest.raises(InvalidInput, match="as other tokens than transformers"):
            convert(tmp_path / "model", tmp_path / "model.gguf", engine=ENGINE)
        assert [path.name for path in tmp_path.iterdir()] == ["model"]

    def test_one_that_changes_a_text_before_it_splits_it_is_refused(self, tmp_path: Path) -> None:
        write_checkpoint(tmp_path / "model")
        tokenizer = self.tokenizer(pre_tokenizers.ByteLevel(add_prefix_space=False))
        tokenizer.backend_tokenizer.normalizer = normalizers.Lowercase()
        tokenizer.save_pretrained(tmp_path / "model")
        with pytest.raises(InvalidInput, match="as other tokens than transformers"):
            convert(tmp_path / "model", tmp_path / "model.gguf", engine=ENGINE)

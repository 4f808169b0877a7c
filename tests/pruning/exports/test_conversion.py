"""A checkpoint becomes a GGUF file with which llama.cpp computes what transformers does, or is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from gguf import GGUFReader
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from pruning.errors import InvalidInput
from pruning.exports import llama
from pruning.exports.engine import Engine
from pruning.exports.gguf import check, convert
from tests.pruning.exports.checkpoints import write_checkpoint
from tests.pruning.families import five_windows
from tests.tiers import nightly

ENGINE = Engine(threads=1)
QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
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
    model = write_checkpoint(tmp_path / "model", family)
    written = convert(tmp_path / "model", tmp_path / "model.gguf", engine=ENGINE)

    assert written.bytes == (tmp_path / "model.gguf").stat().st_size
    ids = five_windows()[0].tolist()
    expected = logits_of_transformers(model, ids)
    difference = (logits_of_llama_cpp(written.file, ids) - expected).abs().max()
    assert difference < 0.02 * expected.abs().max()


def test_a_family_that_the_converter_lacks_is_refused_by_its_name(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "model", "gptj")
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
    def write(self, directory: Path, splitting: str, **settings: object) -> None:
        """Write a model whose tokenizer splits texts into the matches of a regular expression."""
        tokenizer = Tokenizer(models.BPE(), **settings)
        split = pre_tokenizers.Split(Regex(splitting), "isolated")
        byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, byte_level])
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(vocab_size=384, initial_alphabet=alphabet, show_progress=False)
        tokenizer.train_from_iterator(
            ["def f(x_1, *rest): born free and equal 'a': x_1 12345678\n"] * 9, trainer
        )
        write_checkpoint(directory)
        PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(directory)

    def test_one_that_is_new_to_the_converter_gets_the_rules_by_which_it_splits(self, tmp_path: Path) -> None:
        """Qwen2's, which split as Llama 3's where no two digits are one token; GPT-2's take `(x` apart."""
        self.write(tmp_path / "model", QWEN2)
        assert convert(tmp_path / "model", tmp_path / "model.gguf", engine=ENGINE).rules == "llama-bpe"

    def test_one_that_llama_cpp_has_no_rules_for_is_refused_without_its_weights(self, tmp_path: Path) -> None:
        self.write(tmp_path / "model", "[a-h]+|[^a-h]+")
        (tmp_path / "model" / "model.safetensors").unlink()
        with pytest.raises(InvalidInput, match="as other tokens than transformers") as refused:
            check(tmp_path / "model", engine=ENGINE)
        assert refused.value.field == "model.id"

    def test_one_that_was_made_from_sentencepiece_needs_no_file_of_that(self, tmp_path: Path) -> None:
        """As Gemma's and Llama 2's: pieces of text with ▁ for spaces, and bytes for what has no piece."""
        trained = Tokenizer(models.BPE())
        trained.normalizer = normalizers.Replace(" ", "▁")
        trainer = trainers.BpeTrainer(vocab_size=100, show_progress=False)
        trained.train_from_iterator(["All human beings are born free and equal in dignity"] * 9, trainer)
        pieces = json.loads(trained.to_str())["model"]
        names = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *pieces["vocab"]]
        vocabulary = {name: number for number, name in enumerate(names)}
        merges = [tuple(merge) for merge in pieces["merges"]]
        tokenizer = Tokenizer(
            models.BPE(vocabulary, merges, byte_fallback=True, fuse_unk=True, unk_token="<unk>")
        )
        tokenizer.normalizer = trained.normalizer
        tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
        write_checkpoint(tmp_path / "model")
        settings = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
        PreTrainedTokenizerFast(tokenizer_object=tokenizer, **settings).save_pretrained(tmp_path / "model")
        written = convert(tmp_path / "model", tmp_path / "model.gguf", engine=ENGINE)
        assert written.rules is None
        assert GGUFReader(written.file).fields["tokenizer.ggml.model"].contents() == "llama"

    def test_a_checkpoint_without_weights_passes_the_check(self, tmp_path: Path) -> None:
        write_checkpoint(tmp_path / "model")
        (tmp_path / "model" / "model.safetensors").unlink()
        check(tmp_path / "model", engine=ENGINE)


class TestWhatLlamaCppWouldIgnore:
    def refused(self, directory: Path, family: str, **settings: object) -> str:
        write_checkpoint(directory, family, **settings)
        with pytest.raises(InvalidInput) as refused:
            check(directory, engine=ENGINE)
        return str(refused.value)

    def test_blocks_with_full_attention_elsewhere(self, tmp_path: Path) -> None:
        """As when a cut has removed blocks."""
        kinds = ["sliding_attention", "full_attention", "sliding_attention"]
        reason = self.refused(tmp_path, "gemma3", num_hidden_layers=3, layer_types=kinds)
        assert "full attention in every 6th block" in reason

    @pytest.mark.nightly
    def test_another_scale_of_attention(self, tmp_path: Path) -> None:
        reason = self.refused(tmp_path, "gemma3", query_pre_attn_scalar=24)
        assert "head_dim 8 for query_pre_attn_scalar 24" in reason

    @pytest.mark.nightly
    def test_a_sliding_window_becomes_the_context_that_the_file_promises(self, tmp_path: Path) -> None:
        write_checkpoint(tmp_path / "model", "mistral", sliding_window=8)
        written = convert(tmp_path / "model", tmp_path / "model.gguf", engine=ENGINE)
        fields = GGUFReader(written.file).fields
        assert fields["llama.context_length"].contents() == 8

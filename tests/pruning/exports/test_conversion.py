"""A checkpoint becomes a GGUF file with which llama.cpp computes what transformers does, or is refused."""

import ast
import json
import shutil
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
import torch
from gguf import GGUFReader
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import (
    AutoTokenizer,
    LlamaTokenizer,
    PreTrainedTokenizerFast,
    Qwen3NextConfig,
)

from pruning.errors import InvalidInput
from pruning.exports import llama, packages
from pruning.exports.conversion import _COMMON_RULES, rules_of
from pruning.exports.gguf import check, convert
from pruning.resume.hashed_file import sha256_of
from tests.pruning.exports.checkpoints import write_checkpoint
from tests.pruning.exports.computed import (
    ENGINE,
    assert_computed_alike,
    write_model,
)
from tests.pruning.exports.conftest import Exported
from tests.tiers import nightly

QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
MORE_FAMILIES = ["llama", "llama-tied", "qwen2", "qwen3", "gemma3", "mistral", "phi3", "mixtral", "olmo2"]


def change(file: Path, **fields: object) -> None:
    """Change fields of a JSON object."""
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


@pytest.mark.parametrize("family", ["gpt2", *map(nightly, MORE_FAMILIES)])
def test_llama_cpp_computes_what_transformers_computes(family: str, tmp_path: Path) -> None:
    model = write_checkpoint(tmp_path / "model", family)
    written = convert(tmp_path / "model", tmp_path / "model.gguf", engine=ENGINE)

    assert written.bytes == (tmp_path / "model.gguf").stat().st_size
    assert_computed_alike(model, written.file)


def test_a_model_whose_converter_expects_a_block_for_further_tokens_needs_none(tmp_path: Path) -> None:
    """Its class for Qwen3-Next counts them among the weights, which are not read for a tokenizer alone."""
    config = Qwen3NextConfig(
        vocab_size=400,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=4,  # every fourth has full attention
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        linear_key_head_dim=8,
        linear_value_head_dim=8,
        linear_num_key_heads=2,
        linear_num_value_heads=4,
        num_experts=4,
        num_experts_per_tok=2,
        moe_intermediate_size=32,
        shared_expert_intermediate_size=32,
        initializer_range=0.05,
    )
    model = write_model(tmp_path / "model", config)
    weights = load_file(tmp_path / "model" / "model.safetensors")
    further = {"mtp.fc.weight": torch.ones(32, 64), "mtp.layers.0.mlp.gate.weight": torch.ones(4, 32)}
    save_file(weights | further, tmp_path / "model" / "model.safetensors", {"format": "pt"})

    written = convert(tmp_path / "model", tmp_path / "model.gguf", dtype="F32", engine=ENGINE)
    assert_computed_alike(model, written.file)


def test_a_family_that_the_converter_lacks_is_refused_by_its_name(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "model", "gptj")
    with pytest.raises(InvalidInput, match="does not know the architecture GPTJForCausalLM") as refused:
        convert(tmp_path / "model", tmp_path / "model.gguf", engine=ENGINE)
    assert refused.value.field == "model.id"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.nightly
def test_a_family_that_the_converters_package_lacks_a_part_of_is_refused_by_its_name(tmp_path: Path) -> None:
    """Version 0.1.1 fails to import its module for DeepSeek."""
    write_checkpoint(tmp_path)
    change(tmp_path / "config.json", architectures=["DeepseekV3ForCausalLM"])
    with pytest.raises(InvalidInput, match="does not know the architecture DeepseekV3ForCausalLM"):
        check(tmp_path, engine=ENGINE)


def rename_weights(directory: Path, name: str) -> None:
    """Give the weights another name, by an index."""
    (directory / "model.safetensors").rename(directory / name)
    with safe_open(directory / name, "pt") as file:
        weight_map = dict.fromkeys(file.keys(), name)
    (directory / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))


def test_weights_under_another_name_are_found_and_other_tensors_and_code_are_not(
    small: Exported, tmp_path: Path
) -> None:
    shutil.copytree(small.file.parent / "model", tmp_path / "model")
    rename_weights(tmp_path / "model", "weights-of-llama.safetensors")
    save_file({"stray": torch.ones(2)}, tmp_path / "model" / "masks.safetensors")
    (tmp_path / "model" / "evil.py").write_text("raise SystemExit('it ran')")
    named = {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"}
    change(tmp_path / "model" / "config.json", auto_map=named)
    renamed = convert(tmp_path / "model", tmp_path / "renamed.gguf", dtype="F32", engine=ENGINE)
    assert renamed.sha256 == sha256_of(small.file)


def test_a_weight_that_float16_cannot_hold_makes_the_file_bfloat16(tmp_path: Path) -> None:
    model = write_checkpoint(tmp_path / "model", num_hidden_layers=1)
    weight = model.get_parameter("model.layers.0.mlp.up_proj.weight")
    weight.data[3, 5] = 7e4
    model.save_pretrained(tmp_path / "model")
    written = convert(tmp_path / "model", tmp_path / "model.gguf", engine=ENGINE)
    assert (written.dtype, written.overflow) == ("BF16", "blk.0.ffn_up.weight")
    stored = next(t for t in GGUFReader(written.file).tensors if t.name == "blk.0.ffn_up.weight")
    values = torch.from_numpy(stored.data.copy()).view(torch.bfloat16).reshape(weight.shape)
    assert torch.equal(values, weight.bfloat16())


def test_a_damaged_weight_file_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "model")
    weights = tmp_path / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(InvalidInput, match="do not take the files") as refused:
        convert(tmp_path / "model", tmp_path / "model.gguf", engine=ENGINE)
    assert refused.value.field == "model.id"
    assert str(tmp_path) not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.threat
def test_the_tokenizer_is_confined_before_it_is_read(tmp_path: Path) -> None:
    """A class that would open other files is refused, as when calibration text is read."""
    write_checkpoint(tmp_path / "model")
    change(tmp_path / "model" / "tokenizer_config.json", tokenizer_class="WhisperProcessor")
    change(tmp_path / "model" / "config.json", tokenizer_class="BertJapaneseTokenizer")
    with pytest.raises(InvalidInput, match=r"tokenizer_class in the model's config\.json") as refused:
        check(tmp_path / "model", engine=ENGINE)
    assert refused.value.field == "model.id"


@pytest.mark.threat
def test_a_token_that_is_named_as_a_lack_of_memory_is_none(tmp_path: Path) -> None:
    """The job would be tried again with more memory, and workers quarantined."""
    write_checkpoint(tmp_path / "model")
    file = tmp_path / "model" / "tokenizer.json"
    model = json.loads(file.read_text())["model"]
    change(file, model=model | {"byte_fallback": True, "unk_token": "bad_alloc"})
    with pytest.raises(InvalidInput, match=r"do not take the files \(KeyError: 'bad_alloc'\)"):
        check(tmp_path / "model", engine=ENGINE)


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

    @pytest.mark.parametrize("class_name", [nightly("PreTrainedTokenizerFast"), "LlamaTokenizer"])
    def test_one_that_was_made_from_sentencepiece_needs_no_file_of_that(
        self, class_name: str, tmp_path: Path
    ) -> None:
        """As Gemma's and Llama 2's: pieces of text with ▁ for spaces, and bytes for what has no piece.

        The latter puts a space before each text that begins with none, llama.cpp before any.
        """
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
        change(tmp_path / "model" / "tokenizer_config.json", tokenizer_class=class_name)
        written = convert(tmp_path / "model", tmp_path / "model.gguf", engine=ENGINE)
        assert written.rules is None
        loaded = AutoTokenizer.from_pretrained(tmp_path / "model")
        assert isinstance(loaded, LlamaTokenizer) == (class_name == "LlamaTokenizer")
        expected = loaded("born free and\n  equal", add_special_tokens=False)["input_ids"]
        with closing(llama.Model(written.file, vocabulary_only=True)) as vocabulary:
            assert vocabulary.tokenize("born free and\n  equal", add_special=False) == expected
        assert GGUFReader(written.file).fields["tokenizer.ggml.model"].contents() == "llama"


def test_all_rules_of_the_converter_are_known() -> None:
    """If this fails after a change of `CONVERTER`, adapt `rules_of` to how the new one names its rules."""
    with zipfile.ZipFile(packages.converter()) as wheel:
        source = wheel.read("conversion/base.py").decode()
    [function] = (
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and node.name == "get_vocab_base_pre"
    )
    assigned = [
        node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "res"
    ]
    returned = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
    strings = {
        node.value for node in assigned if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert [ast.unparse(node) for node in returned if node is not None] == ["res"]
    assert set(rules_of(ast.get_source_segment(source, function) or "")) == strings
    assert set(_COMMON_RULES) < strings

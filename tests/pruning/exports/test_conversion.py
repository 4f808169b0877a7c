"""A checkpoint becomes a GGUF file with which llama.cpp computes what transformers does, or is refused."""

import json
import shutil
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from gguf import GGUFReader
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    Exaone4Config,
    LlamaTokenizer,
    PhiConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen3NextConfig,
    SmolLM3Config,
)

from pruning.checkpoint.checkpoint import resolve
from pruning.errors import InvalidInput
from pruning.exports import llama
from pruning.exports.engine import Engine
from pruning.exports.gguf import check, convert
from pruning.output.smaller import write_shorter
from pruning.recipe import ModelReference, StructureOptions
from pruning.resume.hashed_file import sha256_of
from pruning.structure.depth import DepthPlan
from tests.pruning.exports.checkpoints import write_checkpoint, write_tokenizer
from tests.pruning.exports.conftest import Exported
from tests.pruning.families import five_windows
from tests.pruning.runs import tensors_of
from tests.pruning.structure.cuts import Cut
from tests.pruning.structure.test_cut import CUTS
from tests.pruning.tiny import train_tokenizer
from tests.tiers import nightly

ENGINE = Engine(threads=1)
QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
MORE_FAMILIES = ["llama", "llama-tied", "qwen2", "qwen3", "gemma3", "mistral", "phi3", "mixtral", "olmo2"]


def change(file: Path, **fields: object) -> None:
    """Change fields of a JSON object."""
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


def logits_of_llama_cpp(file: Path, ids: list[int]) -> torch.Tensor:
    """The file is this test's own: it may be read in this process."""
    with llama.computing(file, length=len(ids), threads=1, at_once=7) as context:
        return torch.from_numpy(np.concatenate([piece.copy() for piece in context.logits(ids)]))


@torch.no_grad()
def logits_of_transformers(model: PreTrainedModel, ids: list[int]) -> torch.Tensor:
    return model(torch.tensor([ids])).logits[0].float()


def write_model(directory: Path, config: PreTrainedConfig) -> PreTrainedModel:
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).eval()
    model.save_pretrained(directory)
    train_tokenizer().save_pretrained(directory)
    return model


def assert_computed_alike(model: PreTrainedModel, file: Path) -> None:
    ids = five_windows()[0].tolist()
    expected = logits_of_transformers(model, ids)
    difference = (logits_of_llama_cpp(file, ids) - expected).abs().max()
    assert difference < 0.02 * expected.abs().max()


@pytest.mark.parametrize("family", ["gpt2", *map(nightly, MORE_FAMILIES)])
def test_llama_cpp_computes_what_transformers_computes(family: str, tmp_path: Path) -> None:
    model = write_checkpoint(tmp_path / "model", family)
    written = convert(tmp_path / "model", tmp_path / "model.gguf", engine=ENGINE)

    assert written.bytes == (tmp_path / "model.gguf").stat().st_size
    assert_computed_alike(model, written.file)


# Where llama.cpp takes heads times their size for the size of hidden states, or the converter fails.
NOT_CUT = {
    ("qwen2", "kv_heads"),
    ("phi3", "kv_heads"),
    ("cohere", "kv_heads"),
    ("gpt_neox", "mlp_channels"),
}
CUT_EVERY_CHANGE = {("qwen2", "kv_heads"), ("gpt2", "mlp_channels")}
CUT_CASES = [
    (family, kind)
    for family, structure in CUTS.items()
    for kind in structure
    if family not in ("opt", "gptj")  # which the converter does not know
]


@pytest.mark.parametrize(
    ("family", "kind"), [case if case in CUT_EVERY_CHANGE else nightly(*case) for case in CUT_CASES]
)
def test_what_a_cut_leaves_is_computed_alike_or_refused_without_its_weights(
    family: str, kind: str, tmp_path: Path
) -> None:
    amount = 0.25 if kind == "mlp_channels" else 1
    dense = write_checkpoint(tmp_path / "own", family)
    cut = Cut(dense, tmp_path, five_windows(), **{kind: amount})
    write_tokenizer(cut.directory, family)
    shapes = cut.checkpoint.layout.shapes_of(cut.plan.smaller_skeleton(cut.checkpoint.skeleton))
    assert shapes == {name: tuple(tensor.shape) for name, tensor in tensors_of(cut.directory).items()}
    if (family, kind) in NOT_CUT:
        with pytest.raises(InvalidInput) as refused:
            check(cut.directory, shapes=shapes, engine=ENGINE)
        assert "has wrong shape" in str(refused.value) or family == "gpt_neox"
        with pytest.raises((InvalidInput, llama.LlamaFailed)):  # with the weights too
            logits_of_llama_cpp(convert(cut.directory, tmp_path / "cut.gguf", engine=ENGINE).file, [2])
    else:
        check(cut.directory, shapes=shapes, engine=ENGINE)
        written = convert(cut.directory, tmp_path / "cut.gguf", engine=ENGINE)
        model = AutoModelForCausalLM.from_pretrained(cut.directory, dtype=torch.float32).eval()
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


SMALL = {
    "vocab_size": 400,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "initializer_range": 0.05,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": None,
}
WITHOUT_WINDOWS = {"sliding_window": None, "layer_types": ["full_attention"] * 3}


@pytest.mark.nightly
def test_a_width_that_the_converter_does_not_read_is_in_the_file(tmp_path: Path) -> None:
    config = PhiConfig(**{**SMALL, "num_key_value_heads": None, "intermediate_size": 96}, num_hidden_layers=2)
    model = write_model(tmp_path / "model", config)
    assert_computed_alike(model, convert(tmp_path / "model", tmp_path / "model.gguf", engine=ENGINE).file)


@pytest.mark.parametrize(
    ("config", "removed", "reason"),
    [
        (SmolLM3Config(**SMALL, num_hidden_layers=5), 0, "smollm3, llama.cpp leaves out RoPE in every 4th"),
        nightly(SmolLM3Config(**SMALL, num_hidden_layers=5), 4, None),
        nightly(Exaone4Config(**SMALL, **WITHOUT_WINDOWS, num_hidden_layers=3), 0, None),
        nightly(
            Exaone4Config(**SMALL, sliding_window=8, num_hidden_layers=64),
            63,
            "exaone4, llama.cpp has sliding windows in models of 64 blocks alone; this one has 63",
        ),
        nightly(
            Qwen3NextConfig(**SMALL, num_experts=4, head_dim=8, num_hidden_layers=5),
            0,
            "qwen3_next, llama.cpp has full attention in every 4th",
        ),
    ],
)
def test_a_model_without_a_block_is_computed_alike_or_refused(
    config: PreTrainedConfig, removed: int, reason: str | None, tmp_path: Path
) -> None:
    write_model(tmp_path / "dense", config)
    checkpoint = resolve(ModelReference(id=str(tmp_path / "dense")))
    kept = [block for block in range(config.num_hidden_layers) if block != removed]
    plan = DepthPlan.of(StructureOptions(blocks=1), checkpoint.skeleton, checkpoint.config_values)
    shorter = tmp_path / "shorter"
    shorter.mkdir()
    write_shorter(checkpoint, plan.config(kept), kept, shorter)
    if reason is not None:
        with pytest.raises(InvalidInput, match=reason):
            check(shorter, engine=ENGINE)
    else:
        check(shorter, shapes=checkpoint.layout.shapes_of(plan.skeleton(kept)), engine=ENGINE)
        written = convert(shorter, tmp_path / "shorter.gguf", engine=ENGINE)
        assert_computed_alike(AutoModelForCausalLM.from_pretrained(shorter).eval(), written.file)


def test_a_family_that_the_converter_lacks_is_refused_by_its_name(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "model", "gptj")
    with pytest.raises(InvalidInput, match="does not know the architecture GPTJForCausalLM") as refused:
        convert(tmp_path / "model", tmp_path / "model.gguf", engine=ENGINE)
    assert refused.value.field == "model.id"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_family_that_the_converters_package_lacks_a_part_of_is_refused_by_its_name(tmp_path: Path) -> None:
    """Version 0.1.1 fails to import its module for DeepSeek."""
    write_checkpoint(tmp_path)
    change(tmp_path / "config.json", architectures=["DeepseekV3ForCausalLM"])
    with pytest.raises(InvalidInput, match="does not know the architecture DeepseekV3ForCausalLM"):
        check(tmp_path, engine=ENGINE)


def test_code_of_the_checkpoint_is_not_run(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "model")
    (tmp_path / "model" / "evil.py").write_text("raise SystemExit('it ran')")
    named = {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"}
    change(tmp_path / "model" / "config.json", auto_map=named)
    assert convert(tmp_path / "model", tmp_path / "model.gguf", engine=ENGINE).bytes > 0


def rename_weights(directory: Path, name: str) -> None:
    """Give the weights another name, by an index."""
    (directory / "model.safetensors").rename(directory / name)
    with safe_open(directory / name, "pt") as file:
        weight_map = dict.fromkeys(file.keys(), name)
    (directory / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))


def test_weights_under_another_name_are_found_and_other_tensors_are_not(
    small: Exported, tmp_path: Path
) -> None:
    shutil.copytree(small.file.parent / "model", tmp_path / "model")
    rename_weights(tmp_path / "model", "weights-of-llama.safetensors")
    save_file({"stray": torch.ones(2)}, tmp_path / "model" / "masks.safetensors")
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
    def test_weights_of_experts_that_are_not_normalised(self, tmp_path: Path) -> None:
        assert "norm_topk_prob" in self.refused(tmp_path, "qwen3_moe", norm_topk_prob=False)

    @pytest.mark.parametrize(
        ("family", "settings"),
        [
            ("mistral", {"sliding_window": 8}),
            nightly("phi3", {"sliding_window": 8}),
            nightly("qwen2", {"sliding_window": 8, "use_sliding_window": True, "max_window_layers": 1}),
        ],
    )
    def test_a_sliding_window_becomes_the_context_that_the_file_promises(
        self, family: str, settings: dict[str, object], tmp_path: Path
    ) -> None:
        """Within it, logits are those of transformers; beyond, where it matters, they are not."""
        model = write_checkpoint(tmp_path / "model", family, initializer_range=0.2, **settings)
        written = convert(tmp_path / "model", tmp_path / "model.gguf", engine=ENGINE)
        assert written.context_length == 8
        fields = GGUFReader(written.file).fields
        architecture = fields["general.architecture"].contents()
        assert fields[f"{architecture}.context_length"].contents() == 8
        ids = five_windows()[0].tolist()
        expected = logits_of_transformers(model, ids)
        differences = (logits_of_llama_cpp(written.file, ids) - expected).abs().amax(dim=1)
        assert differences[:8].max() < 0.02 * expected.abs().max() < differences.max()

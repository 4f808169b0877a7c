"""Models that llama.cpp would take for others. Cut ones are computed alike, or refused without weights."""

from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from gguf import GGUFReader
from transformers import (
    AutoModelForCausalLM,
    Exaone4Config,
    Gemma2Config,
    GPTNeoXConfig,
    Llama4TextConfig,
    Olmo3Config,
    PhiConfig,
    PreTrainedConfig,
    Qwen2MoeConfig,
    Qwen3NextConfig,
    SmolLM3Config,
)

from pruning.errors import InvalidInput
from pruning.exports import llama
from pruning.exports.gguf import check, convert
from pruning.exports.limits import suited
from tests.pruning.exports.checkpoints import write_checkpoint, write_tokenizer
from tests.pruning.exports.computed import (
    ENGINE,
    assert_computed_alike,
    logits_of_llama_cpp,
    logits_of_transformers,
    write_model,
)
from tests.pruning.families import five_windows
from tests.pruning.runs import tensors_of
from tests.pruning.structure.cuts import Cut
from tests.pruning.structure.test_cut import CUTS
from tests.tiers import nightly

# Where llama.cpp takes heads times their size for the size of hidden states.
NOT_CUT = {
    ("qwen2", "kv_heads"),
    ("phi3", "kv_heads"),
    ("cohere", "kv_heads"),
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
        with pytest.raises(InvalidInput, match="has wrong shape"):
            check(cut.directory, shapes=shapes, engine=ENGINE)
        with pytest.raises((InvalidInput, llama.LlamaFailed)):  # with the weights too
            logits_of_llama_cpp(convert(cut.directory, tmp_path / "cut.gguf", engine=ENGINE).file, [2])
    else:
        check(cut.directory, shapes=shapes, engine=ENGINE)
        written = convert(cut.directory, tmp_path / "cut.gguf", engine=ENGINE)
        model = AutoModelForCausalLM.from_pretrained(cut.directory, dtype=torch.float32).eval()
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
GEMMA_27B = {"num_hidden_layers": 46, "hidden_size": 4608, "head_dim": 128, "query_pre_attn_scalar": 144}
WITHOUT_WINDOWS = {"sliding_window": None, "layer_types": ["full_attention"] * 2}
NOT_EVERY_4TH = ["linear_attention", "linear_attention", "full_attention", "linear_attention"]


@pytest.mark.nightly
def test_a_width_that_the_converter_does_not_read_is_in_the_file(tmp_path: Path) -> None:
    config = PhiConfig(**{**SMALL, "num_key_value_heads": None, "intermediate_size": 96}, num_hidden_layers=2)
    model = write_model(tmp_path / "model", config)
    assert_computed_alike(model, convert(tmp_path / "model", tmp_path / "model.gguf", engine=ENGINE).file)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (
            SmolLM3Config(**SMALL, num_hidden_layers=4, no_rope_layers=[1, 1, 0, 1]),
            "smollm3, llama.cpp leaves out RoPE in every 4th",
        ),
        nightly(SmolLM3Config(**SMALL, num_hidden_layers=4), None),
        nightly(Exaone4Config(**SMALL, **WITHOUT_WINDOWS, num_hidden_layers=2), None),
        nightly(
            Exaone4Config(**SMALL, sliding_window=8, num_hidden_layers=63),
            "exaone4, llama.cpp has sliding windows in models of 64 blocks alone; this one has 63",
        ),
        nightly(
            Qwen3NextConfig(
                **SMALL, num_experts=4, head_dim=8, num_hidden_layers=4, layer_types=NOT_EVERY_4TH
            ),
            "qwen3_next, llama.cpp has full attention in every 4th",
        ),
    ],
)
def test_a_model_with_other_blocks_is_computed_alike_or_refused(
    config: PreTrainedConfig, reason: str | None, tmp_path: Path
) -> None:
    model = write_model(tmp_path / "model", config)
    if reason is not None:
        with pytest.raises(InvalidInput, match=reason):
            check(tmp_path / "model", engine=ENGINE)
    else:
        written = convert(tmp_path / "model", tmp_path / "model.gguf", engine=ENGINE)
        assert_computed_alike(model, written.file)


class TestWhatLlamaCppWouldIgnore:
    def refused(self, directory: Path, family: str, **settings: object) -> str:
        write_checkpoint(directory, family, **settings)
        with pytest.raises(InvalidInput) as refused:
            check(directory, engine=ENGINE)
        return str(refused.value)

    def test_blocks_with_full_attention_elsewhere(self, tmp_path: Path) -> None:
        kinds = ["sliding_attention", "full_attention", "sliding_attention"]
        reason = self.refused(tmp_path, "gemma3", num_hidden_layers=3, layer_types=kinds)
        assert "full attention in every 6th block" in reason

    @pytest.mark.nightly
    def test_another_scale_of_attention(self, tmp_path: Path) -> None:
        reason = self.refused(tmp_path, "gemma3", query_pre_attn_scalar=24)
        assert "llama.cpp takes 8 for query_pre_attn_scalar 24" in reason

    @pytest.mark.nightly
    def test_blocks_with_rope_elsewhere(self, tmp_path: Path) -> None:
        config = Llama4TextConfig(
            **SMALL, num_local_experts=2, head_dim=8, num_hidden_layers=4, no_rope_layers=[1, 0, 1, 1]
        )
        write_model(tmp_path, config)
        with pytest.raises(InvalidInput, match="for llama4_text"):
            check(tmp_path, engine=ENGINE)

    @pytest.mark.nightly
    def test_weights_of_experts_that_are_not_normalised(self, tmp_path: Path) -> None:
        assert "norm_topk_prob" in self.refused(tmp_path, "qwen3_moe", norm_topk_prob=False)

    @pytest.mark.parametrize(
        ("config", "reason"),
        [
            (Qwen2MoeConfig(norm_topk_prob=True), "takes norm_topk_prob for False"),
            (Qwen3NextConfig(norm_topk_prob=False), "takes norm_topk_prob for True"),
            (Qwen2MoeConfig(norm_topk_prob=False), None),
            # Gemma 2 27B, and what a cut leaves of it
            (Gemma2Config(**GEMMA_27B, num_attention_heads=32, num_key_value_heads=16), None),
            (Gemma2Config(**GEMMA_27B, num_attention_heads=24, num_key_value_heads=12), "takes 192 for"),
            (GPTNeoXConfig(rope_parameters={"rope_type": "default", "rope_theta": 50_000.0}), "takes 10000"),
            (GPTNeoXConfig(), None),
        ],
    )
    def test_what_the_config_says(self, config: PreTrainedConfig, reason: str | None) -> None:
        with pytest.raises(InvalidInput, match=reason) if reason else nullcontext():
            suited(config.to_dict())

    def test_no_window_that_the_file_says(self, tmp_path: Path) -> None:
        config = Olmo3Config(**SMALL, num_hidden_layers=4, sliding_window=8)
        model = write_model(tmp_path / "model", config)
        written = convert(tmp_path / "model", tmp_path / "model.gguf", engine=ENGINE)
        assert written.context_length == config.max_position_embeddings
        assert_computed_alike(model, written.file)

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

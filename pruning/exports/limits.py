"""What llama.cpp takes for granted of a family, and no file can say: other models are refused."""

from collections.abc import Mapping
from typing import Any

from pruning.errors import InvalidInput

_FULL_ATTENTION_EVERY = {
    "gemma2": 2,
    "gemma3_text": 6,
    "cohere2": 4,
    "gpt_oss": 2,
    "exaone4": 4,
    "qwen3_next": 4,
    "afmoe": 4,
}
"""Families in which every n-th block has full attention, and the others windows or no attention."""
_WINDOWS_IN_THE_FILE = {"olmo3"}
"""Families whose files say which blocks have windows."""
_BLOCKS_WITH_WINDOWS = {"exaone4": 64}
"""How many blocks the one model has in which llama.cpp has windows; others get RoPE in every block."""
_ROPE_BUT_EVERY = {"smollm3": 4, "llama4_text": 4}
"""Families with RoPE in all blocks but every n-th."""
_BLOCKS_WITH_A_SCALE = {"gemma2": 46, "gemma3_text": 62}
"""How many blocks the one model has where llama.cpp scales attention by the size of hidden states ÷ heads."""
_NORMALISES = {"qwen3_moe": True, "qwen3_next": True, "lfm2_moe": True, "qwen2_moe": False, "olmoe": False}
"""Whether llama.cpp normalises the weights of the experts that a token has."""
_WIDTHS = {"gpt2": "n_inner", "gpt_bigcode": "n_inner", "phi": "intermediate_size"}
"""Families whose MLPs the converter takes for four times as wide as the model, and the field that says it."""
_ROPE_BASE = 10_000
_NO_LIMIT = 2**30


def cannot(reason: str) -> InvalidInput:
    """Return the error of a model that cannot become a GGUF file."""
    return InvalidInput(f"the model cannot be exported to GGUF: {reason}", field="model.id")


def suited(settings: dict[str, Any]) -> dict[str, Any]:
    """Return a config as the converter reads it. Raises InvalidInput for what llama.cpp would ignore."""
    kind = str(settings.get("model_type"))
    _refuse_other_attention(kind, settings)
    _refuse_other_rope(kind, settings)
    normalises = _NORMALISES.get(kind)
    if normalises is not None and settings["norm_topk_prob"] != normalises:
        raise cannot(f"for {kind}, llama.cpp takes norm_topk_prob for {normalises}; in this model it is not")
    _refuse_another_scale(kind, settings)
    rope = settings.get("rope_parameters") or {}
    if kind == "gpt_neox" and rope.get("rope_theta", _ROPE_BASE) != _ROPE_BASE:
        raise cannot(f"for {kind}, llama.cpp takes {_ROPE_BASE} for rope_theta {rope['rope_theta']}")
    if "max_position_embeddings" in settings:  # the file promises no more
        settings["max_position_embeddings"] = context_length(settings)
    # Old names, which transformers no longer writes.
    settings.setdefault("rotary_pct", rope.get("partial_rotary_factor", 1.0))
    if "n_positions" in settings:
        settings.setdefault("n_ctx", settings["n_positions"])
    return settings


def _refuse_other_attention(kind: str, settings: Mapping[str, Any]) -> None:
    layers = settings.get("layer_types")
    if not layers or kind not in _FULL_ATTENTION_EVERY or not _slides(settings):
        return
    blocks, period = _BLOCKS_WITH_WINDOWS.get(kind), _FULL_ATTENTION_EVERY[kind]
    if blocks is not None and len(layers) != blocks:
        raise cannot(
            f"for {kind}, llama.cpp has sliding windows in models of {blocks} blocks alone; this one has "
            f"{len(layers)}"
        )
    if any((layer == "full_attention") != (block % period == 0) for block, layer in enumerate(layers, 1)):
        raise cannot(
            f"for {kind}, llama.cpp has full attention in every {period}th block; this model has not"
        )


def _refuse_another_scale(kind: str, settings: Mapping[str, Any]) -> None:
    if (blocks := _BLOCKS_WITH_A_SCALE.get(kind)) is None:
        return
    scale, size = settings["query_pre_attn_scalar"], settings["head_dim"]
    if settings["num_hidden_layers"] == blocks:
        size = settings["hidden_size"] // settings["num_attention_heads"]
    if scale != size:
        raise cannot(f"for {kind}, llama.cpp takes {size} for query_pre_attn_scalar {scale}")


def _slides(settings: Mapping[str, Any]) -> bool:
    return "sliding_window" not in settings or settings["sliding_window"] is not None


def _refuse_other_rope(kind: str, settings: Mapping[str, Any]) -> None:
    """transformers has 1 for each block with RoPE, and 0 for the others."""
    with_rope, period = settings.get("no_rope_layers") or (), _ROPE_BUT_EVERY.get(kind)
    if period and any(bool(rope) != (block % period != 0) for block, rope in enumerate(with_rope, 1)):
        raise cannot(f"for {kind}, llama.cpp leaves out RoPE in every {period}th block; this model does not")


def mlp_width(settings: Mapping[str, Any]) -> int | None:
    """Return the width of the MLPs where the converter does not read it."""
    return settings.get(_WIDTHS.get(str(settings.get("model_type")), ""))


def context_length(settings: Mapping[str, Any]) -> int:
    """Return the tokens up to which llama.cpp computes what transformers does.

    It has full attention in most families with sliding windows: within a window that is the same.
    """
    names = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")
    context = next((settings[name] for name in names if settings.get(name)), _NO_LIMIT)
    kinds = settings.get("layer_types")
    slides = "sliding_attention" in kinds if kinds else True
    if settings.get("model_type") in {*_FULL_ATTENTION_EVERY, *_WINDOWS_IN_THE_FILE} or not slides:
        return int(context)
    return min(int(context), int(settings.get("sliding_window") or context))

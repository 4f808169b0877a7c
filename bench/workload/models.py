"""The models of the bench: a checkpoint from disk, or random weights in the shape of a known model."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig, PreTrainedModel

from pruning.checkpoint.description import suitable_config
from pruning.checkpoint.files import CONFIG, read_json
from pruning.evaluation.perplexity import perplexity_over, window_losses
from pruning.evaluation.token_losses import Observe
from pruning.models.placement import Placement

_LLAMA_2_7B = {
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "vocab_size": 32_000,
}
_LLAMA_2_70B = {
    "hidden_size": 8192,
    "intermediate_size": 28_672,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "vocab_size": 32_000,
}
_SMOLLM2_135M = {
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "vocab_size": 49_152,
    "tie_word_embeddings": True,
}
_NARROW = {
    "hidden_size": 256,
    "intermediate_size": 688,
    "num_hidden_layers": 16,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "vocab_size": 2048,
}
_GROUPED_QUERIES = {
    "hidden_size": 1024,
    "intermediate_size": 2816,
    "num_hidden_layers": 9,
    "num_attention_heads": 16,
    "num_key_value_heads": 4,
    "vocab_size": 2048,
}
_TOY = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 384,
}
_EXPERTS = {"model_type": "mixtral", "num_local_experts": 4, "num_experts_per_tok": 2}
_MIXTRAL_8X7B = {
    "model_type": "mixtral",
    "hidden_size": 4096,
    "intermediate_size": 14_336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
    "vocab_size": 32_000,
}
_WIDE = _NARROW | {"hidden_size": 512, "intermediate_size": 1376, "num_attention_heads": 8}

SHAPES: dict[str, dict[str, Any]] = {
    "llama-2-7b": _LLAMA_2_7B,
    "llama-2-70b": _LLAMA_2_70B,
    "smollm2-135m": _SMOLLM2_135M,
    "narrow": _NARROW,
    "wide": _WIDE,
    "grouped-queries": _GROUPED_QUERIES,
    "grouped-experts": _GROUPED_QUERIES | _EXPERTS | {"num_hidden_layers": 3},
    "mixtral-8x7b": _MIXTRAL_8X7B,
    "toy": _TOY,
    "toy-experts": _TOY | _EXPERTS,
}

_DEVIATION = 0.02
_DISTINCT_WEIGHTS = 1 << 20


@dataclass(frozen=True)
class ModelChoice:
    """A model by name, possibly with fewer blocks."""

    name: str  # one of SHAPES, or a directory
    blocks: int | None = None  # for one of SHAPES, the number of blocks; None: all

    def load(self, dtype: torch.dtype) -> PreTrainedModel:
        """Load the model on the host in `dtype`, frozen."""
        return self._read(dtype) if self.name not in SHAPES else _random(self.config(), dtype)

    def load_as_stored(self, dtype: torch.dtype) -> PreTrainedModel:
        """Load the model on the host, frozen: memory-mapped, or random weights as if stored in `dtype`."""
        return self._read("auto") if self.name not in SHAPES else _random(self.config(), dtype)

    def _read(self, dtype: torch.dtype | str) -> PreTrainedModel:
        config = suitable_config(read_json(Path(self.name) / CONFIG))
        model = AutoModelForCausalLM.from_pretrained(
            Path(self.name), config=config, dtype=dtype, local_files_only=True
        )
        assert isinstance(model, PreTrainedModel)
        return model.requires_grad_(False).eval()

    def config(self) -> Any:  # noqa: ANN401 - of transformers
        """Return the config of the model, a LLaMA or a Mixtral."""
        if self.name not in SHAPES:
            return LlamaConfig.from_pretrained(self.name, local_files_only=True)
        shape = {
            "model_type": "llama",
            **SHAPES[self.name],
            **({"num_hidden_layers": self.blocks} if self.blocks else {}),
        }
        return AutoConfig.for_model(**shape, max_position_embeddings=8192, bos_token_id=0, eos_token_id=0)


def _random(config: Any, dtype: torch.dtype) -> PreTrainedModel:  # noqa: ANN401 - of transformers
    """Fill the weights with a million random numbers, repeated: drawing billions would take minutes."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, dtype=dtype)
    drawn = (
        torch.empty(_DISTINCT_WEIGHTS)
        .normal_(std=_DEVIATION, generator=torch.Generator().manual_seed(0))
        .to(dtype)
    )
    model.to_empty(device="cpu")
    for parameter in model.parameters():
        _fill(parameter.data, drawn)
    model.tie_weights()
    # Its buffers are computed from the config, and are not among the weights.
    model.model.rotary_emb = type(model.model.rotary_emb)(config)
    assert isinstance(model, PreTrainedModel)
    return model.requires_grad_(False).eval()


def _fill(parameter: Tensor, drawn: Tensor) -> None:
    if parameter.ndim == 1:
        parameter.fill_(1)
        return
    flat = parameter.view(-1)
    for start in range(0, len(flat), len(drawn)):
        piece = flat[start : start + len(drawn)]
        piece.copy_(drawn[: len(piece)].roll(start % 7919))


def random_windows(count: int, length: int, vocabulary: int) -> Tensor:
    """Return random token ids, (windows, length): the time does not depend on what they mean."""
    return torch.randint(vocabulary, (count, length), generator=torch.Generator().manual_seed(0))


def ignore_steps(done: int, total: int) -> None:
    """A `step` callback that does nothing."""


def perplexity(
    model: PreTrainedModel,
    windows: Tensor,
    *,
    limit: float = math.inf,
    step: Callable[[int, int], None],
    placement: Placement | None = None,
    observe: Observe | None = None,
) -> float:
    """Return the perplexity over the windows, from their losses: see `window_losses`.

    Where the measurement ends early at its limit, that is a lower bound.
    """
    losses = window_losses(model, windows, limit=limit, step=step, placement=placement, observe=observe)
    return perplexity_over(windows, losses)

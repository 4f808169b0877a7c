"""What llama.cpp measures equals what transformers gives for the same weights."""

from pathlib import Path

import pytest
import torch
from torch.nn import functional

from pruning.exports.gguf import measure, quantize
from tests.pruning.exports.conftest import Exported
from tests.pruning.families import five_windows


def log_probabilities(small: Exported, weights: torch.dtype) -> torch.Tensor:
    """Of all positions but each window's last, by transformers in float32 with rounded weights."""
    model = type(small.model)(small.model.config).eval()
    model.load_state_dict(
        {name: value.to(weights).float() for name, value in small.model.state_dict().items()}
    )
    with torch.no_grad():
        return functional.log_softmax(model(five_windows()).logits[:, :-1], dim=-1)


def test_perplexity_kl_and_agreement_are_those_of_transformers(small: Exported, tmp_path: Path) -> None:
    """Of a file in bfloat16, which rounds enough to be seen."""
    file = quantize(small.file, tmp_path / "bf16.gguf", "BF16", engine=small.engine).file
    found = measure(file, five_windows(), reference=small.file, engine=small.engine)

    dense, rounded = log_probabilities(small, torch.float32), log_probabilities(small, torch.bfloat16)
    targets = five_windows()[:, 1:, None]
    assert found.reference is not None
    assert found.reference.perplexity == pytest.approx(
        dense.gather(2, targets).mean().neg().exp().item(), rel=1e-3
    )
    assert found.perplexity == pytest.approx(rounded.gather(2, targets).mean().neg().exp().item(), rel=1e-3)
    kl = functional.kl_div(rounded, dense, log_target=True, reduction="none").sum(dim=-1).mean()
    assert found.kl == pytest.approx(kl.item(), rel=0.2)
    agreement = (dense.argmax(dim=-1) == rounded.argmax(dim=-1)).float().mean().item()
    assert found.agreement == pytest.approx(agreement, abs=0.02)
    assert found.types["blk.0.ffn_gate.weight"] == "BF16"
    assert found.evaluator.startswith("llama.cpp b")


def test_a_file_does_not_differ_from_itself(small: Exported) -> None:
    found = measure(small.file, five_windows()[:2], reference=small.file, speed=True, engine=small.engine)
    assert found.reference is not None
    assert found.kl == pytest.approx(0, abs=1e-6)
    assert (found.agreement, found.perplexity) == (1, found.reference.perplexity)
    for speed in (found.prefill, found.decode, found.reference.prefill, found.reference.decode):
        assert speed is not None
        assert speed.tokens_per_second > 0 <= speed.spread


def test_without_a_reference_there_is_no_kl(small: Exported) -> None:
    found = measure(small.file, five_windows()[:1], engine=small.engine)
    assert (found.kl, found.agreement, found.reference, found.prefill) == (None, None, None, None)

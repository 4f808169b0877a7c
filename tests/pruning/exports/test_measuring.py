"""What llama.cpp measures equals what transformers gives for the same weights."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers import PreTrainedModel

from pruning.exports.gguf import convert, measure
from pruning.exports.measuring import _over_window
from tests.pruning.exports.conftest import Exported
from tests.pruning.families import five_windows
from tests.pruning.tiny import train_tokenizer


@torch.no_grad()
def log_probabilities(model: PreTrainedModel) -> torch.Tensor:
    """Of all positions but each window's last, by transformers in float32."""
    return functional.log_softmax(model(five_windows()).logits[:, :-1], dim=-1)


def test_perplexity_kl_and_agreement_are_those_of_transformers(small: Exported, tmp_path: Path) -> None:
    dense = log_probabilities(small.model)
    other = type(small.model)(small.model.config).eval()
    other.load_state_dict(small.model.state_dict())
    generator = torch.Generator().manual_seed(0)
    for weight in other.parameters():
        weight.data *= 1 + 0.3 * torch.randn(weight.shape, generator=generator)
    changed = log_probabilities(other)
    other.save_pretrained(tmp_path / "model")
    train_tokenizer().save_pretrained(tmp_path / "model")
    file = convert(tmp_path / "model", tmp_path / "other.gguf", dtype="F32", engine=small.engine).file

    measured = measure([small.file, file], five_windows(), reference=small.file, engine=small.engine)
    same, found = measured.files
    assert same.fidelity.kl == pytest.approx(0, abs=1e-6)
    targets = five_windows()[:, 1:, None]
    expected, of_changed = (logs.gather(2, targets).mean().neg().exp().item() for logs in (dense, changed))
    assert measured.reference.perplexity == pytest.approx(expected, rel=1e-3)
    assert found.perplexity == pytest.approx(of_changed, rel=1e-3)
    assert abs(of_changed / expected - 1) > 1e-2
    kl = functional.kl_div(changed, dense, log_target=True, reduction="none").sum(dim=-1).mean()
    assert found.fidelity.kl == pytest.approx(kl.item(), rel=0.01)
    agreement = (dense.argmax(dim=-1) == changed.argmax(dim=-1)).float().mean().item()
    assert found.fidelity.agreement == pytest.approx(agreement, abs=0.02)
    assert found.types["blk.0.ffn_gate.weight"] == "F32"
    assert measured.evaluator.startswith("llama.cpp b")


def test_a_file_does_not_differ_from_itself(small: Exported) -> None:
    engine = replace(small.engine, threads=2)
    measured = measure([small.file], five_windows()[:2], reference=small.file, speed=True, engine=engine)
    (found,), reference = measured.files, measured.reference
    assert found.fidelity.kl == pytest.approx(0, abs=1e-6)
    assert (found.fidelity.agreement, found.perplexity) == (1, reference.perplexity)
    for speed in (found.prefill, found.decode, reference.prefill, reference.decode):
        assert speed is not None
        assert speed.tokens_per_second > 0 <= speed.spread


def test_speeds_are_measured_on_request(small: Exported) -> None:
    measured = measure([small.file], five_windows()[:1], reference=small.file, engine=small.engine)
    assert (measured.files[0].prefill, measured.reference.decode) == (None, None)


def test_a_token_that_is_impossible_for_the_dense_file_adds_nothing_to_the_kl() -> None:
    dense, own = (
        np.array([[0.5, -np.inf, 1.0], [0.0, 0.0, -200.0], [0.0, 0.0, 0.0]], dtype=np.float32),
        np.array([[1.0, -np.inf, 0.0], [0.0, 1.0, -np.inf], [0.0, 0.0, 0.0]], dtype=np.float32),
    )
    contexts = [SimpleNamespace(logits=lambda _ids, found=found: iter([found])) for found in (dense, own)]
    with np.errstate(invalid="raise"):
        _, (means,) = _over_window(contexts, [0, 0, 1])  # type: ignore[arg-type]
    first, second = (
        functional.kl_div(theirs, ours, log_target=True, reduction="sum")
        for ours, theirs in (
            (torch.log_softmax(torch.tensor(one), 0), torch.log_softmax(torch.tensor(other), 0))
            for one, other in (([0.5, 1.0], [1.0, 0.0]), ([0.0, 0.0], [0.0, 1.0]))
        )
    )
    assert means["kl"] == pytest.approx((first + second).item() / 2, rel=1e-6)

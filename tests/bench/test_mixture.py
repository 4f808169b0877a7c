"""The mixture of experts that the bench makes of a Llama."""

from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from bench.workload.mixture import EXPERTS, write_mixture


def split(llama: Path, output: Path) -> Path:
    windows = torch.randint(2, 384, (4, 24), generator=torch.Generator().manual_seed(1))
    dense = AutoModelForCausalLM.from_pretrained(llama, dtype=torch.float32)
    write_mixture(dense, AutoTokenizer.from_pretrained(llama), windows, output)
    return output


def test_all_experts_together_are_the_mlp_that_was_split(small_model: Path, tmp_path: Path) -> None:
    files = [split(small_model, tmp_path / name) for name in ("one", "same")]
    weights = [(path / "model.safetensors").read_bytes() for path in files]
    assert weights[0] == weights[1]
    mixture = AutoModelForCausalLM.from_pretrained(files[0], dtype=torch.float32)
    dense = AutoModelForCausalLM.from_pretrained(small_model, dtype=torch.bfloat16).float()
    dense.requires_grad_(False)
    hidden = torch.randn(5, 32, generator=torch.Generator().manual_seed(0))
    for old, new in zip(dense.model.layers, mixture.model.layers, strict=True):
        chosen = torch.arange(EXPERTS).expand(5, -1)
        shares = torch.full(chosen.shape, 1 / new.mlp.gate.top_k)  # for which experts are scaled
        found, expected = new.mlp.experts(hidden, chosen, shares), old.mlp(hidden)
        error = (found - expected).norm() / expected.norm()
        assert error.item() < 0.01  # its experts are in bfloat16

"""Seconds to prune a block with many narrow experts, against few wide ones of as many weights.

    python -m bench.experts

The recipe is that of `best` with uniform sparsities. Factorisations are timed apart: they grow with the cube
of a width, and the rest shall not grow with the number of experts.
"""

import time
from collections.abc import Callable
from unittest import mock

import torch
from torch import Tensor
from transformers import MixtralConfig, MixtralForCausalLM

from pruning.methods.prune_blocks import prune
from pruning.recipe import PRESETS, Recipe

_HIDDEN, _WINDOWS, _LENGTH, _VOCABULARY = 256, 4, 256, 512
_RECIPE = {"model": "/any", "sparsity": 0.5, **PRESETS["best"].options}


def main() -> None:
    """Print a row for either block."""
    for experts, width in ((64, 256), (4, 4096)):
        whole, factoring = _seconds(experts, width)
        rest = f"{whole - factoring:.1f} s without factorisations"
        print(f"{experts} experts of width {width}: {whole:.1f} s, {rest}", flush=True)


def _seconds(experts: int, width: int) -> tuple[float, float]:
    """Return the seconds to prune one block, and how many of them factorisations took."""
    config = MixtralConfig(
        hidden_size=_HIDDEN,
        intermediate_size=width,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=4,
        num_local_experts=experts,
        vocab_size=_VOCABULARY,
    )
    torch.manual_seed(0)
    model = MixtralForCausalLM(config).eval()
    windows = torch.randint(_VOCABULARY, (_WINDOWS, _LENGTH))
    factoring = 0.0

    def timed(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        def run(matrix: Tensor) -> Tensor:
            nonlocal factoring
            begun = time.perf_counter()
            result = function(matrix)
            factoring += time.perf_counter() - begun
            return result

        return run

    with (
        mock.patch.object(torch.linalg, "cholesky", timed(torch.linalg.cholesky)),
        mock.patch.object(torch, "cholesky_inverse", timed(torch.cholesky_inverse)),
    ):
        begun = time.perf_counter()
        prune(model, Recipe.model_validate(_RECIPE), windows, {}, step=lambda done, total: None)
        return time.perf_counter() - begun, factoring


if __name__ == "__main__":
    main()

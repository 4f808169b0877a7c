"""Times the fused gradient kernel against torch's matrix products, layer by layer, on CUDA."""

from functools import partial
from typing import Any

import torch

from bench.engine.roofline import Timer, shapes
from pruning.calibration.accumulate import accumulate_by_matmul, accumulate_fused
from pruning.calibration.gradient_factors import GradientFactors
from pruning.recipe import GradientNorm

_WINDOWS = 4


def milliseconds(
    config: Any,  # noqa: ANN401 - of a LLaMA
    length: int,
    norms: list[GradientNorm],
    device: torch.device,
    dtype: torch.dtype,
) -> dict[str, tuple[float, float]]:
    """Return (matrix products, fused kernel) in milliseconds by layer shape, for one micro-batch."""
    timer, found = Timer(device, dtype), {}
    for outputs, inputs in sorted(set(shapes(config))):
        factors = GradientFactors(
            inputs=timer.numbers(_WINDOWS, length, inputs).unbind(),
            deltas=timer.numbers(_WINDOWS, length, outputs).unbind(),
        )
        sums = {norm: torch.zeros(outputs, inputs, device=device) for norm in norms}
        by_matmul = timer.seconds(partial(accumulate_by_matmul, sums, factors))
        found[f"{outputs} x {inputs}"] = (
            1e3 * by_matmul,
            1e3 * timer.seconds(partial(accumulate_fused, sums, factors)),
        )
    return found

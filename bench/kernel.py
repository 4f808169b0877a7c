"""Gradients formed and added in one kernel, beside products of their own: layer by layer, on CUDA."""

from functools import partial
from typing import Any

import torch

from bench.roofline import Timer, shapes
from pruning.gradients.accumulate import accumulate_fused, accumulate_plainly
from pruning.gradients.part import Part
from pruning.recipe import GradientNorm

_WINDOWS = 4


def milliseconds(
    config: Any,  # noqa: ANN401 - of a LLaMA
    length: int,
    norms: list[GradientNorm],
    device: torch.device,
    dtype: torch.dtype,
) -> dict[str, tuple[float, float]]:
    """By the shape of a layer: the plain way and the kernel, for a micro-batch of a few windows."""
    timer, found = Timer(device, dtype), {}
    for outputs, inputs in sorted(set(shapes(config))):
        part = Part(
            inputs=timer.numbers(_WINDOWS, length, inputs).unbind(),
            deltas=timer.numbers(_WINDOWS, length, outputs).unbind(),
        )
        sums = {norm: torch.zeros(outputs, inputs, device=device) for norm in norms}
        plain = timer.seconds(partial(accumulate_plainly, sums, part))
        found[f"{outputs} x {inputs}"] = (
            1e3 * plain,
            1e3 * timer.seconds(partial(accumulate_fused, sums, part)),
        )
    return found

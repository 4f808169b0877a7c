"""The importance of each input of the linear layers, by which a quantisation chooses its scales.

It is the mean square of the input, which `llama-imatrix` computes.
"""

import torch
from torch import Tensor

from pruning.calibration.activation_statistics import InputStatistics
from pruning.calibration.activation_walk import BlockwiseForward
from pruning.models.blocks import find_stack
from pruning.models.memory import micro_batches
from pruning.models.placement import Placement
from pruning.models.replay import Replay
from pruning.progress import Step
from pruning.runtime.process_memory import retain_freed_heap


@torch.no_grad()
def mean_squares(placement: Placement, windows: Tensor, *, step: Step) -> dict[str, Tensor]:
    """Return by layer name, (inputs,), the mean over windows of each input's sum of squares in a window.

    A layer that was never called has none. `windows`: token ids, int64 (windows, length). `step`: called
    after each block.
    """
    stack = find_stack(placement.model)
    pieces = micro_batches(stack, windows, placement.device)
    found = {}
    with retain_freed_heap(), BlockwiseForward(Replay(stack, windows, placement), pieces) as forward:
        for index, block in enumerate(stack.blocks):
            with placement.resident(block.module, then=stack.module_after(index)):
                statistics = InputStatistics(block.layers, {"input_norms"})
                forward.measure(index, statistics)
                for layer in filter(statistics.has, block.layers):
                    found[layer.name] = statistics.of(layer, "input_norms").square().cpu()
                if index + 1 < len(stack.blocks):
                    forward.advance(index)
            step(index + 1, len(stack.blocks))
    return found

"""The importance of each input of the linear layers, by which a quantisation chooses its scales.

By activations it is the mean square of the input, which `llama-imatrix` computes. By gradients it is the sum
of the squared gradients of the input's column of weights, which are the diagonal of the empirical Fisher
information.
"""

from pathlib import Path

import torch
from torch import Tensor

from pruning.calibration.activation_statistics import InputStatistics
from pruning.calibration.activation_walk import BlockwiseForward
from pruning.calibration.gradient_pass import GradientPass
from pruning.models.blocks import find_stack
from pruning.models.memory import micro_batches
from pruning.models.placement import Placement
from pruning.models.replay import Replay
from pruning.progress import Step
from pruning.resume.store import EphemeralResumeStore
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


def squared_gradients(
    placement: Placement, windows: Tensor, *, scratch: Path, step: Step
) -> dict[str, Tensor]:
    """Return by layer name, (inputs,), the sum over windows and outputs of the squared gradients.

    The gradients are of each window's mean next-token loss. `windows`: token ids, int64 (windows, length).
    `scratch`: an empty directory, for a model that is streamed. `step`: as that of a gradient pass. Raises
    NumericalFailure with a layer's name where its gradients are not finite.
    """
    gradients = GradientPass(placement, windows, norms={"columns"}, stack=find_stack(placement.model))
    columns = gradients.run(step, EphemeralResumeStore(scratch))["columns"]
    return {name: columns[name].cpu() for name in columns}

"""Refuses a training that the memory of the device cannot hold, before anything is computed."""

import torch

from pruning.byte_size import byte_size
from pruning.errors import InvalidInput
from pruning.estimate import ModelShape, memory
from pruning.recipe import MomentsKind
from pruning.runtime.cgroup import host_memory
from pruning.runtime.device import total_memory


def check_training(
    shape: ModelShape,
    smaller: ModelShape | None,
    length: int,
    device: torch.device,
    dtype: torch.dtype,
    moments: MomentsKind,
) -> None:
    """Raise InvalidInput(field='recovery.distil') where the whole model cannot be trained on the device.

    `shape`: of the dense model. `smaller`: what a cut leaves of it. `length`: the tokens of a window.
    `dtype`: of the computation.
    """
    name = str(dtype).removeprefix("torch.")

    def need(moments: MomentsKind) -> int:
        return int(
            memory.whole_model_training(shape, length, name, device.type, smaller=smaller, moments=moments)
        )

    have = host_memory() if device.type == "cpu" else total_memory(device)
    if need(moments) > have:
        fewer = "give recovery.distil.moments as 8-bit, " if need("8-bit") <= have else ""
        raise InvalidInput(
            f"to train the whole model with windows of {length} tokens needs "
            f"{byte_size(need(moments))} of memory, and {device} has {byte_size(have)}: {fewer}use a "
            "machine with more, or leave recovery.distil out",
            field="recovery.distil",
        )

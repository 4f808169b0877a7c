"""Refuses a training that the memory of the device cannot hold, before anything is computed."""

import torch

from pruning.errors import InvalidInput
from pruning.estimate import ModelShape, memory
from pruning.runtime.cgroup import host_memory
from pruning.runtime.device import total_memory


def refuse_without_memory(
    shape: ModelShape,
    smaller: ModelShape | None,
    length: int,
    device: torch.device,
    dtype: torch.dtype,
) -> None:
    """Raise InvalidInput(field='recovery.distil') where the whole model cannot be trained on the device.

    `shape`: of the dense model. `smaller`: what a cut leaves of it. `length`: the tokens of a window.
    `dtype`: of the computation.
    """
    name = str(dtype).removeprefix("torch.")
    need = int(memory.whole_model_training(shape, length, name, device.type, smaller=smaller))
    have = host_memory() if device.type == "cpu" else total_memory(device)
    if need > have:
        raise InvalidInput(
            f"to train the whole model with windows of {length} tokens needs {need} bytes of memory, and "
            f"{device} has {have}: use a machine with more, or leave recovery.distil out",
            field="recovery.distil",
        )

"""Tensors on their way from one device to another, while both compute.

torch's own copy between devices runs on the streams that compute: the device that gives waits until the one
that takes has done all that is queued on it, and the other way round. Devices that work on one model would
then work one after the other.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Self

import torch
from torch import Tensor

from pruning.runtime.side_copies import CopyStream, copy_stream_for


class HandOver:
    """Passes tensors between devices, on a stream of each device for that alone."""

    def __init__(self, new_stream: Callable[[torch.device], CopyStream[Any]] | None = None) -> None:
        """`new_stream`: makes a device's stream, when the first tensor leaves it or comes to it."""
        self._new_stream = new_stream or copy_stream_for
        self._streams: dict[torch.device, CopyStream[Any]] = {}
        self._on_their_way: dict[int, tuple[CopyStream[Any], Any, Tensor]] = {}  # by number, with their marks
        self._count = 0

    def begin(self, tensor: Tensor, device: torch.device) -> Callable[[], Tensor]:
        """Begin to copy a tensor to `device`, once it is computed. It is not changed until it has arrived.

        Returns a function to be called once, for the copy: what is computed from then on finds it there. A
        tensor that is on `device` is returned itself. No gradient flows back.
        """
        tensor = tensor.detach()
        if tensor.device == device:
            return lambda: tensor
        tensor = tensor.contiguous()
        target = torch.empty_like(tensor, device=device)
        leaving, arriving = self._stream(tensor.device), self._stream(device)
        leaving.wait_before_copying(leaving.computed())
        arriving.wait_before_copying(arriving.computed())  # what used the target's memory before
        leaving.pass_on(arriving, target, tensor)
        self._count += 1
        self._on_their_way[self._count] = arriving, arriving.copied(), target
        return partial(self._finish, self._count)

    def close(self) -> None:
        """Let the devices wait for what is on its way: its memory is what they use next."""
        for number in list(self._on_their_way):
            self._finish(number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _finish(self, number: int) -> Tensor:
        stream, mark, target = self._on_their_way.pop(number)
        stream.wait_before_computing(mark)
        return target

    def _stream(self, device: torch.device) -> CopyStream[Any]:
        if device not in self._streams:
            self._streams[device] = self._new_stream(device)
        return self._streams[device]

"""Tensors that wait in pinned host memory, and move there and back while a device computes.

A copy on the stream that computes makes the computation wait for its whole length. On a stream of its own it
runs while the next micro-batch is computed.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Generic

import torch
from torch import Tensor

from pruning.runtime.side_copies import CopyStream, MarkT


class Offload(Generic[MarkT]):
    """Moves tensors between a device and pinned host memory, on one stream and in order.

    The memory on the device comes from the stream that computes, and returns to it: a tensor that is on its
    way is held here until that stream waits for its copy. The pinned memory may be used again at once, by
    copies of this object.
    """

    def __init__(self, device: torch.device, new_stream: Callable[[], CopyStream[MarkT]]) -> None:
        """`new_stream`: makes the stream, when the first tensor moves."""
        self._device = device
        self._new_stream = new_stream
        self._leaving: tuple[Tensor, MarkT] | None = None
        self._arriving: dict[int, tuple[Tensor, MarkT]] = {}  # by address in pinned memory

    @cached_property
    def _stream(self) -> CopyStream[MarkT]:
        return self._new_stream()

    def send(self, tensor: Tensor, pinned: Tensor) -> None:
        """Copy a tensor to pinned memory of its shape, once it is computed. A host's tensor is copied now."""
        if tensor.device != self._device:
            self._stream.wait_on_host(self._stream.copied())  # earlier copies may use that memory
            pinned.copy_(tensor)
            return
        tensor = tensor.contiguous()
        self._stream.wait_before_copying(self._stream.computed())
        self._stream.copy(pinned, tensor)
        leaving = tensor, self._stream.copied()
        self._finish_sending()
        self._leaving = leaving

    def prefetch(self, pinned: Tensor) -> None:
        """Begin to bring what was sent to `pinned`."""
        if pinned.data_ptr() not in self._arriving:
            target = torch.empty_like(pinned, device=self._device)
            self._stream.wait_before_copying(self._stream.computed())  # what used the target's memory before
            self._stream.copy(target, pinned)
            self._arriving[pinned.data_ptr()] = target, self._stream.copied()

    def fetch(self, pinned: Tensor) -> Tensor:
        """Return on the device what was sent to `pinned`; what is computed from now on finds it there."""
        self.prefetch(pinned)
        target, mark = self._arriving.pop(pinned.data_ptr())
        self._stream.wait_before_computing(mark)
        return target

    def on_host(self, pinned: Tensor) -> Tensor:
        """Return `pinned` itself, once what was sent to it has landed."""
        self._stream.wait_on_host(self._stream.copied())
        return pinned

    def forget(self, pinned: Tensor) -> None:
        """Give up what was sent to `pinned`, also while it is on its way back."""
        if pinned.data_ptr() in self._arriving:
            self.fetch(pinned)

    def close(self) -> None:
        """Let the computation wait for whatever is on its way."""
        self._finish_sending()
        for _, mark in self._arriving.values():
            self._stream.wait_before_computing(mark)
        self._arriving.clear()

    def _finish_sending(self) -> None:
        """Let the computation wait for the tensor that left last: its memory is what it uses next."""
        leaving, self._leaving = self._leaving, None
        if leaving is not None:
            self._stream.wait_before_computing(leaving[1])

"""Memory outside the heap, for tensors that outlive many smaller ones.

In the heap, among short-lived tensors, one that is freed leaves a hole that nothing larger fits into. Its own
pages go back to the system with the tensor.
"""

import mmap

import torch
from torch import Tensor


def copy_to_own_pages(tensor: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Copy a host tensor of any shape, contiguously, into pages of its own; cast to `dtype` if given."""
    dtype = dtype or tensor.dtype
    pages = mmap.mmap(-1, tensor.numel() * dtype.itemsize, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return torch.frombuffer(pages, dtype=dtype).view(tensor.shape).copy_(tensor)

"""Tries what a run needs of a device: not only its arithmetic, but its libraries and its copies.

Triton's kernels are not tried here: each variant is, before it is used, and falls back by itself.
"""

import logging
import mmap

import torch

from pruning.runtime.pinned_memory import PinnedArena, pinning_for
from pruning.runtime.side_copies import copy_stream_for

log = logging.getLogger(__name__)

_SIZE = 32
_NUMBERS = 1 << 20


def computes_correctly(device: torch.device) -> bool:
    """Whether the device computes the right numbers. Raises RuntimeError where it does not compute at all.

    On CUDA that includes cuBLAS, cuSOLVER, and copies that overlap with the computation. It must be the
    current device.
    """
    works = bool((torch.ones(8, device=device) * 2).sum().item() == 16) and keeps_float32(device)
    if device.type == "cuda":
        return works and _multiplies(device) and _factorises(device) and _copies(device)
    return works


def copies_correctly(source: torch.device, target: torch.device) -> bool:
    """Whether numbers arrive unchanged on another device: some machines cannot copy from one to another."""
    numbers = torch.arange(_NUMBERS, device=source)
    return torch.equal(numbers.to(target).cpu(), torch.arange(_NUMBERS))


def keeps_float32(device: torch.device) -> bool:
    """Whether products of float32 numbers keep 13 bits, of which TF32 has 11 and bfloat16 8."""
    numbers = torch.full((_SIZE, _SIZE), 1 + 2**-12, device=device)
    return torch.equal(numbers @ torch.eye(_SIZE, device=device), numbers)


def _multiplies(device: torch.device) -> bool:
    """Multiply bfloat16 numbers, all of them whole, to float32 sums that bfloat16 could not hold."""
    one = torch.full((_SIZE, _SIZE), 3, dtype=torch.bfloat16, device=device)
    product = torch.mm(one, one + 4, out_dtype=torch.float32)
    return bool((product == 3 * 7 * _SIZE).all())


def _factorises(device: torch.device) -> bool:
    """Factorise LLᵀ, where L is one on and below its diagonal."""
    expected = torch.ones(_SIZE, _SIZE, device=device).tril()
    return torch.allclose(torch.linalg.cholesky(expected @ expected.T), expected, atol=1e-4)


def _copies(device: torch.device) -> bool:
    """Copy a page of pinned memory to the device and back. Without pinned memory, copies are only slower."""
    stream, numbers = copy_stream_for(device), torch.arange(mmap.PAGESIZE).to(torch.uint8)
    with PinnedArena(pinning_for(device), mmap.PAGESIZE) as arena:
        page = arena.take([mmap.PAGESIZE], torch.uint8)
        if page is None:
            log.warning("the system pins no memory, so copies from and to %s are slower", device)
            return True
        page.copy_(numbers)
        there = torch.zeros(mmap.PAGESIZE, dtype=torch.uint8, device=device)
        stream.wait_before_copying(stream.computed())
        stream.copy(there, page)
        stream.wait_on_host(stream.copied())
        page.zero_()
        stream.copy(page, there)
        stream.wait_on_host(stream.copied())
        return torch.equal(page, numbers)

"""Radix select: a value by its rank from histograms of bits, for devices that assign each row to one block.

A float's bits, with the sign bit flipped where it is 0 and all bits flipped where it is 1, sort as the floats
do when they are read as unsigned integers. So the value of a rank is found in digits of 16 bits, the highest
first: count each digit among the values that begin with the digits found so far, and take the digit at which
the counts reach the rank. Nothing is sorted, and the order in which a device counts makes no difference.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

_DIGIT = 16
_DIGITS = 1 << _DIGIT
_INTEGERS = {2: torch.int16, 4: torch.int32, 8: torch.int64}
# Bounds the memory in addition to a large matrix: a few integers for each value of a chunk.
_CHUNK_VALUES = 1 << 24


def radix_select(values: Tensor, rank: int) -> Tensor:
    """Return each row's value of that rank in ascending order, counted from 1: (rows, 1).

    `values` (rows, columns) of any floating dtype. -0 equals +0, as in a sort, and a NaN sorts beyond the
    infinity of its sign. The host never waits for the device. It holds 2^16 counts for each row, so it is
    meant for few rows.
    """
    integer = torch.iinfo(_INTEGERS[values.itemsize])
    found = torch.zeros(len(values), 1, dtype=_INTEGERS[values.itemsize], device=values.device)
    left = torch.full((len(values), 1), rank, device=values.device)
    for shift in range(integer.bits - _DIGIT, -1, -_DIGIT):
        counts = torch.zeros(len(values), _DIGITS, dtype=torch.int64, device=values.device)
        for keys in _sortable_parts(values):
            digits = _digits(keys, shift)
            if shift + _DIGIT == integer.bits:
                counts.scatter_add_(1, digits, torch.ones_like(counts[:, :1]).expand_as(digits))
            else:
                counted = (keys ^ found) >> (shift + _DIGIT) == 0
                counts.scatter_add_(1, torch.where(counted, digits, _cycling_digits(digits)), counted.long())
        until = counts.cumsum(dim=1)
        digit = torch.searchsorted(until, left)
        left = left - (until - counts).gather(1, digit)
        found |= (digit << shift).to(found.dtype)
    sign = (found >> (integer.bits - 1)).bitwise_not_()
    return (found ^ sign.bitwise_or_(integer.min)).view(values.dtype)


def _sortable_parts(values: Tensor) -> Iterator[Tensor]:
    """Yield some columns after the others, as integers that sort as the values do if read as unsigned."""
    for part in torch.split(values, max(1, _CHUNK_VALUES // len(values)), dim=1):
        bits = part.view(_INTEGERS[part.itemsize])
        integer = torch.iinfo(bits.dtype)
        yield (bits >> (integer.bits - 1)).bitwise_or_(integer.min).bitwise_xor_(bits)


def _digits(keys: Tensor, shift: int) -> Tensor:
    return (keys >> shift).long().bitwise_and_(_DIGITS - 1)


def _cycling_digits(digits: Tensor) -> Tensor:
    """Return digits that go through all counts in turn, for values that add nothing.

    Their own digits would contend for one count: numbers widened from 16 bits all end in the same digit.
    """
    return torch.arange(digits.shape[1], device=digits.device).bitwise_and_(_DIGITS - 1)

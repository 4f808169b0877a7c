"""SparseGPT's walk through one block of columns: the columns to the right make up for each column's error.

On CUDA in float32, one Triton kernel walks through the block; elsewhere, or where a variant of that kernel
fails its self-test, torch does, with four kernels for each column.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import torch
from torch import Tensor

from pruning.masks.patterns import lowest_of_each_group
from pruning.runtime.device import current_device, kernel_works


@dataclass(frozen=True)
class WalkVariant:
    """What the kernel is compiled for. A variant that fails leaves the others in use."""

    columns: int  # of a block; the last one of a matrix may have fewer
    group: tuple[int, int] | None  # (N, M) of an N:M pattern


def walk(weight: Tensor, mask: Tensor, factor: Tensor, variant: WalkVariant) -> Tensor:
    """Prune a block of columns in place. Return each weight's error: (outputs, columns).

    Parameters
    ----------
    weight
        (outputs, columns), of which those that `mask` names become zero and the others are changed.
    mask
        bool, like `weight`: the weights to prune. For an N:M pattern it is found here, group by group, once
        the columns to their left are done.
    factor
        (columns, columns), upper triangular: this block's part of U.
    variant
        The block's greatest width, and the pattern.
    """
    if weight.dtype == torch.float32 and uses_kernel(weight.device, variant):
        return walk_in_kernel(weight, mask, factor, variant)
    return walk_by_column(weight, mask, factor, variant)


def walk_by_column(weight: Tensor, mask: Tensor, factor: Tensor, variant: WalkVariant) -> Tensor:
    """Run `walk` with operations of torch."""
    group = variant.group
    # On a CPU, strided columns take twice the time; what is transposed is made contiguous first for that.
    columns, pruned = weight.contiguous().T.contiguous(), mask.contiguous().T.contiguous()
    scales, zero = factor.diagonal(), columns.new_zeros(())

    def kept(column: int) -> Tensor:
        if group is not None and column % group[1] == 0:
            members = slice(column, column + group[1])
            scores = columns[members].square() / scales[members, None].square()
            pruned[members] = lowest_of_each_group(scores.T, *group).T
        return torch.where(pruned[column], zero, columns[column])

    errors = compensate(columns, factor, kept)
    weight.copy_(columns.T)
    if group is not None:
        mask.copy_(pruned.T)
    return errors.T.contiguous()


def compensate(columns: Tensor, factor: Tensor, replaced: Callable[[int], Tensor]) -> Tensor:
    """Replace columns one after the other, in place; those behind make up for each error. Return the errors.

    Parameters
    ----------
    columns
        The weights of a block of columns, (columns, outputs): contiguous where a column is.
    factor
        As for `walk`.
    replaced
        Returns what a column becomes, (outputs,), once those before it are done.
    """
    errors = torch.empty_like(columns)
    steps = zip(columns, errors, factor.diagonal(), factor[:, :, None], strict=True)
    for column, (values, error, scale, shares) in enumerate(steps):
        new = replaced(column)
        torch.sub(values, new, out=error).div_(scale)
        values.copy_(new)
        right = slice(column + 1, None)
        # Multiplied and subtracted apart, so that both round, as in the kernel; `addcmul` may round once.
        columns[right].sub_(shares[right] * error)
    return errors


def walk_in_kernel(weight: Tensor, mask: Tensor, factor: Tensor, variant: WalkVariant) -> Tensor:
    """Do `walk` in one Triton kernel."""
    # Triton exists on Linux only, and takes a second to import.
    from pruning.methods.column_walk_triton import walk as walk_at_once

    with current_device(weight.device):  # where Triton launches
        return walk_at_once(weight, mask, factor, variant.columns, variant.group)


@lru_cache
def uses_kernel(device: torch.device, variant: WalkVariant) -> bool:
    """Whether blocks of float32 weights are pruned by this variant of the kernel on `device`.

    True on CUDA, provided that the variant compiles and passes a self-test. The first call compiles it, which
    needs Triton and a C compiler; on failure a warning is logged. Raises the out-of-memory error.
    """
    if device.type != "cuda":
        return False
    return kernel_works(
        partial(_kernel_passes_self_test, device, variant),
        "SparseGPT's kernel",
        "weights",
        f"torch for {variant}",
    )


def _kernel_passes_self_test(device: torch.device, variant: WalkVariant) -> bool:
    """Compare both ways on random weights: equal masks, and weights and errors up to rounding."""
    generator = torch.Generator(device).manual_seed(0)
    rows, columns = 100, variant.columns
    weight = torch.randn(rows, columns, generator=generator, device=device)
    mask = torch.rand(rows, columns, generator=generator, device=device) < 0.5
    noise = torch.randn(columns, columns, generator=generator, device=device)
    factor = (noise / columns).triu_().add_(torch.eye(columns, device=device))
    results = []
    for way in (walk_in_kernel, walk_by_column):
        pruned, chosen = weight.clone(), mask.clone()
        results.append((way(pruned, chosen, factor, variant), pruned, chosen))
    (errors, pruned, chosen), (expected_errors, expected, expected_mask) = results
    return (
        torch.equal(chosen, expected_mask)
        and torch.allclose(pruned, expected, rtol=1e-5, atol=1e-6)
        and torch.allclose(errors, expected_errors, rtol=1e-5, atol=1e-6)
    )

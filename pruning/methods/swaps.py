"""Swaps: exchange pruned for kept weights of a row while that lowers the error of its outputs.

No weight gets a new value. With H the mean of XᵀX, w a row's weights and P its pruned ones, the squared error
of the row's outputs is Σ w_p·H_pq·w_q over p and q in P. With c_j = Σ_{p in P} H_jp·w_p, pruning u and
restoring p changes it by

    w_u²·H_uu + 2·w_u·c_u  +  w_p²·H_pp - 2·w_p·c_p  -  2·w_u·w_p·H_up

where all but the last term belong to one weight each. In a round, a row's candidates are the weights that are
best to prune and best to restore by these terms; with N:M, all weights of the groups that are best by them,
and weights are swapped within their group. Among its candidates, the swap of the lowest change is taken, and
again, with c updated by each swap, until none lowers the error. The next round has new candidates. A row is
finished when a round finds no swap.

Changes are small differences of large sums, and each swap builds on those before. So they are computed in
float64, from H as it was measured; one within the rounding of the error of the row does not count.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from pruning.estimate.pieces import SWAPPED_WEIGHTS
from pruning.methods.base import LayerStats, PrunedMatrix
from pruning.recipe import group_of

CANDIDATES = 32  # weights to prune, weights to restore, or groups, of each row in each round

_ROUNDING = 1e-9  # of a row's error

_MOMENTS_AT_ONCE = 1024  # rows of the moments that are copied to float64


@dataclass(frozen=True)
class Swapped:
    """The result for one layer."""

    mask: Tensor  # bool (outputs, inputs), True where pruned
    reduction: float  # of a row's squared error, relative to it: the median over rows
    unfinished: int  # rows that have reached the most swaps


def swapped(layer: LayerStats, pruned: PrunedMatrix, pattern: str, *, most: int) -> PrunedMatrix:
    """Return the mask after at most `most` swaps in each row; as many weights of it are pruned as before."""
    found = swap(layer.weight, pruned.mask, layer.second_moments, group=group_of(pattern), most=most)
    warnings = pruned.warnings
    if found.unfinished:
        warnings += (f"swaps ended at {most} in {found.unfinished} of its {len(found.mask)} rows",)
    return replace(pruned, mask=found.mask, swap_reduction=found.reduction, warnings=warnings)


def swap(
    weight: Tensor, mask: Tensor, moments: Tensor, *, group: tuple[int, int] | None, most: int
) -> Swapped:
    """Swap at most `most` times in each row.

    Parameters
    ----------
    weight, mask
        (outputs, inputs); True where pruned.
    moments
        The mean of XᵀX over windows, (inputs, inputs).
    group
        (N, M) of a pattern N:M; None where all weights of a row compete.
    """
    rounds = _swap_in_rows if group is None else _swap_in_groups(group[1])
    at_once = max(1, SWAPPED_WEIGHTS[weight.device.type] // weight.shape[1])
    masks, before, after, unfinished = [], [], [], 0
    for rows, pruned in zip(torch.split(weight, at_once), torch.split(mask, at_once), strict=True):
        state = _Rows.of(rows.double(), pruned.clone(), moments)
        before.append(state.errors())
        unfinished += _finish(state, rounds, most)
        masks.append(state.mask)
        after.append(state.errors())
    errors = torch.cat(before)
    reductions = (1 - torch.cat(after) / errors).nan_to_num_(0)  # of a row without error
    return Swapped(torch.cat(masks), float(reductions.median()), unfinished)


@dataclass
class _Rows:
    """Some rows of a layer."""

    weight: Tensor  # float64 (rows, inputs)
    mask: Tensor  # True where pruned
    moments: Tensor
    products: Tensor  # c of each weight, (rows, inputs)

    @classmethod
    def of(cls, weight: Tensor, mask: Tensor, moments: Tensor) -> Self:
        """Return rows with their products."""
        pruned = weight.masked_fill(~mask, 0)
        # A copy of all moments in float64 would be the largest tensor here.
        pieces = torch.split(moments, _MOMENTS_AT_ONCE)
        return cls(weight, mask, moments, torch.cat([pruned @ some.T.double() for some in pieces], 1))

    def errors(self) -> Tensor:
        """Return the squared error of each row."""
        return (self.weight.masked_fill(~self.mask, 0) * self.products).sum(1).clamp_(min=0)

    def terms(self) -> tuple[Tensor, Tensor]:
        """Return those of pruning and of restoring each weight; infinite where that is done already."""
        own = self.weight.square() * self.moments.diagonal().double()
        crossed = 2 * self.weight * self.products
        return (own + crossed).masked_fill_(self.mask, torch.inf), (own - crossed).masked_fill_(
            ~self.mask, torch.inf
        )


_Round = Callable[[_Rows, Tensor, Tensor], Tensor]
"""Swaps once or more in each row, in place, given the change below which a swap counts and how many swaps are
left, each (rows,). Returns the number of swaps, (rows,)."""


def _finish(state: _Rows, swap_once_or_more: _Round, most: int) -> int:
    """Swap until no swap lowers a row's error. Return the rows that have reached `most` before."""
    active = torch.arange(len(state.mask), device=state.mask.device)
    least = -_ROUNDING * state.errors()
    left = torch.full_like(active, most)
    while len(active):
        part = _Rows(state.weight[active], state.mask[active], state.moments, state.products[active])
        swaps = swap_once_or_more(part, least[active], left[active])
        state.mask[active], state.products[active] = part.mask, part.products
        left[active] -= swaps
        active = active[(swaps > 0) & (left[active] > 0)]
    return int((left == 0).sum())


def _swap_in_rows(rows: _Rows, least: Tensor, left: Tensor) -> Tensor:
    """See `_Round`: among the `CANDIDATES` lowest terms of each kind."""
    count = min(CANDIDATES, rows.weight.shape[1])
    (first, prune), (second, restore) = (of.topk(count, largest=False) for of in rows.terms())
    inputs = torch.cat([prune, restore], 1)  # of the candidates, by which they are numbered from here on
    among = _Candidates(rows, inputs)
    numbers = torch.arange(2 * count, device=inputs.device).expand_as(inputs)
    kept, removed = numbers[:, :count].clone(), numbers[:, count:].clone()
    # A row may have fewer weights of a kind.
    no_candidates = torch.zeros(len(inputs), count, count, dtype=torch.float64, device=inputs.device)
    no_candidates.masked_fill_(torch.isinf(first)[:, :, None] | torch.isinf(second)[:, None, :], torch.inf)
    swaps = torch.zeros_like(left)
    crossed = among.crossed(kept, removed)
    while True:
        changes = (
            among.pruning(kept)[:, :, None] + among.restoring(removed)[:, None, :] - crossed + no_candidates
        )
        change, place = changes.flatten(1).min(1)
        row = ((change < least) & (swaps < left)).nonzero()[:, 0]
        if not len(row):
            break
        swaps[row] += 1
        one, other = place[row] // count, place[row] % count
        pruned, restored = kept[row, one], removed[row, other]
        among.swap(row, pruned, restored)
        kept[row, one], removed[row, other] = restored, pruned
        crossed[row, one] = among.crossed(kept[row, one, None], removed[row], row)[:, 0]
        crossed[row, :, other] = among.crossed(kept[row], removed[row, other, None], row)[:, :, 0]
    for is_pruned, numbered, terms in ((False, kept, first), (True, removed, second)):
        row, slot = torch.isfinite(terms).nonzero(as_tuple=True)
        rows.mask[row, inputs[row, numbered[row, slot]]] = is_pruned
    rows.products = _Rows.of(rows.weight, rows.mask, rows.moments).products
    return swaps


class _Candidates:
    """The candidates of some rows, by number: their weights, products, and moments between them."""

    def __init__(self, rows: _Rows, inputs: Tensor) -> None:
        """`inputs`: of the candidates, (rows, candidates)."""
        self._weight, self._products = rows.weight.gather(1, inputs), rows.products.gather(1, inputs)
        self._moments = rows.moments[inputs[:, :, None], inputs[:, None, :]].double()
        self._own = self._weight.square() * self._moments.diagonal(dim1=1, dim2=2)

    def pruning(self, numbers: Tensor) -> Tensor:
        """Return the terms of pruning candidates, (rows, numbers)."""
        return (self._own + 2 * self._weight * self._products).gather(1, numbers)

    def restoring(self, numbers: Tensor) -> Tensor:
        """Return the terms of restoring candidates, (rows, numbers)."""
        return (self._own - 2 * self._weight * self._products).gather(1, numbers)

    def crossed(self, kept: Tensor, removed: Tensor, row: Tensor | None = None) -> Tensor:
        """Return 2·w_u·w_p·H_up, (rows, kept, removed). `row`: which rows, all by default."""
        which = torch.arange(len(kept), device=kept.device) if row is None else row
        weight = self._weight[which]
        moments = self._moments[which[:, None, None], kept[:, :, None], removed[:, None, :]]
        return 2 * weight.gather(1, kept)[:, :, None] * weight.gather(1, removed)[:, None, :] * moments

    def swap(self, row: Tensor, pruned: Tensor, restored: Tensor) -> None:
        """Update the products of rows, each with a candidate that is pruned and one that is restored."""
        self._products[row] += self._weight[row, pruned, None] * self._moments[row, pruned]
        self._products[row] -= self._weight[row, restored, None] * self._moments[row, restored]


def _swap_in_groups(size: int) -> _Round:
    """Return a `_Round` of swaps within the `CANDIDATES` groups of `size` of the lowest terms."""

    def swap_once_or_more(rows: _Rows, least: Tensor, left: Tensor) -> Tensor:
        inputs = _inputs_of_best_groups(rows, size)
        own = rows.weight.gather(1, inputs.flatten(1)).view(inputs.shape)
        moments = rows.moments[inputs[..., :, None], inputs[..., None, :]].double()
        alone = own.square() * moments.diagonal(dim1=2, dim2=3)
        crossed = 2 * own[..., :, None] * own[..., None, :] * moments
        swaps = torch.zeros_like(left)
        row = torch.arange(len(own), device=own.device)  # those that may have a swap left
        while True:
            at = (row[:, None, None], inputs[row])
            by_product, pruned = 2 * own[row] * rows.products[at], rows.mask[at]
            first = (alone[row] + by_product).masked_fill_(pruned, torch.inf)
            second = (alone[row] - by_product).masked_fill_(~pruned, torch.inf)
            change, place = (first[..., :, None] + second[..., None, :] - crossed[row]).flatten(1).min(1)
            lower = (change < least[row]) & (swaps[row] < left[row])
            row, place = row[lower], place[lower]
            if not len(row):
                return swaps
            group, pair = place // size**2, place % size**2
            prune, restore = inputs[row, group, pair // size], inputs[row, group, pair % size]
            rows.mask[row, prune], rows.mask[row, restore] = True, False
            rows.products[row] += rows.weight[row, prune, None] * rows.moments[prune]
            rows.products[row] -= rows.weight[row, restore, None] * rows.moments[restore]
            swaps[row] += 1

    return swap_once_or_more


def _inputs_of_best_groups(rows: _Rows, size: int) -> Tensor:
    """Return the inputs of the `CANDIDATES` groups of the lowest terms, (rows, groups, size)."""
    count, groups = len(rows.weight), rows.weight.shape[1] // size
    first, second = (of.view(count, groups, size).amin(2) for of in rows.terms())
    chosen = (first + second).topk(min(CANDIDATES, groups), largest=False).indices
    return chosen[:, :, None] * size + torch.arange(size, device=chosen.device)

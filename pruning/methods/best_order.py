"""The order of channels in which an N:M pattern keeps most: tensors only, without a model.

A pattern keeps the N highest scores of each M consecutive inputs of a row. Where two channels of one group
matter to the same rows, one of them is lost, and another order may keep both. Which channels
share a group is chosen such that the sum of all kept scores is high:

1. Channels are sorted by their sum of scores, and dealt out to the groups in turn, so that each group gets
   some of every rank; or they stay as they are, if more is kept like that.
2. For each place in a group, one after the other: let all groups give up the channel that they have there.
   With a_rg the N-th highest score of row r among what group g still has, channel j is worth
   Σ_r max(a_rg, s_rj) to the group: up to constants half of ‖a_g - s_j‖₁. So one matrix of distances says
   what each exchange of two channels gains. Exchanges that are each other's best are made, all at once,
   until none gains anything. This repeats until a round through all places changes nothing, four times at
   most.

With R rows and n channels, a round takes n²·R/M operations of distances; a search over all orders is out of
reach, and the result is a local optimum. It never keeps less than the order that was there.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

_ROUNDS = 4
_EXCHANGES = 200  # of pairs at once, for one place
_ROUNDING = 1e-6  # of the largest distance


@dataclass(frozen=True)
class Found:
    """An order, and what a pattern keeps of all scores in it."""

    order: Tensor  # int64 (channels,): position i gets the channel at order[i]
    before: float  # the sum of the kept scores in the order that was there
    after: float


def best_order(scores: Tensor, kept: int, size: int) -> Found:
    """Return an order of the columns in which the `kept` highest of each `size` have a high sum.

    `scores`: (rows, channels), not negative; `size` divides the channels.
    """
    there = torch.arange(scores.shape[1], device=scores.device)
    before = kept_sum(scores, kept, size)
    dealt = _dealt(scores, size)
    order = dealt if kept_sum(scores[:, dealt], kept, size) > before else there
    for _ in range(_ROUNDS):
        last = order
        for place in range(size):
            order = _exchanged(scores, order, place, kept, size)
        if torch.equal(order, last):
            break
    order = _tidy(order, size)
    after = kept_sum(scores[:, order], kept, size)
    return Found(order, before, after) if after > before else Found(there, before, before)


def kept_sum(scores: Tensor, kept: int, size: int) -> float:
    """Return the sum of the `kept` highest scores of each `size` consecutive ones of a row."""
    groups = scores.reshape(len(scores), -1, size)
    return float(groups.topk(kept, dim=2, sorted=False).values.sum(dtype=torch.float64))


def _dealt(scores: Tensor, size: int) -> Tensor:
    ranked = scores.sum(0, dtype=torch.float64).argsort(descending=True, stable=True)
    return ranked.view(size, -1).T.flatten()


def _exchanged(scores: Tensor, order: Tensor, place: int, kept: int, size: int) -> Tensor:
    """Return the order after exchanges between the channels at one place of all groups."""
    groups = order.view(-1, size)
    others = torch.cat([groups[:, :place], groups[:, place + 1 :]], dim=1)
    lowest_kept = scores[:, others].topk(kept, dim=2).values[..., -1]  # (rows, groups)
    given_up = groups[:, place]
    distances = torch.cdist(lowest_kept.T.contiguous(), scores[:, given_up].T.contiguous(), p=1)
    groups = groups.clone()
    groups[:, place] = given_up[_assigned(distances)]
    return groups.flatten()


def _assigned(worth: Tensor) -> Tensor:
    """Exchange what groups have until no exchange of two raises the sum of worths. Return who has what.

    `worth`: (groups, groups), of a channel (column) to a group (row); each group begins with its own number.
    """
    numbers = torch.arange(len(worth), device=worth.device)
    has, least = numbers, _ROUNDING * float(worth.amax())
    for _ in range(_EXCHANGES):
        to_each = worth[:, has]  # of what another group has
        own = to_each.diagonal()
        # Symmetric to the last bit, so that of equal gains both partners take the same.
        gain, partner = ((to_each + to_each.T) - (own[:, None] + own)).max(dim=1)
        agreed = (gain > least) & (partner[partner] == numbers)
        if not agreed.any():
            break
        has = torch.where(agreed, has[partner], has)
    return has


def _tidy(order: Tensor, size: int) -> Tensor:
    """Return the same groups with ascending channels, sorted by their first: fewer channels move."""
    groups = order.view(-1, size).sort(dim=1).values
    return groups[groups[:, 0].argsort()].flatten()

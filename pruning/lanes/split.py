"""A gradient pass whose lanes several workers compute, folded by the one that owns the run.

Each lane is computed by itself, by this run or by another, and leaves its sums as shards. This run adds them
up in the order of the lanes, some at a time, makes that durable and lets the shards go. So the norms have the
bits of one pass over all lanes, whoever computed which lane and how often; and at any moment only a few lanes
take room.
"""

from collections.abc import Sequence

from torch import Tensor

from pruning.estimate.lanes import FOLDED_AT_ONCE
from pruning.gradients.gradient_pass import GradientPass, Step
from pruning.gradients.shards import BlockShards
from pruning.gradients.window_norms import GradientNorms, fold, norm_of_sums
from pruning.lanes.share import LaneShare, of_first, of_lane
from pruning.recipe import GradientNorm
from pruning.resume.store import ResumeStore
from pruning.resume.writer import BlockWriter, DirectWriter, writer_for


class SplitPass:
    """Runs a gradient pass with others that help."""

    def __init__(self, gradient_pass: GradientPass, share: LaneShare, resume_store: ResumeStore) -> None:
        self._pass = gradient_pass
        self._share = share
        self._store = resume_store
        blocks = enumerate(gradient_pass.stack.blocks)
        self._blocks = [(index, block) for index, block in blocks if block.layers]

    def standing(self) -> tuple[bool, bool]:
        """Return whether the store has norms of some blocks, and whether of all."""
        norms = self._shards(self._store)
        return any(norms.files.values()), self._is_complete(norms)

    def run(self, step: Step) -> GradientNorms:
        """Return the norms, read from their shards on access.

        A pass that runs out of memory starts again with a smaller micro-batch, and all lanes with it. Raises
        what `GradientPass.run` raises.
        """
        return self._pass.retried(lambda: self._try(step), self._store)

    def _try(self, step: Step) -> GradientNorms:
        lanes, key = self._pass.lanes, self._pass.numerics_key
        norms = self._shards(self._store)
        if not self._is_complete(norms):
            folded = self._share.open(key, lanes)
            while folded < lanes:
                folded = self._advance(folded, step)
            norms = self._shards(self._store)
        self._share.close(lanes)
        return norms.norms_of(self._pass.stack)

    def _advance(self, folded: int, step: Step) -> int:
        """Fold the next lanes if they are there; else compute one, or wait. Return how many are folded."""
        lanes, finished = self._pass.lanes, self._share.finished()
        ready = folded
        while ready in finished:
            ready += 1
        self._tell(step, len(finished), 0.0)
        if ready == lanes or ready - folded >= FOLDED_AT_ONCE:
            return self._fold(folded, ready)
        lane = self._share.take()
        if lane is None:
            self._share.wait()
            return folded
        done = len(finished)
        with writer_for(self._pass.device) as writer:
            section = of_lane(self._store, lane)
            shards = self._shards(section, f"lane-{lane:02}-", writer)
            self._pass.run_lane(lane, lambda at, steps: self._tell(step, done, at / steps), shards, section)
        self._share.finish(lane)
        return folded

    def _fold(self, folded: int, ready: int) -> int:
        """Add the sums of the lanes from `folded` to `ready` to those before. Return how many are folded."""
        stack, lanes = self._pass.stack, self._pass.lanes
        before = [self._shards(of_first(self._store, folded, lanes))] if folded else []
        if not all(map(self._is_complete, before)):
            self._share.again(range(ready))
            return 0
        own = {lane: self._shards(of_lane(self._store, lane)) for lane in range(folded, ready)}
        if damaged := [lane for lane, shards in own.items() if not self._is_complete(shards)]:
            self._share.again(damaged)
            return folded
        parts = [*before, *own.values()]
        self._write_total([part.norms_of(stack) for part in parts], ready)
        for part in parts:
            part.unlink()
        if ready < lanes:
            self._share.folded(ready, lanes)
        return ready

    def _write_total(self, parts: Sequence[GradientNorms], ready: int) -> None:
        """Write the sums of the first `ready` lanes block by block; of all lanes, their norms."""
        lanes = self._pass.lanes
        if ready == lanes:
            into = self._shards(self._store)
        else:
            into = self._shards(of_first(self._store, ready, lanes), f"first-{ready:02}-")
        for index, block in self._blocks:
            if index not in into:
                names = [layer.name for layer in block.layers]
                into.put(
                    index,
                    {
                        norm: {
                            name: self._total([part[norm][name] for part in parts], norm, name, ready)
                            for name in names
                        }
                        for norm in self._pass.norms
                    },
                )
        into.drain()

    def _total(self, sums: Sequence[Tensor], norm: GradientNorm, layer: str, ready: int) -> Tensor:
        total, *others = sums
        for other in others:
            fold(total, other)
        if ready < self._pass.lanes:
            return total
        # Where one process alone finishes: the root and the quotient of a CPU have other bits than a GPU's.
        return norm_of_sums(total.to(self._pass.device), norm, self._pass.loss_scale, layer)

    def _shards(self, store: ResumeStore, name: str = "", writer: BlockWriter | None = None) -> BlockShards:
        return BlockShards(store, self._pass.numerics_key, self._pass.norms, writer or DirectWriter(), name)

    def _is_complete(self, shards: BlockShards) -> bool:
        return all(index in shards for index, _ in self._blocks)

    def _tell(self, step: Step, finished: int, of_next: float) -> None:
        """Report steps of the whole pass; those of others are seen once their lane is finished."""
        steps = self._pass.steps
        step(int(steps * min(1.0, (finished + of_next) / self._pass.lanes)), steps)

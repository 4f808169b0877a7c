"""Whether it pays to let several workers compute the lanes of a job's gradients."""

from dataclasses import dataclass

LANES = 16
FOLDED_AT_ONCE = 4
"""Sums of so many lanes are added up together: each time the result is written, and read by the next time."""

ASSUMED_BYTES_PER_SECOND = 1.25e9
"""What a worker reads from the store and writes to it in a second, at 10 Gbit/s."""


@dataclass(frozen=True, slots=True)
class Split:
    """The gradients of a job on one worker, and on several."""

    workers: int
    alone_seconds: float
    split_seconds: float
    moved_bytes: int
    bytes_per_second: float

    @property
    def pays(self) -> bool:
        """Whether several workers are sooner done than one."""
        return self.workers > 1 and self.split_seconds < self.alone_seconds


def split(
    alone_seconds: float,
    *,
    norm_bytes: int,
    start_seconds: float,
    workers: int,
    bytes_per_second: float = ASSUMED_BYTES_PER_SECOND,
) -> Split:
    """Compare one worker with `workers` of them, of which one owns the job.

    Parameters
    ----------
    alone_seconds
        What the whole pass takes on one worker.
    norm_bytes
        The size of a lane's sums. Each lane's are sent by the worker that computes it; the owner reads those
        of the others, and after every few lanes writes what they add up to, and reads it again.
    start_seconds
        What a worker that helps takes to read and verify the model.
    workers
        With the owner.
    bytes_per_second
        What a worker can send to the store, or read from it.
    """
    workers = min(workers, LANES)
    turns = -(-LANES // workers)
    others = LANES - LANES // workers
    folds = 2 * (LANES // FOLDED_AT_ONCE - 1)
    moved = norm_bytes * (turns + others + folds)
    computing = alone_seconds * turns / LANES + (start_seconds if workers > 1 else 0.0)
    return Split(workers, alone_seconds, computing + moved / bytes_per_second, moved, bytes_per_second)


def in_words(found: Split, *, is_split: bool) -> str:
    """Say how the gradients are computed, and why."""
    rate = f"{found.bytes_per_second * 8 / 1e9:g} Gbit/s"
    if found.workers < 2:
        return (
            f"the gradients' {LANES} lanes are opened to workers of the class that become idle"
            if is_split
            else f"the gradients' {LANES} lanes stay on one worker: no other of the class is idle"
        )
    told = (
        f"about {found.split_seconds:.0f} s on {found.workers} workers at {rate}, "
        f"{found.alone_seconds:.0f} s on one"
    )
    if is_split:
        return f"the gradients are split over up to {found.workers} workers: {told}"
    return f"the gradients' {LANES} lanes stay on one worker: {told}"

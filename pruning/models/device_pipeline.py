"""How several devices share a model's blocks, and the order in which they work on micro-batches."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Task(NamedTuple):
    """One pass of one micro-batch through one stage: a device with its consecutive blocks."""

    stage: int
    micro_batch: int
    is_forward: bool


def partition_contiguous(sizes: Sequence[int], count: int, *, first: int = 0) -> list[int]:
    """Return the stage number of each block: at most `count` stages, the largest as small as possible.

    `sizes`: of the blocks, in order; stages are contiguous. `first`: what the first stage holds in addition
    to its blocks. A stage may be empty.
    """
    if not sizes:
        return []
    smallest, enough = max(first, *sizes), first + sum(sizes)
    while smallest < enough:
        middle = (smallest + enough) // 2
        if _assign_greedily(sizes, middle, first)[-1] < count:
            enough = middle
        else:
            smallest = middle + 1
    return _assign_greedily(sizes, smallest, first)


def _assign_greedily(sizes: Sequence[int], limit: int, first: int) -> list[int]:
    """Fill one stage after the other with as many blocks as fit into `limit`."""
    stages, stage, held = [], 0, first
    for size in sizes:
        if held + size > limit:
            stage, held = stage + 1, 0
        held += size
        stages.append(stage)
    return stages


def one_forward_one_backward(stages: int, micro_batches: int) -> Iterator[Task]:
    """Yield the tasks of all stages in an order in which they can be queued: each after what it needs.

    A stage takes forward passes until as many micro-batches are in flight in it as there are stages from it
    to the last; then a backward and a forward pass in turn (Narayanan et al., arXiv 2104.04473, figure 4).
    So every stage has work at any time but at the beginning and the end, the first one holds the activations
    of as many micro-batches as there are stages, and each takes all passes in the order of the micro-batches.
    Tasks of different stages that follow one another may run at the same time.
    """
    waiting = [deque(_tasks_of(stage, stages, micro_batches)) for stage in range(stages)]
    queued: set[Task] = set()
    while any(waiting):
        ready = [tasks[0] for tasks in waiting if tasks and _needed_by(tasks[0], stages) <= queued]
        for task in ready:
            waiting[task.stage].popleft()
            yield task
        queued.update(ready)


def _tasks_of(stage: int, stages: int, micro_batches: int) -> Iterator[Task]:
    """Yield the tasks of one stage, in the order in which it takes them."""
    ahead = min(stages - stage, micro_batches)
    yield from (Task(stage, number, is_forward=True) for number in range(ahead))
    for number in range(micro_batches):
        yield Task(stage, number, is_forward=False)
        if number + ahead < micro_batches:
            yield Task(stage, number + ahead, is_forward=True)


def _needed_by(task: Task, stages: int) -> set[Task]:
    """Return the task of another stage that a task continues from, if there is one."""
    neighbour = task.stage - 1 if task.is_forward else task.stage + 1
    return {task._replace(stage=neighbour)} if 0 <= neighbour < stages else set()

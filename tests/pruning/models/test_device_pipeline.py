"""How devices share blocks, against all possible cuts; the order of a pipeline's tasks, by their times."""

from collections import defaultdict
from itertools import combinations_with_replacement, pairwise, product

import pytest

from pruning.calibration.whole_gradients import Task, one_forward_one_backward
from pruning.models.partition import partition_contiguous


def largest(sizes: tuple[int, ...], runs: list[int], first: int) -> int:
    loads = defaultdict(int, {0: first})
    for size, run in zip(sizes, runs, strict=True):
        loads[run] += size
    return max(loads.values())


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("first", [0, 2, 9])
def test_no_cut_into_runs_has_a_smaller_largest_run(count: int, first: int) -> None:
    for sizes in product([1, 2, 5], repeat=4):
        runs = partition_contiguous(sizes, count, first=first)
        assert all(one <= other for one, other in pairwise([0, *runs, count - 1]))
        others = combinations_with_replacement(range(count), len(sizes))
        assert largest(sizes, runs, first) == min(largest(sizes, list(other), first) for other in others)


def test_equal_blocks_are_shared_evenly() -> None:
    assert partition_contiguous([7] * 8, 4) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert partition_contiguous([7] * 2, 4) == [0, 1]
    assert partition_contiguous([], 4, first=3) == []


SHAPES = [(1, 1), (1, 4), (2, 1), (2, 7), (3, 2), (4, 32)]


@pytest.mark.parametrize(("stages", "micro_batches"), SHAPES)
def test_each_task_comes_once_and_after_what_it_needs(stages: int, micro_batches: int) -> None:
    tasks = list(one_forward_one_backward(stages, micro_batches))
    place = {task: number for number, task in enumerate(tasks)}
    assert len(place) == len(tasks) == 2 * stages * micro_batches
    for stage, number in product(range(stages), range(micro_batches)):
        forward, backward = Task(stage, number, is_forward=True), Task(stage, number, is_forward=False)
        assert place[forward] < place[backward]
        if stage:
            assert place[forward._replace(stage=stage - 1)] < place[forward]
            assert place[backward] < place[backward._replace(stage=stage - 1)]


@pytest.mark.parametrize(("stages", "micro_batches"), SHAPES)
def test_each_stage_takes_the_micro_batches_in_order_and_holds_few_of_them(
    stages: int, micro_batches: int
) -> None:
    for stage in range(stages):
        own = [task for task in one_forward_one_backward(stages, micro_batches) if task.stage == stage]
        for is_forward in (True, False):
            numbers = [task.micro_batch for task in own if task.is_forward == is_forward]
            assert numbers == list(range(micro_batches))
        held = most = 0
        for task in own:
            held += 1 if task.is_forward else -1
            most = max(most, held)
        assert most == min(stages - stage, micro_batches)


@pytest.mark.parametrize(("stages", "micro_batches"), SHAPES)
def test_stages_wait_only_at_the_beginning_and_at_the_end(stages: int, micro_batches: int) -> None:
    """Each stage works through its queue, as a device does; a backward pass takes twice as long."""
    ends: dict[Task, int] = {}
    free = [0] * stages
    for task in one_forward_one_backward(stages, micro_batches):
        neighbour = task._replace(stage=task.stage - 1 if task.is_forward else task.stage + 1)
        start = max(free[task.stage], ends.get(neighbour, 0))
        free[task.stage] = ends[task] = start + (1 if task.is_forward else 2)
    assert max(free) == 3 * (micro_batches + stages - 1)


def test_one_stage_ends_each_micro_batch_before_the_next() -> None:
    tasks = [(number, is_forward) for _, number, is_forward in one_forward_one_backward(1, 3)]
    assert tasks == [(number, is_forward) for number in range(3) for is_forward in (True, False)]

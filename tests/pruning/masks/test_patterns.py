from collections.abc import Callable

import pytest
import torch

from pruning.masks.patterns import (
    ComparisonGroup,
    LayerTarget,
    fits,
    lowest_of_each_group,
    lowest_of_each_row,
    lowest_of_row_totals,
    select,
    up_to_threshold,
)
from tests.pruning.naive import mask_of
from tests.pruning.pretended_cuda import CUDA, pretended_cuda

GENERATOR = torch.Generator().manual_seed(0)
WITHOUT_TIES = torch.rand(7, 48, generator=GENERATOR, dtype=torch.float64)
WITH_TIES = torch.randint(0, 4, (7, 48), generator=GENERATOR).double()


@pytest.mark.parametrize("scores", [WITHOUT_TIES, WITH_TIES], ids=["without ties", "with ties"])
@pytest.mark.parametrize("sparsity", [0.01, 0.29, 0.5, 0.7, 0.999])
def test_rows_lose_the_head_of_a_stable_sort(scores: torch.Tensor, sparsity: float) -> None:
    expected = mask_of(scores, "unstructured", sparsity, whole_matrix=False)
    assert torch.equal(lowest_of_each_row(scores, sparsity), expected)


@pytest.mark.parametrize("scores", [WITHOUT_TIES, WITH_TIES], ids=["without ties", "with ties"])
@pytest.mark.parametrize("pattern", ["2:4", "4:8", "1:2", "3:4", "1:16", "15:16", "5:24"])
def test_groups_keep_the_highest_and_lose_the_lowest_index_of_ties(
    scores: torch.Tensor, pattern: str
) -> None:
    kept, size = map(int, pattern.split(":"))
    expected = mask_of(scores, pattern, 1 - kept / size, whole_matrix=False)
    mask = lowest_of_each_group(scores, kept, size)
    assert torch.equal(mask, expected)
    assert (mask.unflatten(1, (-1, size)).sum(-1) == size - kept).all()


@pytest.mark.parametrize("scores", [WITHOUT_TIES, WITH_TIES], ids=["without ties", "with ties"])
@pytest.mark.parametrize("sparsity", [0.01, 0.5, 0.999])
def test_a_matrix_loses_everything_up_to_its_threshold(scores: torch.Tensor, sparsity: float) -> None:
    expected = mask_of(scores, "unstructured", sparsity, whole_matrix=True)
    assert torch.equal(up_to_threshold(scores, sparsity), expected)


@pytest.mark.parametrize("threads", [1, 2, 5, 9])
def test_threads_share_the_rows_of_any_shape(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    for scores in (WITHOUT_TIES, WITHOUT_TIES[:1], WITH_TIES):
        for by_matrix, found in ((False, lowest_of_each_row), (True, up_to_threshold)):
            expected = mask_of(scores, "unstructured", 0.5, whole_matrix=by_matrix)
            assert torch.equal(found(scores, 0.5), expected)


def test_the_count_is_a_product_of_python_floats() -> None:
    # 100 × 0.29 is 28.999999999999996 in floating point, and the reference takes its integer part.
    assert lowest_of_each_row(torch.rand(2, 100), 0.29).sum(dim=1).tolist() == [28, 28]


def test_a_row_too_short_for_the_share_loses_nothing() -> None:
    assert not lowest_of_each_row(torch.rand(3, 4), 0.2).any()


@pytest.mark.parametrize("scores", [WITHOUT_TIES, WITH_TIES], ids=["without ties", "with ties"])
@pytest.mark.parametrize("rows", [1, 7, 16, 84])
def test_masks_are_the_same_on_a_device_other_than_a_cpu(
    scores: torch.Tensor, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = scores.reshape(rows, -1) if rows < 84 else scores.repeat(12, 1)
    targets = [LayerTarget("unstructured", 0.3, zeros=zeros) for zeros in (1, 100, scores.numel() - 1, None)]
    groups: tuple[ComparisonGroup, ...] = ("row", "matrix")
    cases = [(target, group) for target in targets for group in groups]
    expected = [select(scores, *case) for case in cases]
    with pretended_cuda(monkeypatch):
        found = [select(scores.to(CUDA), *case).cpu() for case in cases]
    for case, mask, other in zip(cases, expected, found, strict=True):
        assert torch.equal(other, mask), case


@pytest.mark.parametrize(
    ("group", "expected"), [("row", lowest_of_each_row), ("matrix", up_to_threshold)], ids=["row", "matrix"]
)
def test_without_a_count_the_group_decides_how_the_share_is_rounded(
    group: ComparisonGroup, expected: Callable[[torch.Tensor, float], torch.Tensor]
) -> None:
    mask = select(WITHOUT_TIES, LayerTarget("unstructured", 0.3), group)
    assert torch.equal(mask, expected(WITHOUT_TIES, 0.3))
    assert mask.sum() == {"row": 7 * 14, "matrix": 101}[group]


def test_of_equal_rows_the_first_lose_one_weight_more() -> None:
    mask = select(torch.ones(3000, 2), LayerTarget("unstructured", 0.2, zeros=1000), "row")
    assert mask[:, 0].nonzero().flatten().tolist() == list(range(1000))


def test_an_nm_pattern_holds_for_methods_that_compare_whole_matrices_too() -> None:
    mask = select(WITHOUT_TIES, LayerTarget("2:4", 0.5), "matrix")
    assert torch.equal(mask, lowest_of_each_group(WITHOUT_TIES, 2, 4))


@pytest.mark.parametrize(("pattern", "inputs", "expected"), [
    ("unstructured", 7, True), ("2:4", 8, True), ("2:4", 6, False), ("4:8", 12, False),
])  # fmt: skip
def test_a_pattern_fits_where_its_group_divides_the_inputs(pattern: str, inputs: int, expected: bool) -> None:
    assert fits(pattern, inputs) is expected


@pytest.mark.parametrize("scores", [WITHOUT_TIES, WITH_TIES], ids=["without ties", "with ties"])
@pytest.mark.parametrize("zeros", [0, 1, 7, 100, 335, 336])
@pytest.mark.parametrize("group", ["row", "matrix"])
def test_a_count_is_met_to_the_last_weight(scores: torch.Tensor, zeros: int, group: ComparisonGroup) -> None:
    mask = select(scores, LayerTarget("unstructured", zeros / 336, zeros=zeros), group)
    assert mask.sum() == zeros
    if group == "matrix":
        assert scores[mask].amax() <= scores[~mask].amin() if 0 < zeros < 336 else True
    else:
        assert set(mask.sum(dim=1).tolist()) <= {zeros // 7, zeros // 7 + 1}


def test_the_weights_that_the_rows_do_not_divide_are_the_next_lowest() -> None:
    scores = torch.tensor([[1.0, 9.0, 8.0], [2.0, 3.0, 7.0]])
    mask = select(scores, LayerTarget("unstructured", 0.5, zeros=3), "row")
    assert mask.tolist() == [[True, False, False], [True, True, False]]


def by_loops(scores: torch.Tensor, sparsity: float) -> torch.Tensor:
    """The reference's bisection, row by row."""

    def masked(part: float) -> torch.Tensor:
        mask = torch.zeros(scores.shape, dtype=torch.bool)
        for i, row in enumerate(scores.tolist()):
            total, last = 0.0, None
            for value in sorted(row):
                total += value
                if total > sum(row) * part:
                    break
                last = value
            if last is not None:
                mask[i] = torch.tensor([value <= last for value in row])
        return mask

    part, low, high = 0.4, 0.0, 0.8
    mask = masked(part)
    while abs(mask.double().mean().item() - sparsity) > 0.001 and high - low >= 0.001:
        if mask.double().mean().item() > sparsity:
            part, high = (part + low) / 2, part
        else:
            part, low = (part + high) / 2, part
        mask = masked(part)
    return mask


@pytest.mark.parametrize("sparsity", [step / 20 for step in range(1, 18)])
def test_rows_lose_an_equal_part_of_their_total(sparsity: float) -> None:
    scores = torch.rand(9, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) ** 3
    assert torch.equal(lowest_of_row_totals(scores, sparsity), by_loops(scores, sparsity))


def test_the_search_ends_where_no_part_has_the_share() -> None:
    scores = torch.ones(2, 2, dtype=torch.float64)
    mask = lowest_of_row_totals(scores, 0.5)
    assert torch.equal(mask, by_loops(scores, 0.5))
    assert int(mask.sum()) in {0, 4}


def test_a_row_whose_lowest_score_is_more_than_its_part_loses_nothing() -> None:
    scores = torch.tensor([[1.0, 1.0], [0.1, 5.0]])
    mask = lowest_of_row_totals(scores, 0.25)
    assert mask.tolist() == [[False, False], [True, False]]


def test_the_search_ends_for_a_matrix_of_zeros() -> None:
    assert lowest_of_row_totals(torch.zeros(2, 4), 0.5).all()

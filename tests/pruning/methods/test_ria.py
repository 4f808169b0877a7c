import torch

from pruning.methods.scores import ria_scores


def test_a_weight_is_scored_by_its_share_of_row_and_column() -> None:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(5, 7, dtype=torch.float64, generator=generator)
    norms = torch.rand(7, dtype=torch.float64, generator=generator)
    scores = ria_scores(weight, norms)
    for i in range(5):
        for j in range(7):
            size = abs(float(weight[i, j]))
            column = sum(abs(float(weight[k, j])) for k in range(5))
            row = sum(abs(float(weight[i, k])) for k in range(7))
            assert abs(float(scores[i, j]) - (size / column + size / row) * float(norms[j]) ** 0.5) < 1e-12


def test_a_row_and_a_column_of_zeros_score_zero() -> None:
    weight = torch.tensor([[0.0, 0.0, 0.0], [0.0, 1.0, 2.0]])
    scores = ria_scores(weight, torch.ones(3))
    assert torch.isfinite(scores).all()
    assert (scores[0] == 0).all()
    assert scores[1, 0] == 0

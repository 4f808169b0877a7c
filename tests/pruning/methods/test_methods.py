from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from pruning.calibration.activation_statistics import InputStatistics
from pruning.masks.patterns import LayerTarget
from pruning.methods import LayerStats, Method, method_for
from pruning.methods.scores import gblm_scores, inverse_gblm_scores, inverse_gradient_scores
from pruning.models.blocks import find_stack
from pruning.recipe import METHODS
from tests.pruning.families import make

WEIGHT = torch.tensor([[1.0, -2.0], [0.0, 3.0]])
INPUTS = torch.tensor([10.0, 0.5])
GRADIENTS = torch.tensor([[0.01, 0.02], [0.5, 0.0]])


def test_scoring_leaves_the_gradient_norms_as_they_are() -> None:
    before = GRADIENTS.clone()
    gblm_scores(WEIGHT, INPUTS, GRADIENTS, alpha=100)
    assert torch.equal(GRADIENTS, before)


def test_inverse_scores_divide_by_the_gradients() -> None:
    found = inverse_gradient_scores(WEIGHT, GRADIENTS)
    torch.testing.assert_close(found, torch.tensor([[1 / 1, 2 / 2], [0, 3 / 1e-8]]))
    found = inverse_gblm_scores(WEIGHT, INPUTS, GRADIENTS, alpha=10)
    torch.testing.assert_close(found, torch.tensor([[10 / 0.1, 1 / 0.2], [0, 1.5 / 1e-8]]))


class CountedReads(Mapping[str, Tensor]):
    """Norms that are read on each access, as those in shards are."""

    def __init__(self, norm: Tensor) -> None:
        self.reads = Counter[str]()
        self._norm = norm

    def __getitem__(self, layer: str) -> Tensor:
        self.reads[layer] += 1
        return self._norm.clone()

    def __iter__(self) -> Iterator[str]:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError


@pytest.mark.parametrize("reached", [True, False])
def test_the_norms_of_a_layer_are_read_once(reached: bool) -> None:
    layer = find_stack(make("llama")).blocks[0].layers[0]
    norms = CountedReads(torch.full((layer.outputs, layer.inputs), float(reached)))
    other = CountedReads(torch.zeros(layer.outputs, layer.inputs))
    stats = LayerStats(layer, InputStatistics((layer,), ()), {"l1": norms, "l2": other})
    method: Method[Any] = method_for(METHODS["gradient"](norm="l1"))
    assert stats.has_no_signal(method.options.needs) is not reached
    mask = method.prune(stats, LayerTarget("unstructured", 0.5)).mask
    assert int(mask.sum()) == mask.numel() // 2
    assert norms.reads == {layer.name: 1}
    assert other.reads == ({} if reached else {layer.name: 1})

import pytest
import torch

from pruning.methods import Method, method_for
from pruning.methods.gblm import gblm_scores
from pruning.methods.gradient import gradient_scores
from pruning.methods.magnitude import magnitude_scores
from pruning.methods.wanda import wanda_scores
from pruning.recipe import METHODS, MethodOptions

WEIGHT = torch.tensor([[1.0, -2.0], [0.0, 3.0]])
INPUTS = torch.tensor([10.0, 0.5])
GRADIENTS = torch.tensor([[0.01, 0.02], [0.5, 0.0]])


@pytest.mark.parametrize("options", METHODS.values(), ids=METHODS.keys())
def test_every_method_has_its_implementation(options: type[MethodOptions]) -> None:
    method = method_for(options())
    assert isinstance(method, Method)
    assert method.options == options()


def test_magnitude_is_the_size_of_the_weight() -> None:
    assert torch.equal(magnitude_scores(WEIGHT), torch.tensor([[1.0, 2.0], [0.0, 3.0]]))


def test_wanda_weighs_each_column_by_its_input() -> None:
    assert torch.equal(wanda_scores(WEIGHT, INPUTS), torch.tensor([[10.0, 1.0], [0.0, 1.5]]))


def test_gradient_weighs_each_weight_by_its_own_gradient() -> None:
    assert torch.allclose(gradient_scores(WEIGHT, GRADIENTS), torch.tensor([[0.01, 0.04], [0.0, 0.0]]))


def test_gblm_adds_the_two() -> None:
    scores = gblm_scores(WEIGHT, INPUTS, GRADIENTS, alpha=100)
    assert torch.allclose(scores, torch.tensor([[11.0, 5.0], [0.0, 1.5]]))


def test_gblm_without_its_gradient_term_is_wanda() -> None:
    assert torch.equal(gblm_scores(WEIGHT, INPUTS, GRADIENTS, alpha=0), wanda_scores(WEIGHT, INPUTS))


def test_scoring_leaves_the_gradient_norms_as_they_are() -> None:
    before = GRADIENTS.clone()
    gblm_scores(WEIGHT, INPUTS, GRADIENTS, alpha=100)
    assert torch.equal(GRADIENTS, before)

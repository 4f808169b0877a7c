"""All experts of a block in two steps, against two steps for each expert."""

from collections.abc import Iterator, Sequence

import pytest
import torch
from torch import Tensor

from pruning.calibration.activation_walk import BlockwiseForward, PairedForward
from pruning.methods.prune_blocks import prune
from pruning.models import hooks
from pruning.models.layers import ExpertLayer, LinearLayer
from pruning.recipe import PRESETS, Recipe
from tests.pruning.families import five_windows, make
from tests.pruning.pruned import ignore_steps

RECIPE = {"model": "/any", "sparsity": 0.5, **PRESETS["best"].options}  # without its allocation


def one_expert_at_a_time(groups: Sequence[Sequence[LinearLayer]]) -> Iterator[list[LinearLayer]]:
    """Yield other groups as they are, and in the place of the experts' two groups two of each expert."""
    experts = [layer for group in groups for layer in group if isinstance(layer, ExpertLayer)]
    for group in groups:
        if not isinstance(group[0], ExpertLayer):
            yield list(group)
        elif group[0] is experts[0]:
            for number in range(experts[0].module.num_experts):
                own = [layer for layer in experts if layer.expert == number]
                yield [layer for layer in own if not layer.name.endswith("down_proj")]
                yield [layer for layer in own if layer.name.endswith("down_proj")]


@pytest.mark.parametrize("family", ["mixtral", "qwen2_moe", "gpt_oss"])
def test_experts_that_are_measured_together_are_pruned_as_one_by_one(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe.model_validate(RECIPE)
    together, one_by_one, steps = make(family), make(family), list[int]()
    prune(together, recipe, five_windows(), {}, step=ignore_steps)
    of_block = BlockwiseForward.input_groups

    def regrouped(self: BlockwiseForward, index: int) -> list[list[LinearLayer]]:
        groups = list(one_expert_at_a_time(of_block(self, index)))
        steps.append(len(groups) - len(of_block(self, index)))
        return groups

    monkeypatch.setattr(BlockwiseForward, "input_groups", regrouped)
    prune(one_by_one, recipe, five_windows(), {}, step=ignore_steps)
    assert steps == [2 * 4 - 2] * 3
    expected = one_by_one.state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in together.state_dict().items())


def test_the_products_of_experts_grow_with_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []
    of_expert = hooks.expert_product

    def counted(layer: ExpertLayer, inputs: Tensor) -> Tensor:
        counts[-1] += 1
        return of_expert(layer, inputs)

    monkeypatch.setattr(hooks, "expert_product", counted)
    for experts in (4, 8, 16):
        counts.append(0)
        model = make("mixtral", num_local_experts=experts, num_hidden_layers=1)
        prune(model, Recipe.model_validate(RECIPE), five_windows(), {}, step=ignore_steps)
    # Four passes: to find the residual's last layer, to find the groups, and to measure either group, which
    # end at the second matrix of the last expert, and at its last.
    assert counts == [4 * 3 * experts - 2 - 1 for experts in (4, 8, 16)]


def test_the_dense_block_does_not_run_where_nothing_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[str] = []
    begin = PairedForward.begin_block

    def watched(self: PairedForward, index: int) -> None:
        begin(self, index)
        self._dense_block.register_forward_pre_hook(lambda *_: passes.append("dense"))

    monkeypatch.setattr(PairedForward, "begin_block", watched)
    model = make("mixtral", num_hidden_layers=1)
    prune(model, Recipe.model_validate(RECIPE), five_windows(), {}, step=ignore_steps)
    assert len(passes) == 2  # for queries, keys and values, and for the output projection


def test_a_fused_parameter_gets_one_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[torch.Size] = []
    zeros_like = torch.zeros_like

    def watched(tensor: Tensor, *, dtype: torch.dtype | None = None) -> Tensor:
        if tensor.ndim == 3 and dtype == torch.bool:
            made.append(tensor.shape)
        return zeros_like(tensor, dtype=dtype)

    monkeypatch.setattr(torch, "zeros_like", watched)
    model = make("mixtral", num_hidden_layers=1)
    prune(model, Recipe.model_validate({**RECIPE, "refit": None}), five_windows(), {}, step=ignore_steps)
    assert made == [(4, 128, 32), (4, 32, 64)]

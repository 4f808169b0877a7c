import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from pruning.calibration.activation_statistics import InputStatistics
from pruning.calibration.activation_walk import BlockwiseForward
from pruning.errors import NumericalFailure
from pruning.methods.allocation import (
    block_sparsities,
    outlier_share,
    shares_up_to_common_threshold,
)
from pruning.methods.prune_blocks import Pruned, prune
from pruning.models.blocks import find_stack
from pruning.models.replay import Replay
from pruning.recipe import Recipe
from tests.pruning import naive
from tests.pruning.families import UNREACHED_EXPERTS, five_windows, make, with_unreached_experts
from tests.pruning.pruned import ignore_steps, pruned_by


def pruned(windows: Tensor, **fields: object) -> Pruned:
    return pruned_by(Recipe(model="/any", sparsity=0.53, **fields), make("llama"), windows)


@pytest.mark.parametrize("allocation", ["owl", "gradient", {"name": "gradient", "band": 0.9}])
@pytest.mark.parametrize("method", ["magnitude", "wanda", "gblm", "sparsegpt", "admm"])
def test_the_overall_sparsity_is_met_to_the_last_weight(method: str, allocation: object) -> None:
    result = pruned(five_windows(), method=method, allocation=allocation)
    weights = sum(layer.weights for layer in result.layers)
    assert sum(layer.zeros for layer in result.layers) == int(weights * 0.53)
    assert len({round(layer.sparsity, 3) for layer in result.layers}) > 1
    assert all(int(result.masks[f"{layer.name}.weight"].sum()) == layer.zeros for layer in result.layers)


def test_rows_of_a_layer_differ_by_at_most_one_weight() -> None:
    for mask in pruned(five_windows(), method="wanda", allocation="gradient").masks.values():
        counts = mask.sum(dim=1)
        assert counts.max() - counts.min() <= 1


def test_no_layer_leaves_the_band() -> None:
    result = pruned(five_windows(), method="wanda", allocation={"name": "gradient", "band": 0.1})
    assert max(abs(layer.sparsity - 0.53) for layer in result.layers) == pytest.approx(0.1, abs=2e-3)


def test_layers_with_lower_saliencies_lose_more() -> None:
    model = make("llama", torch.float64)
    norms = naive.gradient_norms(model, five_windows(), "l2")
    layers = [name for block in naive.layers_of(model, "model.layers") for name in block]
    saliencies = {name: (naive.matrix_of(model.get_submodule(name)) * norms[name]) ** 2 for name in layers}
    ordered = sorted(value for layer in saliencies.values() for value in layer.flatten().tolist())
    threshold = ordered[int(0.53 * len(ordered))]
    raw = {name: float((layer <= threshold).double().mean()) for name, layer in saliencies.items()}
    mean = sum(raw[name] * saliencies[name].numel() for name in layers) / len(ordered)
    furthest = max(abs(share - mean) for share in raw.values())

    result = pruned(five_windows(), method="wanda", allocation={"name": "gradient", "band": 0.2})
    for layer in result.layers:
        expected = 0.53 + 0.2 * (raw[layer.name] - mean) / furthest
        assert layer.sparsity == pytest.approx(expected, abs=2e-3), layer.name


@given(
    st.lists(
        st.none() | st.lists(st.floats(0, 2.0**99, width=32, allow_subnormal=False), min_size=1, max_size=20),
        min_size=1,
        max_size=4,
    ),
    st.floats(0, 0.99),
)
def test_the_common_threshold_is_that_of_sorting(layers: list[list[float] | None], share: float) -> None:
    ordered = sorted(value for layer in layers for value in layer or ())
    threshold = ordered[int(len(ordered) * share)] if ordered else 0
    expected = [layer and sum(value <= threshold for value in layer) / len(layer) for layer in layers]
    found = shares_up_to_common_threshold(
        lambda: (layer and torch.tensor(layer) for layer in layers), share=share
    )
    assert found == pytest.approx(expected)


def test_an_expert_without_tokens_has_the_sparsity_of_the_recipe() -> None:
    recipe = Recipe(model="/any", method="magnitude", sparsity=0.53, allocation="gradient")
    layers = pruned_by(recipe, with_unreached_experts(), five_windows()).layers
    unreached = [layer for layer in layers if layer.name.rpartition(".")[0] in UNREACHED_EXPERTS]
    assert len(unreached) == 3 * len(UNREACHED_EXPERTS)
    assert all(abs(layer.zeros - 0.53 * layer.weights) <= 1 for layer in unreached)
    reached = [layer.sparsity for layer in layers if layer not in unreached]
    assert max(abs(sparsity - 0.53) for sparsity in reached) == pytest.approx(0.25, abs=2e-3)  # the band
    assert sum(layer.zeros for layer in layers) == int(0.53 * sum(layer.weights for layer in layers))


@pytest.mark.parametrize("value", [math.nan, -math.nan, math.inf, -1.0], ids=str)
def test_gradients_that_are_no_norms_are_refused_by_layer(value: float) -> None:
    model = make("llama")
    recipe = Recipe(model="/any", method="magnitude", sparsity=0.5, allocation="gradient")
    norms = {layer.name: torch.ones(layer.outputs, layer.inputs) for layer in find_stack(model).layers}
    norms["model.layers.1.mlp.up_proj"][3, 2] = value
    with pytest.raises(NumericalFailure, match=r"layer model\.layers\.1\.mlp\.up_proj: its gradient norms"):
        prune(model, recipe, torch.ones(1, 8, dtype=torch.int64), {"l2": norms}, step=ignore_steps)


def test_owl_counts_the_outliers_of_a_block() -> None:
    scores = [torch.tensor([[1.0, 1.0], [1.0, 20.0]]), torch.tensor([[1.0, 30.0]])]
    assert outlier_share(scores, threshold=3) == pytest.approx(1 / 6)  # the mean is 9: only the 30


def test_owl_spreads_over_twice_its_band_and_spares_outliers() -> None:
    sparsities = block_sparsities([0.01, 0.05, 0.03], [10, 10, 10], sparsity=0.5, band=0.08)
    assert sparsities == pytest.approx([0.58, 0.42, 0.5])
    assert block_sparsities([0.02, 0.02], [10, 20], sparsity=0.5, band=0.08) == [0.5, 0.5]


def test_second_moments_are_the_mean_over_windows() -> None:
    model = make("llama", torch.float64)
    seen: list[Tensor] = []
    module = model.get_submodule("model.layers.0.self_attn.q_proj")
    hook = module.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    with torch.no_grad():
        model(input_ids=five_windows(), use_cache=False)
    hook.remove()
    expected = sum(window.T @ window for window in seen[0]) / len(five_windows())

    stack = find_stack(model)
    statistics = InputStatistics(stack.blocks[0].layers, {"second_moments"})
    BlockwiseForward(Replay(stack, five_windows()), five_windows().split(2)).measure(0, statistics)
    layer = next(layer for layer in stack.layers if layer.name.endswith("0.self_attn.v_proj"))
    torch.testing.assert_close(statistics.of(layer, "second_moments"), expected)

"""Each layer's share of a pruned model's loss, and the targets that are moved by it."""

import math

import pytest
import torch
import torch.nn.functional as F
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

from bench.by_loss import moved, shares_of_loss
from pruning.model.blocks import find_stack


def small_model() -> PreTrainedModel:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=50,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=True,
        initializer_range=0.2,
    )
    return LlamaForCausalLM(config).eval()


def test_a_share_is_half_of_the_slope_along_the_change_of_its_layer() -> None:
    dense, pruned = small_model(), small_model()
    generator = torch.Generator().manual_seed(1)
    windows = torch.randint(0, 50, (3, 16), generator=generator)
    weights = [layer.matrix for layer in find_stack(pruned).layers]
    with torch.no_grad():
        for weight in weights:
            weight[torch.rand(weight.shape, generator=generator) < 0.3] = 0

    shares, loss = shares_of_loss(dense, pruned, windows)

    layers, dense_layers = (list(find_stack(model).layers) for model in (pruned, dense))
    with torch.no_grad():
        wanted = dense(windows).logits[:, :-1].log_softmax(dim=-1)
    found = pruned.requires_grad_(True)(windows).logits[:, :-1].log_softmax(dim=-1)
    divergence = F.kl_div(found, wanted, log_target=True, reduction="sum") / (3 * 15)
    slopes = torch.autograd.grad(divergence, [layer.parameter for layer in layers])

    assert loss == pytest.approx(divergence.item(), rel=1e-5)
    for share, slope, layer, original in zip(shares, slopes, layers, dense_layers, strict=True):
        along = float((slope * (layer.matrix - original.matrix)).sum())
        assert share == pytest.approx(along / 2, rel=1e-4, abs=1e-7)


def test_zeros_move_to_where_one_more_costs_least_and_stay_as_many() -> None:
    sizes, zeros = [1000, 3000, 500], [500, 1500, 250]
    found = moved(zeros, sizes, [0.02, 0.03, 0.01])
    assert sum(found) == sum(zeros)
    costs = [
        share / size * math.exp(7 * (after - count) / size)
        for share, size, count, after in zip([0.02, 0.03, 0.01], sizes, zeros, found, strict=True)
    ]
    assert costs == pytest.approx([costs[0]] * 3, rel=0.02)
    assert found[1] > zeros[1]
    assert found[0] < zeros[0]


def test_a_share_below_zero_is_taken_as_a_tenth_of_the_usual_cost() -> None:
    sizes, zeros = [1000] * 3, [500] * 3
    assert moved(zeros, sizes, [-1.0, 0.01, 0.01]) == moved(zeros, sizes, [0.001, 0.01, 0.01])

"""Losses block by block and a few positions at a time, against the model's own forward pass at once."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import PreTrainedModel

from bench.workload.models import perplexity
from pruning.evaluation import token_losses as module
from pruning.evaluation.token_losses import losses_from, token_losses
from pruning.models import replay
from pruning.models.blocks import find_stack
from pruning.models.placement import Placement
from tests.pruning.families import EACH_FAMILY, VOCABULARY, make
from tests.pruning.pruned import ignore_steps

LENGTH = 24
NARROW = torch.bfloat16


@pytest.fixture
def windows() -> Tensor:
    return torch.randint(2, VOCABULARY, (11, LENGTH), generator=torch.Generator().manual_seed(3))


@pytest.fixture
def two_batches_in_a_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit groups to two batches of two windows; of five batches and an incomplete one, that makes three."""
    monkeypatch.setitem(module._GROUP_TOKENS, "cpu", 4 * LENGTH)


def losses_at_once(placement: Placement, batches: Sequence[Tensor]) -> list[Tensor]:
    """Compute the losses from the logits of whole batches, with the whole model in the compute dtype."""
    with placement.resident(placement.model), torch.no_grad():
        scores = [placement.model(input_ids=tokens, use_cache=False).logits.float() for tokens in batches]
    pairs = zip(scores, batches, strict=True)
    return [
        F.cross_entropy(rows[:, :-1].flatten(0, 1), tokens[:, 1:].flatten(), reduction="none").view(
            len(tokens), -1
        )
        for rows, tokens in pairs
    ]


def measured(placement: Placement, batches: Sequence[Tensor]) -> list[Tensor]:
    with torch.no_grad():
        return list(token_losses(placement, batches, lambda done: None))


@pytest.mark.usefixtures("two_batches_in_a_group")
@pytest.mark.parametrize("family", EACH_FAMILY)
def test_blocks_one_at_a_time_give_the_bits_of_the_whole_model(family: str, windows: Tensor) -> None:
    model, batches = make(family), windows.split(2)
    placement = Placement(model, dtype=NARROW)
    expected = losses_at_once(placement, batches)
    outside = measured(placement, batches)
    with placement.resident(model):
        inside = measured(placement, batches)
    for one, other, wanted in zip(outside, inside, expected, strict=True):
        assert torch.equal(one, wanted)
        assert torch.equal(other, wanted)


class Residents(Placement):
    """Remembers which blocks became resident, one after the other."""

    def __init__(self, model: PreTrainedModel, dtype: torch.dtype) -> None:
        super().__init__(model, dtype=dtype)
        self.copied: list[nn.Module] = []

    def resident(self, *modules: nn.Module, then: nn.Module | None = None) -> Any:
        self.copied += modules
        return super().resident(*modules, then=then)


@pytest.mark.usefixtures("two_batches_in_a_group")
def test_a_block_is_brought_once_for_each_group_of_batches(windows: Tensor) -> None:
    model, batches = make("llama"), windows.split(2)
    placement = Residents(model, NARROW)
    blocks = [block.module for block in find_stack(model).blocks]
    found = token_losses(placement, batches, lambda done: None)
    brought = []
    with torch.no_grad():
        for _ in batches:
            next(found)
            brought.append(len(placement.copied))
            assert placement.copied[-len(blocks) :] == blocks
            assert not placement.is_resident(*blocks[:1])
        found.close()
    first, *later = brought
    assert [count - first for count in later] == [0, 3, 3, 6, 6]


@pytest.mark.usefixtures("two_batches_in_a_group")
def test_a_limit_ends_a_measurement_in_groups_at_the_same_bound(
    windows: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pruning.evaluation.perplexity.EVALUATED_TOKENS", {"cpu": 2 * LENGTH})
    model = make("llama")
    placement = Placement(model, dtype=NARROW)
    results = []
    for fraction in (1.01, 0.9, 0.6, 0.3):
        with placement.resident(model):
            whole = perplexity(model, windows, step=ignore_steps, placement=placement)
            limit = fraction * whole
            inside = perplexity(model, windows, limit=limit, step=ignore_steps, placement=placement)
        steps: list[int] = []
        outside = perplexity(
            model,
            windows,
            limit=limit,
            step=lambda done, total, steps=steps: steps.append(done),  # type: ignore[misc]
            placement=placement,
        )
        assert outside == inside
        assert steps == sorted(steps)
        results.append((outside > limit, steps[-1]))
    assert [ended for ended, _ in results] == [False, True, True, True]
    assert results[0][1] == len(windows.split(2)) > results[-1][1]


@pytest.mark.parametrize("vocabulary", [VOCABULARY, 16384])
def test_progress_never_falls_and_has_no_leap_where_the_head_takes_most(
    windows: Tensor, vocabulary: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(module._GROUP_TOKENS, "cpu", 4 * 2048)
    placement = Placement(make("llama", num_hidden_layers=7, vocab_size=vocabulary), dtype=NARROW)
    steps: list[int] = []
    perplexity(
        placement.model,
        windows.repeat(32, 1),  # 2048 tokens are 85 windows: four batches are a group, the fifth is another
        step=lambda done, total: steps.append(done),
        placement=placement,
    )
    assert steps == sorted(steps)
    assert set(steps) == {0, 1, 2, 3, 4, 5}
    through_blocks = steps[6]  # of the first group
    assert through_blocks == (0 if vocabulary == 16384 else 3)


@pytest.mark.usefixtures("two_batches_in_a_group")
def test_progress_between_blocks_is_a_share_of_the_group_and_can_stop_it(windows: Tensor) -> None:
    placement = Placement(make("llama", num_hidden_layers=7), dtype=NARROW)
    steps: list[tuple[int, int]] = []
    perplexity(
        placement.model,
        windows.repeat(32, 1),  # 2048 tokens are 85 windows: a batch is more than a group
        step=lambda done, total: steps.append((done, total)),
        placement=placement,
    )
    assert steps == [(done, 5) for batch in range(5) for done in [batch] * 7 + [batch + 1]]

    reported: list[int] = []

    def stop_at_the_third_block(done: int) -> None:
        reported.append(done)
        if len(reported) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), torch.no_grad():
        list(token_losses(placement, windows.split(2), stop_at_the_third_block))
    assert reported == [0, 0, 0]  # of two batches, three of eight parts
    assert not placement.is_resident(placement.model)


class LargestLogits(TorchDispatchMode):
    """Records the most elements of any tensor whose last dimension is the vocabulary's."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self._vocabulary = vocabulary
        self.elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor) and tensor.shape[-1:] == (self._vocabulary,):
                self.elements = max(self.elements, tensor.numel())
        return result


@pytest.mark.parametrize("dtype", [torch.float32, NARROW])
def test_no_more_than_some_hundred_positions_have_logits_at_a_time(dtype: torch.dtype) -> None:
    vocabulary = 40_000
    placement = Placement(make("llama", vocab_size=vocabulary, hidden_size=8), dtype=dtype)
    windows = torch.randint(2, vocabulary, (4, 512), generator=torch.Generator().manual_seed(3))
    with LargestLogits(vocabulary) as largest:
        found = perplexity(placement.model, windows, step=ignore_steps, placement=placement)
    assert 100 * vocabulary < largest.elements <= 256 * vocabulary
    expected = (
        torch.cat(losses_at_once(placement, windows.split(1))).mean(1, dtype=torch.float64).mean().exp()
    )
    # Products of 256 rows may be summed in another order than those of 512.
    assert found == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("family", ["llama-tied", "gemma2", "cohere", "opt"])
def test_logits_of_some_positions_give_the_losses_of_all(
    family: str, windows: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(replay.CHUNK_LOGITS, "cpu", 1)
    monkeypatch.setitem(replay.HEAD_TOKENS, "cpu", 7)
    placement = Placement(make(family))
    for found, expected in zip(
        measured(placement, windows.split(2)), losses_at_once(placement, windows.split(2)), strict=True
    ):
        assert torch.allclose(found, expected, rtol=1e-5)


def test_a_head_that_reads_more_than_the_last_block_runs_in_the_model(
    windows: Tensor,
) -> None:
    model = make("llama")
    ids: list[Tensor] = []
    model.get_input_embeddings().register_forward_pre_hook(lambda _, args: ids.append(args[0]))
    model.lm_head.register_forward_hook(lambda _, args, output: output + F.one_hot(ids[-1], VOCABULARY))
    placement = Placement(model, dtype=NARROW)
    batches = windows.split(2)
    for found, expected in zip(measured(placement, batches), losses_at_once(placement, batches), strict=True):
        assert torch.allclose(found, expected, rtol=1e-5)


def test_a_model_that_cannot_be_run_block_by_block_is_measured_all_the_same(windows: Tensor) -> None:
    model = make("llama")
    first, second = model.get_submodule("model.layers.0"), model.get_submodule("model.layers.1")
    shared: list[Tensor] = []
    first.register_forward_pre_hook(lambda _, args: shared.append(args[0]))
    second.register_forward_hook(lambda _, __, output: output + shared[-1].roll(1, 0))
    placement = Placement(model)
    batches = windows.split(2)
    for found, expected in zip(measured(placement, batches), losses_at_once(placement, batches), strict=True):
        assert torch.allclose(found, expected, rtol=1e-5)


def test_the_losses_of_pieces_equal_those_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module.WIDE_LOGITS, "cpu", 50 * 64)
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(2, 350, 50, generator=generator, dtype=torch.float64)
    tokens = torch.randint(0, 50, (2, 350), generator=generator)
    expected = scores.logsumexp(-1) - scores.gather(-1, tokens[..., None])[..., 0]
    assert torch.allclose(losses_from(scores, tokens), expected, rtol=1e-14)


def test_logits_in_half_precision_are_widened_before_their_loss() -> None:
    scores = torch.randn(1, 300, 50, generator=torch.Generator().manual_seed(0)).bfloat16()
    tokens = torch.arange(300)[None] % 50
    exact = F.cross_entropy(scores[0].double(), tokens[0], reduction="none")
    assert torch.allclose(losses_from(scores, tokens)[0].double(), exact, rtol=1e-6)

"""A pruned model compared with the dense one by the latter's final states, against whole logits at once."""

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor
from transformers import PreTrainedModel

from bench.workload.models import perplexity
from pruning.evaluation import token_losses as module
from pruning.evaluation.final_states import (
    Comparison,
    Fidelity,
    Recorder,
    compared,
    differences_outside_blocks,
)
from pruning.evaluation.token_losses import Scored
from pruning.models import replay
from pruning.models.blocks import find_stack
from pruning.models.placement import Placement
from pruning.resume.hashed_file import HashedFile
from tests.pruning.evaluation.test_token_losses import LargestLogits
from tests.pruning.families import VOCABULARY, make
from tests.pruning.pruned import ignore_steps

LENGTH = 24


@pytest.fixture
def windows() -> Tensor:
    return torch.randint(2, VOCABULARY, (7, LENGTH), generator=torch.Generator().manual_seed(3))


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Split windows, batches and comparisons where the sizes of real ones would hold all of them at once."""
    monkeypatch.setattr("pruning.evaluation.perplexity.EVALUATED_TOKENS", {"cpu": 2 * LENGTH})
    monkeypatch.setitem(module._GROUP_TOKENS, "cpu", 4 * LENGTH)
    monkeypatch.setitem(replay.CHUNK_LOGITS, "cpu", 1)
    monkeypatch.setitem(replay.HEAD_TOKENS, "cpu", 10)
    monkeypatch.setattr("pruning.evaluation.final_states.DENSE_HEAD_TOKENS", {"cpu": 7})
    monkeypatch.setattr("pruning.evaluation.final_states._LOGITS_AT_ONCE", {"cpu": 3 * VOCABULARY})


def with_fewer_weights(model: PreTrainedModel) -> PreTrainedModel:
    """Return a copy whose blocks have lost every third weight."""
    pruned = copy.deepcopy(model)
    with torch.no_grad():
        for block in find_stack(pruned).blocks:
            for layer in block.layers:
                layer.matrix[:, ::3] = 0
    return pruned


def recorded(
    model: PreTrainedModel,
    windows: Tensor,
    path: Path,
    **how: Any,
) -> HashedFile | None:
    recorder = Recorder(path, windows)
    perplexity(model, windows, step=ignore_steps, observe=recorder, **how)
    return recorder.close()


def fidelity(
    model: PreTrainedModel,
    windows: Tensor,
    path: Path,
    dense_head: Mapping[str, Tensor] | None = None,
    **how: Any,
) -> Fidelity | None:
    comparison = Comparison(path, model, dense_head or {}, length=windows.shape[1])
    perplexity(model, windows, step=ignore_steps, observe=comparison, **how)
    return comparison.result()


def naive_fidelity(dense: PreTrainedModel, pruned: PreTrainedModel, windows: Tensor) -> tuple[float, float]:
    """Compare the logits of one window after the other, by torch's own divergence."""
    divergences, agreeing = [], []
    for window in windows:
        with torch.no_grad():
            p, q = (model(input_ids=window[None]).logits[0, :-1] for model in (dense, pruned))
        divergences.append(F.kl_div(q.log_softmax(-1), p.softmax(-1), reduction="none").sum(-1))
        agreeing.append(p.argmax(-1) == q.argmax(-1))
    return torch.cat(divergences).mean().item(), torch.cat(agreeing).double().mean().item()


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("family", ["llama", "llama-tied", "gemma2", "gpt2", "opt"])
def test_it_equals_the_divergence_of_whole_logits(family: str, windows: Tensor, tmp_path: Path) -> None:
    dense = make(family, torch.float64)
    pruned = with_fewer_weights(dense)
    file = recorded(dense, windows, tmp_path / "states")
    assert file is not None
    assert differences_outside_blocks(dense, pruned) == {}
    found = fidelity(pruned, windows, file.path)
    assert found is not None
    expected = naive_fidelity(dense, pruned, windows)
    assert (found.kl, found.agreement) == pytest.approx(expected, rel=1e-9)
    assert found.kl > 1e-3
    same = fidelity(dense, windows, file.path)
    assert same is not None
    assert same.kl < 1e-13
    assert same.agreement == 1


@pytest.mark.usefixtures("small_pieces")
def test_what_is_observed_changes_no_bit_whether_blocks_are_resident_or_not(
    windows: Tensor, tmp_path: Path
) -> None:
    dense = make("llama")
    pruned = with_fewer_weights(dense)
    at, of_pruned = (Placement(model, dtype=torch.bfloat16) for model in (dense, pruned))
    alone = [
        perplexity(place.model, windows, step=ignore_steps, placement=place) for place in (at, of_pruned)
    ]
    one = recorded(dense, windows, tmp_path / "one", placement=at)
    with at.resident(dense):
        other = recorded(dense, windows, tmp_path / "other", placement=at)
    assert one is not None
    assert other is not None
    assert one.sha256 == other.sha256 == HashedFile.of(one.path).sha256
    recorder = Recorder(tmp_path / "again", windows)
    comparison = Comparison(one.path, pruned, {}, length=LENGTH)
    observed = [
        perplexity(place.model, windows, step=ignore_steps, placement=place, observe=observe)
        for place, observe in ((at, recorder), (of_pruned, comparison))
    ]
    assert observed == alone


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("family", ["llama", "llama-tied"])
def test_a_trained_norm_and_head_are_compared_with_the_dense_ones(
    family: str, windows: Tensor, tmp_path: Path
) -> None:
    dense = make(family, torch.float64)
    pruned = with_fewer_weights(dense)
    # A tied head is the embedding, so that another one would change the hidden states, too.
    changed = ["model.norm.weight", *(["lm_head.weight"] if family == "llama" else [])]
    with torch.no_grad():
        for name in changed:
            pruned.get_parameter(name).mul_(1.25)
    differences = differences_outside_blocks(dense, pruned)
    assert differences is not None
    assert set(differences) == set(changed)
    file = recorded(dense, windows, tmp_path / "states")
    assert file is not None
    before = copy.deepcopy(pruned.state_dict())
    found = fidelity(pruned, windows, file.path, dense_head=differences)
    assert found is not None
    expected = naive_fidelity(dense, pruned, windows)
    assert (found.kl, found.agreement) == pytest.approx(expected, rel=1e-9)
    assert all(torch.equal(tensor, before[name]) for name, tensor in pruned.state_dict().items())


def test_a_model_that_lost_all_blocks_of_one_kind_is_compared(windows: Tensor, tmp_path: Path) -> None:
    # Gemma 3 has rotary frequencies, under another name, for each kind of attention among its blocks.
    dense = make("gemma3", torch.float64)
    smaller = make("gemma3", torch.float64, num_hidden_layers=1, layer_types=["full_attention"])
    tensors = {name: tensor for name, tensor in dense.state_dict().items() if ".layers." not in name}
    smaller.load_state_dict(tensors, strict=False)
    differences = differences_outside_blocks(dense, smaller)
    assert differences == {}
    file = recorded(dense, windows, tmp_path / "states")
    assert file is not None
    found = fidelity(smaller, windows, file.path, dense_head=differences)
    assert found is not None
    expected = naive_fidelity(dense, smaller, windows)
    assert (found.kl, found.agreement) == pytest.approx(expected, rel=1e-9)


def test_a_trained_tied_embedding_is_compared_with_the_dense_head(windows: Tensor, tmp_path: Path) -> None:
    dense = make("llama-tied", torch.float64)
    pruned = copy.deepcopy(dense)
    with torch.no_grad():
        pruned.get_input_embeddings().weight.mul_(1.25)
    differences = differences_outside_blocks(dense, pruned)
    assert differences is not None
    assert list(differences) == ["model.embed_tokens.weight"]
    file = recorded(dense, windows, tmp_path / "states")
    assert file is not None
    found = fidelity(pruned, windows, file.path, dense_head=differences)
    assert found is not None
    expected = naive_fidelity(dense, pruned, windows)
    assert (found.kl, found.agreement) == pytest.approx(expected, rel=1e-9)


def test_models_with_other_tensors_around_the_blocks_cannot_be_compared() -> None:
    assert differences_outside_blocks(make("llama"), make("llama", vocab_size=VOCABULARY + 8)) is None


def test_a_measurement_that_ends_early_leaves_no_states_and_no_comparison(
    windows: Tensor, tmp_path: Path
) -> None:
    model, many = make("llama"), windows.repeat(40, 1)
    whole = perplexity(model, many, step=ignore_steps)
    assert recorded(model, many, tmp_path / "states", limit=whole / 2) is None
    assert not (tmp_path / "states").exists()
    file = recorded(model, many, tmp_path / "states")
    assert file is not None
    assert fidelity(model, many, file.path, limit=whole / 2) is None


def test_a_head_that_sees_more_than_the_blocks_output_is_not_compared(
    windows: Tensor, tmp_path: Path
) -> None:
    model = make("llama")
    ids: list[Tensor] = []
    model.get_input_embeddings().register_forward_pre_hook(lambda _, args: ids.append(args[0]))
    model.lm_head.register_forward_hook(lambda _, args, output: output + F.one_hot(ids[-1], VOCABULARY))
    assert recorded(model, windows, tmp_path / "states") is None


def test_logits_that_depend_on_other_positions_are_not_compared(windows: Tensor, tmp_path: Path) -> None:
    model = make("llama")
    model.lm_head.register_forward_hook(lambda _, args, output: output - output.mean(1, keepdim=True))
    assert recorded(model, windows, tmp_path / "states") is None


def test_the_states_are_those_of_the_predicting_positions_in_order(windows: Tensor, tmp_path: Path) -> None:
    model = make("llama", torch.float64)
    file = recorded(model, windows, tmp_path / "states")
    assert file is not None
    (states,) = load_file(file.path).values()
    hidden = torch.stack(last_outputs(model, windows))
    expected = hidden[:, : LENGTH - 1].flatten(0, 1)
    assert torch.allclose(states, expected, rtol=1e-12)


@torch.no_grad()
def last_outputs(model: PreTrainedModel, windows: Tensor) -> list[Tensor]:
    """Return the last block's output for each window, (length, features)."""
    outputs: list[Any] = []
    hook = find_stack(model).blocks[-1].module.register_forward_hook(lambda *call: outputs.append(call[2]))
    for window in windows:
        model(input_ids=window[None], use_cache=False)
    hook.remove()
    return [output[0][0] if isinstance(output, tuple) else output[0] for output in outputs]


def test_few_dense_logits_are_held_together_with_the_pruned_ones(tmp_path: Path) -> None:
    vocabulary = 40_000
    placement = Placement(make("llama", vocab_size=vocabulary, hidden_size=8))
    windows = torch.randint(2, vocabulary, (2, 512), generator=torch.Generator().manual_seed(3))
    file = recorded(placement.model, windows, tmp_path / "states", placement=placement)
    assert file is not None
    assert file.path.stat().st_size < 2 * 511 * 8 * 4 + 200
    comparison = Comparison(file.path, placement.model, {}, length=512)
    largest = LargestLogits(vocabulary)

    def observe(scored: Scored) -> None:
        views = Scored(scored.windows, scored.positions, scored.hidden, scored.logits, watched(scored.head))
        comparison(views)

    def watched(head: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        def formed(hidden: Tensor) -> Tensor:
            with largest:
                return head(hidden)

        return formed

    perplexity(placement.model, windows, step=ignore_steps, placement=placement, observe=observe)
    found = comparison.result()
    assert found is not None
    assert found.kl < 1e-6
    assert 0 < largest.elements <= 16 * vocabulary


def test_the_divergence_of_two_distributions_by_hand() -> None:
    p = torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]])
    q = torch.tensor([[0.25, 0.5, 0.25], [0.1, 0.2, 0.7]])
    kl, agreeing = compared(p.log(), 3 + q.log())  # logits have no fixed level
    # 0.5·ln 2 - 0.25·ln 2
    assert kl.tolist() == pytest.approx([0.25 * 0.6931472, 0], abs=1e-6)
    assert agreeing.tolist() == [False, True]
    narrow, _ = compared(p.log().bfloat16(), q.log().bfloat16())
    assert narrow.dtype == torch.float32


def test_a_token_that_is_impossible_for_the_dense_model_adds_nothing() -> None:
    """Padded and masked vocabularies have logits of -inf."""
    impossible = -torch.inf
    dense = torch.tensor([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25]]).log()
    pruned = torch.tensor([[0.25, 0.5, 0.25], [0.25, 0.5, 0.25]]).log()
    none = torch.full((2, 1), impossible)
    either = torch.tensor([[impossible], [-300.0]])  # exp(-300) is 0 in float32
    expected, _ = compared(dense, pruned)
    assert torch.equal(compared(torch.cat([dense, none], 1), torch.cat([pruned, none], 1))[0], expected)
    assert torch.equal(compared(torch.cat([dense, either], 1), torch.cat([pruned, none], 1))[0], expected)


@pytest.mark.parametrize("logit", [torch.nan, -torch.inf])
def test_a_divergence_that_is_not_finite_is_not_reported(
    logit: float, windows: Tensor, tmp_path: Path
) -> None:
    model = make("llama")
    file = recorded(model, windows, tmp_path / "states")
    assert file is not None
    comparison = Comparison(file.path, model, {}, length=LENGTH)

    def observe(scored: Scored) -> None:
        logits = scored.logits.index_fill(-1, torch.tensor([5]), logit)
        comparison(Scored(scored.windows, scored.positions, scored.hidden, logits, scored.head))

    perplexity(model, windows, step=ignore_steps, observe=observe)
    assert comparison.result() is None

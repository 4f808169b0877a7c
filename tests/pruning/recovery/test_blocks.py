"""The training of a block against plain autograd and torch's own Adam on copies of the model."""

import copy
import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import LlamaForCausalLM, PreTrainedModel

from pruning.blockwise.prune import prune, prune_blocks
from pruning.blockwise.results import InMemory, Pruned
from pruning.errors import InvalidInput
from pruning.model.placement import Placement
from pruning.model.selection import prunable_stack
from pruning.recipe import BlockRecoveryOptions, Recipe
from pruning.recovery.block_loss import block_loss
from pruning.recovery.blocks import BlockTraining, TrainingSetting, passes_of_block
from pruning.runtime.hand_over import HandOver
from tests.pruning.families import make
from tests.pruning.pretended_cuda import pretended_cuda
from tests.pruning.pruned import ignore_steps


def recipe(**blocks: Any) -> Recipe:
    return Recipe.model_validate(
        {
            "model": "org/name",
            "method": blocks.pop("method", "wanda"),
            "sparsity": 0.5,
            "recovery": {"blocks": {"epochs": 2, "windows_per_step": 2, "learning_rate": 1e-3, **blocks}},
        }
    )


def pruned(model: PreTrainedModel, wanted: Recipe, windows: Tensor) -> Pruned:
    """Prune with all windows but the last, which is held out."""
    return prune(model, wanted, windows[:-1], {}, step=ignore_steps, training=judged_by(windows))


def judged_by(windows: Tensor, **how: Any) -> TrainingSetting:
    return TrainingSetting(held_out=windows[-1:], **how)


def block_outputs(model: PreTrainedModel, windows: Tensor, index: int) -> tuple[Tensor, Tensor]:
    """Return the input and output of a Llama's block for all windows, from the model's own forward pass."""
    seen: dict[str, Tensor] = {}
    block = model.get_submodule(f"model.layers.{index}")

    def record(_: object, args: tuple[Tensor, ...], output: Tensor) -> None:
        seen["input"], seen["output"] = args[0], output

    hook = block.register_forward_hook(record)
    with torch.no_grad():
        model(input_ids=windows, use_cache=False)
    hook.remove()
    return seen["input"], seen["output"]


def naive(dense: LlamaForCausalLM, one_shot: LlamaForCausalLM, windows: Tensor) -> dict[str, Tensor]:
    """Train the first block of a pruned Llama: two epochs of two steps of two windows; one is held out."""
    model = copy.deepcopy(one_shot).requires_grad_(False)
    # Before the first block both models have the same hidden states.
    _, target = block_outputs(dense, windows, 0)
    block = model.model.layers[0]
    chosen = {name: one for name, one in block.named_parameters() if one.ndim == 1 or "proj" in name}
    masks = {name: one == 0 for name, one in chosen.items() if one.ndim == 2}
    for one in chosen.values():
        one.requires_grad_(True)

    def loss(numbers: list[int]) -> Tensor:
        hidden = model.model.embed_tokens(windows[numbers])
        embeddings = model.model.rotary_emb(hidden, torch.arange(windows.shape[1])[None])
        output = block(hidden, position_embeddings=embeddings, attention_mask=None)
        error = (output - target[numbers]).square().sum(-1) / target[numbers].square().sum(-1)
        return error.mean()

    optimizer = torch.optim.Adam(chosen.values(), betas=(0.9, 0.95), eps=1e-15)
    order, held_out = random.Random("0 0"), [4]  # noqa: S311 - no secret
    best, lowest = copy.deepcopy(block.state_dict()), float(loss(held_out))
    for epoch in range(2):
        windows_in_turn = order.sample([0, 1, 2, 3], 4)
        for half in range(2):
            optimizer.param_groups[0]["lr"] = 1e-3 * (1 - (2 * epoch + half) / 4)
            optimizer.zero_grad()
            loss(windows_in_turn[2 * half : 2 * half + 2]).backward()
            for name, mask in masks.items():
                chosen[name].grad[mask] = 0  # type: ignore[index]
            optimizer.step()
        if float(loss(held_out)) < lowest:
            best, lowest = copy.deepcopy(block.state_dict()), float(loss(held_out))
    return best


@pytest.mark.parametrize("toward", [0.0, 0.5, 1.0])
def test_the_first_block_is_trained_as_by_plain_autograd(
    tiny_llama: Callable[..., LlamaForCausalLM], five_windows: Tensor, toward: float
) -> None:
    dense = tiny_llama().double()
    one_shot, trained = copy.deepcopy(dense), copy.deepcopy(dense)
    wanted = recipe(toward=toward)
    pruned(one_shot, wanted.model_copy(update={"recovery": None}), five_windows)
    result = pruned(trained, wanted, five_windows)
    expected = naive(dense, one_shot, five_windows)
    assert result.trained[0].epoch > 0
    for name, tensor in trained.model.layers[0].state_dict().items():
        torch.testing.assert_close(tensor, expected[name], rtol=0, atol=1e-10)
        assert torch.equal(tensor == 0, one_shot.model.layers[0].state_dict()[name] == 0)


@pytest.mark.parametrize("toward", [0.0, 0.5, 1.0])
def test_the_next_block_is_trained_behind_the_trained_one(
    tiny_llama: Callable[..., LlamaForCausalLM], five_windows: Tensor, toward: float
) -> None:
    """The held-out loss of the last block, from the hidden states of the models as they are in the end."""
    dense = tiny_llama().double()
    trained = copy.deepcopy(dense)
    result = pruned(trained, recipe(toward=toward), five_windows)
    held_out = five_windows[4:]
    given, output = block_outputs(trained, held_out, 2)
    of_dense = block_outputs(dense, held_out, 2)[1]
    embeddings = dense.model.rotary_emb(given, torch.arange(held_out.shape[1])[None])
    with torch.no_grad():
        own = dense.model.layers[2](given, position_embeddings=embeddings, attention_mask=None)
    target = (1 - toward) * own + toward * of_dense
    error = ((output - target).square().sum(-1) / target.square().sum(-1)).mean()
    assert result.trained[2].epoch > 0
    assert result.trained[2].after < result.trained[2].before
    assert result.trained[2].after == pytest.approx(float(error), rel=1e-9)
    assert [block.block for block in result.trained] == [0, 1, 2]


@pytest.mark.parametrize("family", ["gpt2", "bloom", "mixtral", "qwen3"])
@pytest.mark.parametrize("method", ["magnitude", "admm"])
def test_zeros_stay_and_no_block_gets_worse(family: str, method: str, five_windows: Tensor) -> None:
    model, one_shot = make(family), make(family)
    wanted = recipe(method=method)
    pruned(one_shot, wanted.model_copy(update={"recovery": None}), five_windows)
    result = pruned(model, wanted, five_windows)
    assert all(block.after <= block.before for block in result.trained)
    assert any(block.epoch for block in result.trained)
    parameters = dict(model.named_parameters())
    for name, mask in result.masks.items():
        assert torch.equal(parameters[name] == 0, mask)
        assert not torch.signbit(parameters[name][mask]).any()
    for name, weight in result.weights.items():
        assert torch.equal(parameters[name], weight)
    changed = {name for name, one in one_shot.named_parameters() if not torch.equal(one, parameters[name])}
    assert changed <= result.weights.keys() | result.masks.keys()


def test_what_is_kept_is_rounded_to_the_dtype_of_the_checkpoint(
    tiny_llama: Callable[..., LlamaForCausalLM], five_windows: Tensor
) -> None:
    model, wanted = tiny_llama(), recipe()
    result = prune_blocks(
        prunable_stack(model, wanted),
        wanted,
        five_windows[:-1],
        {},
        placement=Placement(model),
        blocks=InMemory(),
        step=ignore_steps,
        training=judged_by(five_windows, stored=torch.bfloat16),
    )
    trained = [f"model.layers.{block.block}." for block in result.trained if block.epoch]
    assert trained
    for name, weight in result.weights.items():
        if name.startswith(tuple(trained)):
            assert weight.dtype == torch.bfloat16
            assert torch.equal(model.get_parameter(name), weight.float())


@pytest.mark.parametrize("method", ["wanda", "admm"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_training_in_16_bits_starts_from_the_weights_of_the_checkpoint(
    tiny_llama: Callable[..., LlamaForCausalLM], five_windows: Tensor, dtype: torch.dtype, method: str
) -> None:
    model, wanted = tiny_llama(), recipe(method=method)
    with torch.no_grad():
        for layer in model.model.layers:
            layer.mlp.down_proj.weight[:, 0] = 0  # so that row 0 of up_proj gets no gradient
            layer.mlp.up_proj.weight[1] *= 1e-9  # is 0 in float16
    dense = copy.deepcopy(model)
    result = prune_blocks(
        prunable_stack(model, wanted),
        wanted,
        five_windows,
        {},
        placement=Placement(model, dtype=dtype),
        blocks=InMemory(),
        step=ignore_steps,
        training=judged_by(five_windows.flip(1)),
    )
    trained = [block.block for block in result.trained if block.epoch]
    assert trained
    weights, masks = result.weights, result.masks
    for index in trained:
        name = f"model.layers.{index}.mlp.up_proj.weight"
        stored = dense.get_parameter(name)
        kept = ~masks[name][0]
        assert kept.any()
        if method == "wanda":  # it changes no kept weight
            assert torch.equal(weights[name][0][kept], stored[0][kept])
            assert torch.equal(weights[name] == 0, masks[name])
        else:
            assert torch.equal(weights[name][0], weights[name][0].to(dtype).float())


def test_a_training_that_makes_it_worse_leaves_the_pruned_block(five_windows: Tensor) -> None:
    model, one_shot = make("llama"), make("llama")
    wanted = recipe(learning_rate=0.1, epochs=1)
    pruned(one_shot, wanted.model_copy(update={"recovery": None}), five_windows)
    result = pruned(model, wanted, five_windows)
    assert {(block.epoch, block.after == block.before) for block in result.trained} == {(0, True)}
    for name, parameter in one_shot.named_parameters():
        assert torch.equal(parameter, model.get_parameter(name))


def test_progress_counts_every_micro_batch_of_a_training(five_windows: Tensor) -> None:
    seen: list[tuple[int, int]] = []
    setting = judged_by(five_windows)
    prune(
        make("llama"),
        recipe(),
        five_windows[:-1],
        {},
        step=lambda done, total: seen.append((done, total)),
        training=setting,
    )
    # Per block: three pieces of targets, one judgement before and after each epoch, two steps an epoch; and
    # the block itself.
    assert seen == [(done, 3 * 11) for done in range(1, 3 * 11 + 1)]


@pytest.mark.parametrize(
    ("windows", "per_step", "at_once", "held_out", "epochs"),
    [(5, 2, 2, 1, 3), (7, 3, 2, 16, 1), (2, 8, 4, 5, 2)],
)
def test_the_micro_batches_of_a_block_are_counted_beforehand(
    windows: int, per_step: int, at_once: int, held_out: int, epochs: int
) -> None:
    together = min(per_step, at_once)

    def pieces(count: int) -> int:
        return len(range(0, count, together))

    steps = [min(per_step, windows - start) for start in range(0, windows, per_step)]
    expected = pieces(windows + held_out) + pieces(held_out)
    expected += epochs * (sum(map(pieces, steps)) + pieces(held_out))
    options = BlockRecoveryOptions(epochs=epochs, windows_per_step=per_step)
    assert passes_of_block(options, windows, held_out, at_once) == expected


def test_a_training_of_blocks_needs_windows_that_are_held_out(five_windows: Tensor) -> None:
    model, before = make("llama"), make("llama")
    with pytest.raises(InvalidInput) as caught:
        prune(model, recipe(), five_windows, {}, step=ignore_steps)
    assert caught.value.field == "held_out"
    for name, parameter in before.named_parameters():
        assert torch.equal(parameter, model.get_parameter(name))


@pytest.mark.parametrize("method", ["wanda", "admm"])
def test_held_out_windows_are_not_measured(method: str, five_windows: Tensor) -> None:
    """Where no epoch improves a block, only statistics of the inputs could tell."""
    results = []
    for held_out in (five_windows[-1:], five_windows[-1:].flip(1)):
        wanted = recipe(method=method, learning_rate=0.1, epochs=1)
        setting = TrainingSetting(held_out=held_out)
        result = prune(make("llama"), wanted, five_windows[:-1], {}, step=ignore_steps, training=setting)
        assert {block.epoch for block in result.trained} == {0}
        results.append(result)
    one, other = results
    assert one.trained != other.trained
    assert one.layers == other.layers
    for name, mask in one.masks.items():
        assert torch.equal(mask, other.masks[name])


def test_gradients_in_float16_keep_the_digits_of_float16(
    tiny_llama: Callable[..., LlamaForCausalLM], five_windows: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hidden states as large as those of late blocks: their loss's gradients are far below 6·10⁻⁵."""
    exact, found = list[Tensor](), list[Tensor]()

    def watched_loss(output: Tensor, target: Tensor, weight: float) -> tuple[Tensor, Tensor]:
        error, goal = output.double() - target.double(), target.double()
        exact.append(2 * weight * error / goal.square().sum(-1, keepdim=True))
        return block_loss(output, target, weight)

    def watched_backward(output: Tensor, gradient: Tensor) -> None:
        of_loss = exact[-1]  # judgements have no backward pass
        found.append(((gradient.double() - of_loss) / of_loss).abs()[of_loss != 0])
        torch.autograd.backward(output, gradient)

    monkeypatch.setattr("pruning.recovery.blocks.block_loss", watched_loss)
    monkeypatch.setattr("pruning.recovery.blocks.backward", watched_backward)
    model = tiny_llama().half()
    with torch.no_grad():
        model.model.embed_tokens.weight.mul_(500)
    result = pruned(model, recipe(), five_windows)
    assert any(block.epoch for block in result.trained)
    assert torch.cat(found).quantile(0.95) < 2**-10  # the smallest errors stay subnormal


@pytest.mark.parametrize("allocation", ["uniform", "owl"])
def test_hidden_states_on_their_way_are_waited_for_when_a_run_ends(
    allocation: str, five_windows: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[HandOver] = []
    closed: list[HandOver] = []

    class Watched(HandOver):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

        def close(self) -> None:
            super().close()
            closed.append(self)

    def cancel(done: int, total: int) -> None:
        raise InterruptedError

    monkeypatch.setattr("pruning.activations.walk.HandOver", Watched)
    wanted = Recipe.model_validate({**recipe().model_dump(mode="json"), "allocation": allocation})
    with pytest.raises(InterruptedError):
        prune(make("llama"), wanted, five_windows[:-1], {}, step=cancel, training=judged_by(five_windows))
    assert len(made) == (2 if allocation == "owl" else 1)
    assert closed == made


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("has_algorithm", [True, False])
def test_blocks_are_trained_deterministically_on_cuda_where_that_is_possible(
    deterministic: bool, has_algorithm: bool, five_windows: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a pretended device; the blocks of a plain run are what the training must end with."""
    modes: list[bool] = []
    plain = BlockTraining._train

    def watched(self: BlockTraining, *args: Any) -> Any:
        modes.append(torch.are_deterministic_algorithms_enabled())
        found = plain(self, *args)
        if modes[-1] and not has_algorithm:
            raise RuntimeError("fake_backward_cuda does not have a deterministic implementation, but …")
        return found

    expected = make("llama")
    pruned(expected, recipe(), five_windows)
    monkeypatch.setattr(BlockTraining, "_train", watched)
    model, wanted = make("llama"), recipe()
    with pretended_cuda(monkeypatch):
        device = torch.device("cuda:0")
        result = prune_blocks(
            prunable_stack(model, wanted),
            wanted,
            five_windows[:-1],
            {},
            placement=Placement(model, device),
            blocks=InMemory(),
            step=ignore_steps,
            training=judged_by(five_windows, deterministic=deterministic),
        )
    of_a_block = [True, False] if deterministic and not has_algorithm else [deterministic]
    assert modes == 3 * of_a_block
    assert not torch.are_deterministic_algorithms_enabled()
    for name, weight in result.weights.items():
        torch.testing.assert_close(weight, expected.get_parameter(name).detach())

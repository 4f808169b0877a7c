"""Running blocks one at a time, against the model's own forward pass; and the models that are refused."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import BertConfig, BertLMHeadModel, PreTrainedModel

from pruning.activations.walk import BlockwiseForward
from pruning.errors import InvalidInput, NumericalFailure
from pruning.model.blocks import find_stack
from pruning.model.replay import Replay
from tests.pruning.families import FAMILIES, make


def outputs_of_blocks(model: PreTrainedModel, blocks: str, windows: Tensor) -> list[Tensor]:
    """Return the output of each block in the model's own forward pass."""
    outputs: list[Tensor] = []

    def observe(_: nn.Module, __: Any, output: Any) -> None:  # noqa: ANN401
        outputs.append(output[0] if isinstance(output, tuple) else output)

    hooks = [block.register_forward_hook(observe) for block in model.get_submodule(blocks)]
    with torch.no_grad():
        model(input_ids=windows, use_cache=False)
    for hook in hooks:
        hook.remove()
    return outputs


@pytest.mark.parametrize("family", FAMILIES)
def test_replayed_blocks_give_the_models_own_hidden_states_bit_for_bit(
    family: str, five_windows: Tensor
) -> None:
    model = make(family)
    expected = outputs_of_blocks(model, FAMILIES[family].blocks, five_windows)
    stack = find_stack(model)
    hidden, calls = Replay(stack, five_windows).embed(five_windows)
    for block, call, output in zip(stack.blocks, calls, expected, strict=True):
        with torch.no_grad():
            hidden = call(block.module, hidden)
        assert torch.equal(hidden, output)


@pytest.mark.parametrize("family", FAMILIES)
def test_all_blocks_and_their_linear_layers_are_found(family: str) -> None:
    stack = find_stack(make(family))
    assert [block.name for block in stack.blocks] == [f"{FAMILIES[family].blocks}.{n}" for n in range(3)]
    assert len(
        {layer.parameter_name for layer in stack.layers} & dict(make(family).named_parameters()).keys()
    ) == len(list(stack.layers))
    assert {"llama": 7, "llama-tied": 7, "gemma2": 7, "opt": 6}.get(family, 4) * 3 == len(list(stack.layers))


def test_replay_leaves_the_model_as_it_was(five_windows: Tensor) -> None:
    model = make("llama")
    with torch.no_grad():
        before = model(input_ids=five_windows).logits
        Replay(find_stack(model), five_windows).embed(five_windows)
        assert torch.equal(model(input_ids=five_windows).logits, before)
    assert all("forward" not in vars(module) for module in model.modules())


def test_windows_run_through_blocks_as_they_are_when_the_walk_reaches_them(five_windows: Tensor) -> None:
    model = make("bloom")
    stack = find_stack(model)
    walk = BlockwiseForward(Replay(stack, five_windows), five_windows.split(2))
    with torch.no_grad():
        for index, block in enumerate(stack.blocks):
            block.layers[0].matrix[:, ::2] = 0
            walk.advance(index)
    expected = outputs_of_blocks(model, "transformer.h", five_windows)[-1]
    assert torch.allclose(torch.cat(walk._hidden), expected, atol=1e-5)


def test_blocks_that_share_state_are_refused(five_windows: Tensor) -> None:
    model = make("llama")
    first, second = model.get_submodule("model.layers.0"), model.get_submodule("model.layers.1")
    shared: list[Tensor] = []
    first.register_forward_pre_hook(lambda _, args: shared.append(args[0]))
    second.register_forward_hook(lambda _, __, output: output + shared[-1])
    calls = iter(range(10))
    first.register_forward_hook(lambda _, __, output: output + next(calls))
    with pytest.raises(
        InvalidInput, match=r"LlamaForCausalLM .* model\.layers\.0 depends on more"
    ) as refused:
        Replay(find_stack(model), five_windows)
    assert refused.value.field == "model.id"


def test_blocks_with_an_argument_that_depends_on_the_tokens_are_refused(five_windows: Tensor) -> None:
    model = make("llama")
    tokens: list[Tensor] = []
    model.model.register_forward_pre_hook(
        lambda _, args, kwargs: tokens.append(kwargs["input_ids"]), with_kwargs=True
    )
    block = model.get_submodule("model.layers.1")
    block.register_forward_pre_hook(
        lambda _, args, kwargs: (args, {**kwargs, "per_layer_input": tokens[-1]}), with_kwargs=True
    )
    plain = block.forward
    block.__class__ = type(
        "BlockWithTokenInput",
        (type(block),),
        {
            "forward": lambda self, hidden, per_layer_input, **kwargs: (
                plain(hidden, **kwargs) + per_layer_input[..., None]
            )
        },
    )
    with pytest.raises(InvalidInput, match=r"model\.layers\.1 depends on more than its hidden states"):
        Replay(find_stack(model), five_windows)


def test_a_model_whose_positions_attend_to_later_tokens_is_refused(five_windows: Tensor) -> None:
    config = BertConfig(
        vocab_size=384,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        initializer_range=0.2,
    )
    with pytest.raises(InvalidInput, match=r"BertLMHeadModel .* not a causal language model"):
        Replay(find_stack(BertLMHeadModel(config).eval()), five_windows)


def test_non_finite_hidden_states_are_reported_with_the_block(five_windows: Tensor) -> None:
    model = make("llama")
    torch.nn.init.constant_(model.get_submodule("model.layers.2.mlp.up_proj").weight, torch.inf)
    with pytest.raises(NumericalFailure, match=r"model\.layers\.2"):
        Replay(find_stack(model), five_windows)


def test_blocks_that_share_weights_are_refused() -> None:
    model = make("llama")
    layers = model.get_submodule("model.layers")
    layers[2] = layers[0]
    with pytest.raises(InvalidInput, match="shared"):
        find_stack(model)

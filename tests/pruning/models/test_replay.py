"""Running blocks one at a time, against the model's own forward pass; and the models that are refused."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import BertConfig, BertLMHeadModel, PreTrainedModel

from pruning.calibration import activation_store
from pruning.calibration.activation_walk import BlockwiseForward
from pruning.calibration.gradient_pass import GradientPass
from pruning.errors import InvalidInput, NumericalFailure
from pruning.methods.prune_blocks import prune
from pruning.models.blocks import find_stack, selected_stack
from pruning.models.placement import Placement
from pruning.models.replay import Replay
from pruning.recipe import LayerSelection, Recipe
from pruning.resume.store import EphemeralResumeStore
from pruning.runtime.copy_streams import AsyncCopies
from tests.pruning.families import FAMILIES, five_windows, make
from tests.pruning.pruned import ignore_steps
from tests.pruning.runtime.deferred_stream import DeferredStream


def outputs_of_blocks(model: PreTrainedModel, blocks: str, windows: Tensor) -> list[Tensor]:
    """Return the output of each block in the model's own forward pass."""
    outputs: list[Tensor] = []

    def observe(_: nn.Module, __: Any, output: Any) -> None:
        outputs.append(output[0] if isinstance(output, tuple) else output)

    hooks = [block.register_forward_hook(observe) for block in model.get_submodule(blocks)]
    with torch.no_grad():
        model(input_ids=windows, use_cache=False)
    for hook in hooks:
        hook.remove()
    return outputs


@pytest.mark.parametrize("family", FAMILIES)
def test_replayed_blocks_give_the_models_own_hidden_states_bit_for_bit(family: str) -> None:
    model = make(family)
    expected = outputs_of_blocks(model, FAMILIES[family].blocks, five_windows())
    stack = find_stack(model)
    hidden, calls = Replay(stack, five_windows()).embed(five_windows())
    for block, call, output in zip(stack.blocks, calls, expected, strict=True):
        with torch.no_grad():
            hidden = call(block.module, hidden)
        assert torch.equal(hidden, output)


@pytest.mark.parametrize("float32", [False, True])
@pytest.mark.parametrize("family", ["llama", "llama4"])
def test_the_head_is_not_run_to_embed(family: str, float32: bool) -> None:
    model, calls = make(family), []
    replay = Replay(find_stack(model), five_windows())
    model.lm_head.register_forward_hook(lambda *_: calls.append(1))
    replay.embed(five_windows(), float32=float32)
    assert not calls


@pytest.mark.parametrize("family", FAMILIES)
def test_all_blocks_and_their_linear_layers_are_found(family: str) -> None:
    stack = find_stack(make(family))
    assert [block.name for block in stack.blocks] == [f"{FAMILIES[family].blocks}.{n}" for n in range(3)]
    assert len(
        {layer.parameter_name for layer in stack.layers} & dict(make(family).named_parameters()).keys()
    ) == len(list(stack.layers))
    assert {"llama": 7, "llama-tied": 7, "gemma2": 7, "opt": 6}.get(family, 4) * 3 == len(list(stack.layers))


def test_replay_leaves_the_model_as_it_was() -> None:
    model = make("llama")
    with torch.no_grad():
        before = model(input_ids=five_windows()).logits
        Replay(find_stack(model), five_windows()).embed(five_windows())
        assert torch.equal(model(input_ids=five_windows()).logits, before)
    assert all("forward" not in vars(module) for module in model.modules())


def test_windows_run_through_blocks_as_they_are_when_the_walk_reaches_them() -> None:
    model = make("bloom")
    stack = find_stack(model)
    walk = BlockwiseForward(Replay(stack, five_windows()), five_windows().split(2))
    with torch.no_grad():
        for index, block in enumerate(stack.blocks):
            block.layers[0].matrix[:, ::2] = 0
            walk.advance(index)
    expected = outputs_of_blocks(model, "transformer.h", five_windows())[-1]
    assert torch.allclose(torch.cat(list(walk._hidden)), expected, atol=1e-5)


def test_blocks_that_share_state_are_refused() -> None:
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
        Replay(find_stack(model), five_windows())
    assert refused.value.field == "model.id"


def test_blocks_with_an_argument_that_depends_on_the_tokens_are_refused() -> None:
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
        Replay(find_stack(model), five_windows())


def test_a_model_whose_positions_attend_to_later_tokens_is_refused() -> None:
    config = BertConfig(
        vocab_size=384,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        initializer_range=0.2,
    )
    with pytest.raises(InvalidInput, match=r"BertLMHeadModel .* not a causal language model"):
        Replay(find_stack(BertLMHeadModel(config).eval()), five_windows())


def test_non_finite_hidden_states_are_reported_with_the_block() -> None:
    model = make("llama")
    torch.nn.init.constant_(model.get_submodule("model.layers.2.mlp.up_proj").weight, torch.inf)
    with pytest.raises(NumericalFailure, match=r"model\.layers\.2"):
        Replay(find_stack(model), five_windows())


def test_blocks_that_share_weights_are_refused() -> None:
    model = make("llama")
    layers = model.get_submodule("model.layers")
    layers[2] = layers[0]
    with pytest.raises(InvalidInput, match="shared"):
        find_stack(model)


class CountedCopies:
    """How often each tensor of a model is copied to the device, and how often that was waited for.

    Nothing is on the device at first: the model is stored in another dtype.
    """

    def __init__(self, family: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.model = make(family)
        self.stack = find_stack(self.model)
        self.placement = Placement(self.model, dtype=torch.bfloat16, copy_stream=DeferredStream())
        self._names = {
            tensor.data_ptr(): name
            for name, tensor in (*self.model.named_parameters(), *self.model.named_buffers())
        }
        self.copies = Counter[str]()
        self.waited_for = Counter[str]()
        begin, copies_of = AsyncCopies.begin, Placement._copies_of

        def counted(copies: Any, sources: list[Tensor], dtypes: Any) -> Any:
            self.copies.update(self._names[source.data_ptr()] for source in sources)
            return begin(copies, sources, dtypes)

        def waiting(placement: Placement, tensors: list[Tensor]) -> list[Tensor]:
            before = self.copies.total()
            found = copies_of(placement, tensors)
            if self.copies.total() > before:
                self.waited_for.update(self._names[tensor.data_ptr()] for tensor in tensors)
            return found

        monkeypatch.setattr(AsyncCopies, "begin", counted)
        monkeypatch.setattr(Placement, "_copies_of", waiting)

    def by_block(self, counts: Counter[str]) -> list[set[int]]:
        """Return how often the tensors of each block were copied."""
        names = list(self._names.values())
        return [
            {counts[name] for name in names if name.startswith(f"{block.name}.")}
            for block in self.stack.blocks
        ]

    @property
    def around_blocks(self) -> set[int]:
        """How often the tensors outside the blocks were copied, but for those of the right dtype."""
        blocks = tuple(f"{block.name}." for block in self.stack.blocks)
        return {self.copies[name] for name in self._names.values() if not name.startswith(blocks)} - {0}


@pytest.mark.parametrize("family", ["llama", "gpt2", "mixtral"])
def test_the_checks_take_two_passes_over_the_weights_which_are_copied_ahead(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = CountedCopies(family, monkeypatch)
    walk = BlockwiseForward(Replay(counted.stack, five_windows(), counted.placement), five_windows().split(2))
    assert len(walk.state()) == 3
    # The first block is already loading a third time, for the next reader.
    assert counted.by_block(counted.copies) == [{3}, {2}, {2}]
    assert counted.by_block(counted.waited_for) == [{1}, {0}, {0}]
    assert counted.around_blocks == {2}  # for the checks, and for all windows
    counted.placement.end_stage()


def test_a_streamed_pass_loads_each_block_once_per_direction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, two_windows_at_once: None
) -> None:
    counted = CountedCopies("llama", monkeypatch)
    norms = GradientPass(
        counted.placement, five_windows(), norms=["l1"], stack=counted.stack, schedule="streamed"
    ).run(lambda done, total: None, EphemeralResumeStore(tmp_path))
    assert len(norms["l1"]) == 21
    # Two passes of checks, one forward and one backward, which takes over the last block from it.
    assert counted.by_block(counted.copies) == [{4}, {4}, {3}]
    assert counted.by_block(counted.waited_for) == [{1}, {0}, {0}]
    assert counted.around_blocks == {1}
    counted.placement.end_stage()


@pytest.mark.parametrize(
    ("interval", "include", "copies"),
    [
        # The second block's input is not kept: the first runs forward again before the second runs backward.
        (3, (), [{5}, {4}, {3}]),
        # Only the last block's norms are wanted, so the pass ends with it.
        (1, ("model.layers.2.*",), [{3}, {3}, {3}]),
    ],
)
def test_a_streamed_pass_brings_no_block_in_vain(
    interval: int,
    include: tuple[str, ...],
    copies: list[set[int]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted = CountedCopies("llama", monkeypatch)
    monkeypatch.setattr(activation_store, "_smallest_interval", lambda blocks, slots: interval)
    stack = selected_stack(counted.model, LayerSelection(include=include))
    GradientPass(counted.placement, five_windows(), norms=["l1"], stack=stack, schedule="streamed").run(
        lambda done, total: None, EphemeralResumeStore(tmp_path)
    )
    assert counted.by_block(counted.copies) == copies
    assert counted.by_block(counted.waited_for) == [{1}, {0}, {0}]
    counted.placement.end_stage()


def test_an_allocation_and_the_pruning_after_it_share_one_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = CountedCopies("llama", monkeypatch)
    recipe = Recipe.model_validate(
        {"model": "org/name", "sparsity": 0.5, "method": "wanda", "allocation": "owl"}
    )
    prune(counted.model, recipe, five_windows(), {}, step=ignore_steps, placement=counted.placement)
    # Two passes of checks, one to measure outliers and one to prune.
    assert counted.by_block(counted.copies) == [{4}, {4}, {4}]
    assert counted.around_blocks == {3}  # for the checks, and for all windows of either walk
    counted.placement.end_stage()

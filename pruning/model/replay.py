"""Running a model one block at a time, each block called with the arguments that the model itself passes."""

from collections.abc import Callable, Iterator, MutableMapping, MutableSequence, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Cache

from pruning.errors import InvalidInput, NumericalFailure
from pruning.model.blocks import Stack
from pruning.model.placement import Placement
from pruning.model.upcast import trunk_in_float32

_PROBE_TOKENS = 16
_PROBE_TOLERANCE = 1e-3

# How a block fails that is called without what an earlier one, or the model, would have left for it.
_MISSES_SOMETHING = (AttributeError, KeyError, IndexError, TypeError, ValueError)


@dataclass(frozen=True)
class Call:
    """The arguments of one call of a block, without the hidden states."""

    positional: tuple[Any, ...]  # those after the hidden states
    by_name: dict[str, Any]
    hidden_by_name: bool

    @classmethod
    def observed(cls, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Tensor, "Call"]:
        """Take a call apart into the hidden states and everything else."""
        others = {name: value for name, value in kwargs.items() if name != "hidden_states"}
        hidden_by_name = "hidden_states" in kwargs
        hidden: Tensor = kwargs["hidden_states"] if hidden_by_name else args[0]
        return hidden, cls(args if hidden_by_name else args[1:], others, hidden_by_name)

    def arguments(self, hidden: Tensor) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The call put together again, with other hidden states of the same shape."""
        if self.hidden_by_name:
            return self.positional, {**self.by_name, "hidden_states": hidden}
        return (hidden, *self.positional), self.by_name

    def __call__(self, block: Callable[..., Any], hidden: Tensor) -> Tensor:
        """Run `block` on `hidden`, and return its hidden states."""
        args, kwargs = self.arguments(hidden)
        return _hidden_of(block(*args, **kwargs))

    def contents(self) -> list[Any]:
        """What lies in the containers among the arguments, through which blocks could hand on more."""
        found: list[Any] = []
        for value in (*self.positional, *self.by_name.values()):
            if isinstance(value, MutableMapping):
                found += value.values()
            elif isinstance(value, MutableSequence):
                found += value
        return found

    @property
    def carries_cache(self) -> bool:
        """Whether the block writes keys and values that its next call would find."""
        return any(isinstance(value, Cache) for value in (*self.positional, *self.by_name.values()))


def _hidden_of(output: Any) -> Tensor:  # noqa: ANN401 - a tensor in most families, a tuple in some
    hidden: Tensor = output[0] if isinstance(output, tuple) else output
    return hidden


class Replay:
    """Enters a model's stack and calls its blocks.

    Made once per model, it first runs a few tokens to see that the model is what pruning block by block
    takes it for, and raises InvalidInput(field='model.id') where it is not: each block is called once;
    nothing but the hidden states depends on the tokens (blocks called with arguments from *other* tokens
    give the same); no position sees a later one.
    """

    def __init__(self, stack: Stack, windows: Tensor, placement: Placement | None = None) -> None:
        """`windows`: any token ids of the model, (windows, length). `placement`: of the model, for one that
        is not yet where it computes.
        """
        self.stack = stack
        self._placement = placement or Placement(stack.model)
        probe = windows[:1, :_PROBE_TOKENS]
        observed = self._run_as_it_is(probe)
        # What each block returned, so that a skipped block can return the like.
        self._outputs: Sequence[Any] = [output for _, output in observed]
        self._refuse_shared_state(probe, observed, self.enter(probe.flip(1))[1])
        self._refuse_sight_of_later_tokens(probe)

    @torch.no_grad()
    def enter(self, windows: Tensor, *, float32: bool = False) -> tuple[Tensor, list[Call]]:
        """The hidden states before the first block, and the arguments of every block, for these windows.

        The blocks' own work is skipped, so this costs no more than the embeddings. `float32`: all of it in
        float32, also where the model computes in a narrower dtype.
        """
        entered: list[tuple[Tensor, Call]] = []
        with self._placement.around(self._modules), ExitStack() as cleanup:
            for module, output in zip(self._modules, self._outputs, strict=True):
                cleanup.enter_context(_skipped(module, output, lambda hidden: hidden, entered))
            self._run_trunk(windows, float32=float32)
        return entered[0][0], [call for _, call in entered]

    def leave(self, hidden: Tensor) -> Tensor:
        """The logits (windows, length, vocabulary) that the model makes of what its last block returns.

        By its own forward pass, whatever it does there; can be differentiated. All around the blocks must be
        resident. The tokens of the windows have no part in it.
        """
        tokens = torch.zeros(hidden.shape[:2], dtype=torch.int64, device=hidden.device)
        with ExitStack() as cleanup:
            for module, output in zip(self._modules, self._outputs, strict=True):
                cleanup.enter_context(_skipped(module, output, lambda _: hidden, []))
            logits: Tensor = self.stack.model(input_ids=tokens, use_cache=False).logits
        return logits

    @property
    def probe_output(self) -> Tensor:
        """What the last block returned for the few tokens that were run first: (1, tokens, features)."""
        return _hidden_of(self._outputs[-1])

    @property
    def _modules(self) -> list[nn.Module]:
        return [block.module for block in self.stack.blocks]

    def _run_trunk(self, windows: Tensor, *, float32: bool = False) -> None:
        # Without use_cache=False the blocks would be given a cache, and a block that is called again would
        # find its first call's keys in it: the same hidden states, but no gradients of k_proj and v_proj.
        model = self.stack.model
        trunk = trunk_in_float32(model, self._modules) if float32 else model.base_model
        trunk(input_ids=windows.to(self._placement.device), use_cache=False)

    @torch.no_grad()
    def _run_as_it_is(self, windows: Tensor) -> list[tuple[Tensor, Any]]:
        """What goes into every block as hidden states, and what it returns."""
        observed: list[tuple[Tensor, Any]] = []

        def observe(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:  # noqa: ANN401
            hidden, call = Call.observed(args, kwargs)
            if call.carries_cache:
                raise self._refused("its blocks write to a cache even when none is asked for")
            observed.append((hidden, output))

        with self._placement.around(self._modules), ExitStack() as cleanup:
            for module in self._modules:
                cleanup.enter_context(self._placement.while_called(module))
                cleanup.callback(module.register_forward_hook(observe, with_kwargs=True).remove)
            self._run_trunk(windows)
        if len(observed) != len(self.stack.blocks):
            raise self._refused(f"its {len(self.stack.blocks)} blocks are called {len(observed)} times")
        return observed

    @torch.no_grad()
    def _refuse_shared_state(
        self, probe: Tensor, observed: list[tuple[Tensor, Any]], calls: list[Call]
    ) -> None:
        hidden, _ = observed[0]
        if hidden.shape[:2] != probe.shape:
            raise self._refused("its hidden states are not (windows, tokens, features)")
        for block, call, (_, output) in zip(self.stack.blocks, calls, observed, strict=True):
            contents = call.contents()
            try:
                with self._placement.resident(block.module):
                    hidden = call(block.module, hidden)
            except _MISSES_SOMETHING as error:
                raise self._refused(f"{block.name} needs more than its hidden states") from error
            if list(map(id, call.contents())) != list(map(id, contents)):
                raise self._refused(f"{block.name} hands on more than its hidden states to later blocks")
            if not torch.isfinite(hidden).all():
                raise NumericalFailure(
                    f"the hidden states after {block.name} are not finite; use dtype bfloat16 or float32"
                )
            if not alike(hidden, _hidden_of(output)):
                raise self._refused(
                    f"{block.name} depends on more than its hidden states (state shared by blocks)"
                )

    def _refuse_sight_of_later_tokens(self, probe: Tensor) -> None:
        half = probe.shape[1] // 2
        changed = probe.clone()
        changed[:, half:] = probe[:, :1]
        output = _hidden_of(self._run_as_it_is(changed)[-1][1])
        if not alike(output[:, :half], _hidden_of(self._outputs[-1])[:, :half]):
            raise self._refused("its positions see later tokens, so it is not a causal language model")

    def _refused(self, reason: str) -> InvalidInput:
        return InvalidInput(
            f"{type(self.stack.model).__name__} cannot be pruned block by block: {reason}", field="model.id"
        )


def alike(one: Tensor, other: Tensor) -> bool:
    """Whether two hidden states differ by no more than rounding."""
    difference = torch.linalg.vector_norm((one - other).float())
    return bool(difference <= _PROBE_TOLERANCE * torch.linalg.vector_norm(other.float()))


@contextmanager
def _skipped(
    module: nn.Module,
    output: Any,  # noqa: ANN401
    instead: Callable[[Tensor], Tensor],
    entered: list[tuple[Tensor, Call]],
) -> Iterator[None]:
    """While active, `module` notes its call and returns, in the form of `output`, what is given `instead` of
    its hidden states.
    """

    def pass_on(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - stands in for any block's forward
        hidden, call = Call.observed(args, kwargs)
        entered.append((hidden, call))
        result = instead(hidden)
        return (result, *output[1:]) if isinstance(output, tuple) else result

    # On the instance: the class's forward shows again when it is deleted, and the module keeps all its
    # attributes, some of which models read between blocks.
    module.forward = pass_on
    try:
        yield
    finally:
        del module.forward

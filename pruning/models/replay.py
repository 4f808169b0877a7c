"""Runs a model one block at a time, and its logits a few positions at a time.

Each block is called with the arguments that the model itself passes (masks, position embeddings, ...). They
are recorded from the model's own forward pass, so that no architecture has to be known by name. A model whose
blocks cannot be called like that is refused.

Everything after the blocks (final norm, head, scaling and caps of logits) is run by the model's own forward
pass too. The logits of a whole micro-batch would be the largest tensor of a pass.
"""

import logging
from collections.abc import Callable, Iterator, MutableMapping, MutableSequence, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Cache

from pruning.errors import InvalidInput, NumericalFailure
from pruning.estimate.pieces import CHUNK_LOGITS, HEAD_TOKENS, PROBE_TOKENS
from pruning.models.blocks import Stack
from pruning.models.module_calls import ArgumentCopies, replaced_forward
from pruning.models.placement import Placement
from pruning.models.upcast import trunk_in_float32, trunk_of

PROBE_TOLERANCE = 1e-3

# Raised by a block that needs state of the model or of an earlier block.
_MISSING_STATE_ERRORS = (AttributeError, KeyError, IndexError, TypeError, ValueError)


@dataclass(frozen=True)
class Call:
    """The arguments of one block call, except the hidden states."""

    positional: tuple[Any, ...]  # those after the hidden states
    by_name: dict[str, Any]
    hidden_by_name: bool
    device: torch.device | None = None  # the block's; None where all blocks are on one device
    copies: ArgumentCopies = field(default_factory=ArgumentCopies)  # on that device

    def on(self, device: torch.device, copies: ArgumentCopies) -> "Call":
        """Return the same call for a block on `device`, to which the arguments are copied at the first call.

        `copies`: shared by all calls that have arguments in common.
        """
        return replace(self, device=device, copies=copies)

    @classmethod
    def from_call(cls, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Tensor, "Call"]:
        """Split a call's arguments into the hidden states and the rest."""
        others = {name: value for name, value in kwargs.items() if name != "hidden_states"}
        hidden_by_name = "hidden_states" in kwargs
        hidden: Tensor = kwargs["hidden_states"] if hidden_by_name else args[0]
        return hidden, cls(args if hidden_by_name else args[1:], others, hidden_by_name)

    def arguments(self, hidden: Tensor) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the call's arguments with other hidden states of the same shape."""
        positional, by_name = self._on_device
        if self.device is not None:
            hidden = hidden.to(self.device)
        if self.hidden_by_name:
            return positional, {**by_name, "hidden_states": hidden}
        return (hidden, *positional), by_name

    def __call__(self, block: Callable[..., Any], hidden: Tensor) -> Tensor:
        """Call `block` on `hidden`, from any device, and return the hidden states of its output."""
        args, kwargs = self.arguments(hidden)
        return _hidden_of(block(*args, **kwargs))

    def mutable_contents(self) -> list[Any]:
        """Return the contents of mutable arguments, by which blocks could pass more than hidden states."""
        found: list[Any] = []
        positional, by_name = self._on_device
        for value in (*positional, *by_name.values()):
            if isinstance(value, MutableMapping):
                found += value.values()
            elif isinstance(value, MutableSequence):
                found += value
        return found

    @property
    def carries_cache(self) -> bool:
        """Whether the arguments include a cache of keys and values, which a second call would find filled."""
        return any(isinstance(value, Cache) for value in (*self.positional, *self.by_name.values()))

    @cached_property
    def _on_device(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments on the block's device."""
        if self.device is None:
            return self.positional, self.by_name
        return self.copies.on(self.device, self.positional), self.copies.on(self.device, self.by_name)


def _hidden_of(output: Any) -> Tensor:  # noqa: ANN401 - a tensor in most families, a tuple in some
    hidden: Tensor = output[0] if isinstance(output, tuple) else output
    return hidden


class Replay:
    """A model whose parts before, in and after the blocks can be run separately.

    The constructor runs a few tokens to check what running block by block relies on: each block is called
    once; only the hidden states depend on the tokens (with arguments recorded from *other* tokens, every
    block gives the same output); no position attends to a later one. That takes two passes over the weights,
    one of the model's own and one block by block, which CUDA copies ahead.
    """

    def __init__(self, stack: Stack, windows: Tensor, placement: Placement | None = None) -> None:
        """Record and check the model's blocks on the first tokens of `windows`.

        Parameters
        ----------
        stack
            The model's blocks.
        windows
            Any token ids of the model, int64 (windows, length).
        placement
            Where the model computes; by default on its own device.

        Raises
        ------
        InvalidInput
            With field 'model.id', for a model that cannot be run block by block.
        NumericalFailure
            With a block's name, where hidden states are not finite.
        """
        self.stack = stack
        self._placement = placement or Placement(stack.model)
        probe = _pair_with_different_ends(windows[:1, :PROBE_TOKENS])
        with self.outer_modules_resident():
            observed, logits = self._run_unchanged(probe)
            self._probe_logits = logits[:1]
            # Each block's output, as a template for the result of the skipped block.
            self._outputs: Sequence[Any] = [output for _, output in observed]
            self._refuse_shared_state(probe, observed, self.embed(probe.flip(1))[1])
        self._refuse_attention_to_later_tokens(_hidden_of(self._outputs[-1]))

    @contextmanager
    def outer_modules_resident(self) -> Iterator[None]:
        """While active, everything but the blocks is resident: for `logits`, or many calls of `embed`."""
        with self._placement.resident_except(self._modules):
            yield

    def embed(
        self, windows: Tensor, *, float32: bool = False, differentiable: bool = False
    ) -> tuple[Tensor, list[Call]]:
        """Return the first block's input and the call of every block, for these windows.

        The blocks themselves are skipped, so this costs no more than the embeddings, and copying the outer
        modules to the device unless they are resident (`outer_modules_resident`).

        Parameters
        ----------
        windows
            Token ids, int64 (windows, length), on any device.
        float32
            Compute in float32 also where the model computes in a narrower dtype.
        differentiable
            Keep the graph of the first block's input where gradients are on.

        Returns
        -------
        hidden
            (windows, length, features).
        calls
            One per block, valid for any windows of the same shape.
        """
        recorded: list[tuple[Tensor, Call]] = []
        keeps_graph = differentiable and torch.is_grad_enabled()
        with torch.set_grad_enabled(keeps_graph), self.outer_modules_resident(), ExitStack() as cleanup:
            for module, output in zip(self._modules, self._outputs, strict=True):
                cleanup.enter_context(_skipped(module, output, lambda hidden: hidden, recorded))
            self._run_trunk(windows, float32=float32)
        return recorded[0][0], self._on_their_devices([call for _, call in recorded])

    def logits(self, hidden: Tensor) -> Tensor:
        """Return the logits, (windows, length, vocabulary), for the last block's output `hidden`.

        They come from the model's own forward pass with its blocks skipped, and are differentiable.
        Everything but the blocks must be resident (`outer_modules_resident`), on the device of `hidden`.
        """
        tokens = torch.zeros(hidden.shape[:2], dtype=torch.int64, device=hidden.device)
        with ExitStack() as cleanup:
            for module, output in zip(self._modules, self._outputs, strict=True):
                cleanup.enter_context(_skipped(module, output, lambda _: hidden, []))
            logits: Tensor = self.stack.model(input_ids=tokens, use_cache=False).logits
        return logits

    @property
    def probe_output(self) -> Tensor:
        """The last block's output for the probe, a few tokens of the first window: (1, tokens, features)."""
        return _hidden_of(self._outputs[-1])[:1]

    @property
    def probe_logits(self) -> Tensor:
        """The model's own logits for the probe, (1, tokens, vocabulary)."""
        return self._probe_logits

    def _on_their_devices(self, calls: list[Call]) -> list[Call]:
        """Return the calls of all blocks, each on its block's device."""
        devices, copies = [self._placement.device_of(module) for module in self._modules], ArgumentCopies()
        if set(devices) == {self._placement.device}:
            return calls
        return [call.on(device, copies) for call, device in zip(calls, devices, strict=True)]

    @property
    def _modules(self) -> list[nn.Module]:
        return self.stack.modules

    def _run_trunk(self, windows: Tensor, *, float32: bool = False) -> None:
        # With a cache, the second call of a block would reuse the keys of the first: the hidden states would
        # be the same, but k_proj and v_proj would get no gradients.
        model = self.stack.model
        trunk = trunk_in_float32(model, self._modules) if float32 else trunk_of(model)
        trunk(input_ids=windows.to(self._placement.device), use_cache=False)

    @torch.no_grad()
    def _run_unchanged(self, windows: Tensor) -> tuple[list[tuple[Tensor, Any]], Tensor]:
        """Run the model unchanged; return every block's input hidden states and output, and the logits."""
        observed: list[tuple[Tensor, Any]] = []

        def observe(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:  # noqa: ANN401 - what any block returns
            hidden, call = Call.from_call(args, kwargs)
            if call.carries_cache:
                raise self._refused("its blocks write to a cache even with use_cache=False")
            observed.append((hidden, output))

        with ExitStack() as cleanup:
            for module, then in self._with_next_module():
                cleanup.enter_context(self._placement.resident_during_calls(module, then=then))
                cleanup.callback(module.register_forward_hook(observe, with_kwargs=True).remove)
            model, tokens = self.stack.model, windows.to(self._placement.device)
            try:
                logits: Tensor = model(input_ids=tokens, use_cache=False).logits
            except AttributeError as error:  # of a module that `text_decoder` took out
                raise self._refused("it does not run on text alone") from error
        if len(observed) != len(self.stack.blocks):
            raise self._refused(f"its {len(self.stack.blocks)} blocks are called {len(observed)} times")
        return observed, logits

    @torch.no_grad()
    def _refuse_shared_state(
        self, probe: Tensor, observed: list[tuple[Tensor, Any]], calls: list[Call]
    ) -> None:
        hidden, _ = observed[0]
        if hidden.shape[:2] != probe.shape:
            raise self._refused("its hidden states are not (windows, tokens, features)")
        for block, call, (_, output), (module, then) in zip(
            self.stack.blocks, calls, observed, self._with_next_module(), strict=True
        ):
            contents = call.mutable_contents()
            try:
                with self._placement.resident(module, then=then):
                    hidden = call(module, hidden)
            except _MISSING_STATE_ERRORS as error:
                raise self._refused(f"{block.name} needs more than its hidden states") from error
            if list(map(id, call.mutable_contents())) != list(map(id, contents)):
                raise self._refused(f"{block.name} passes more than hidden states to later blocks")
            if not torch.isfinite(hidden).all():
                raise NumericalFailure(
                    f"the hidden states after {block.name} are not finite; use dtype bfloat16 or float32"
                )
            theirs = _hidden_of(output)
            if not equal_up_to_rounding(hidden.to(theirs.device), theirs):
                raise self._refused(
                    f"{block.name} depends on more than its hidden states (state shared by blocks)"
                )

    def _refuse_attention_to_later_tokens(self, output: Tensor) -> None:
        """Compare the last block's outputs for two windows that differ in their second half."""
        one, other = torch.split(output[:, : output.shape[1] // 2], 1)
        if not equal_up_to_rounding(other, one):
            raise self._refused("its positions attend to later tokens, so it is not a causal language model")

    def _with_next_module(self) -> Iterator[tuple[nn.Module, nn.Module]]:
        """Yield each block's module with the next one; the first follows the last."""
        modules = self._modules
        return zip(modules, [*modules[1:], modules[0]], strict=True)

    def _refused(self, reason: str) -> InvalidInput:
        return InvalidInput(
            f"{type(self.stack.model).__name__} cannot be pruned block by block: {reason}", field="model.id"
        )


def _pair_with_different_ends(window: Tensor) -> Tensor:
    """Return the window and one that differs in its second half, (2, tokens)."""
    changed = window.clone()
    changed[:, window.shape[1] // 2 :] = window[:, :1]
    return torch.cat([window, changed])


def equal_up_to_rounding(one: Tensor, other: Tensor, tolerance: float = PROBE_TOLERANCE) -> bool:
    """Whether two tensors of hidden states differ by no more than rounding."""
    return is_rounding(one - other, other, tolerance)


def is_rounding(difference: Tensor, of: Tensor, tolerance: float = PROBE_TOLERANCE) -> bool:
    """Whether a `difference` is no more than rounding, next to the hidden states `of`."""
    size = torch.linalg.vector_norm(difference.float())
    return bool(size <= tolerance * torch.linalg.vector_norm(of.float()))


@contextmanager
def _skipped(
    module: nn.Module,
    output: Any,  # noqa: ANN401 - what any block returns
    replacement: Callable[[Tensor], Tensor],
    recorded: list[tuple[Tensor, Call]],
) -> Iterator[None]:
    """While active, `module` records its call and returns `replacement(hidden)`, structured like `output`."""

    def forward(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - replaces any block's forward
        hidden, call = Call.from_call(args, kwargs)
        recorded.append((hidden, call))
        result = replacement(hidden)
        return (result, *output[1:]) if isinstance(output, tuple) else result

    with replaced_forward(module, forward):
        yield


log = logging.getLogger(__name__)


class LogitsByPosition:
    """A model's logits as a function of the last block's output, in chunks of windows and positions.

    Chunks split windows, except in a model whose logits at one position depend on other positions.
    """

    def __init__(self, replay: Replay) -> None:
        """Everything around the blocks must be resident, here and in calls."""
        self._replay = replay
        # The probe's logits, at once and in two halves.
        hidden = replay.probe_output
        half = hidden.shape[1] // 2
        with torch.no_grad():
            self._whole = replay.logits(hidden)
            halves = torch.cat([replay.logits(hidden[:, :half]), replay.logits(hidden[:, half:])], 1)
        # Other numbers of tokens may use other kernels, whose sums round differently in 16 bits.
        self._tolerance = max(PROBE_TOLERANCE, 2 * torch.finfo(self._whole.dtype).eps)
        self.is_positionwise = half > 0 and equal_up_to_rounding(halves, self._whole, self._tolerance)
        if half and not self.is_positionwise:
            log.warning(
                "its logits depend on other positions, so windows are not split: this takes more memory"
            )

    @property
    def are_exact(self) -> bool:
        """Whether they equal the model's own, so that they depend on the last block's output alone."""
        return equal_up_to_rounding(self._whole, self._replay.probe_logits, self._tolerance)

    def __call__(self, hidden: Tensor) -> Tensor:
        """Return (windows, positions, vocabulary) for `hidden`, (windows, positions, features)."""
        return self._replay.logits(hidden)

    def chunks(self, shape: torch.Size, device: str) -> Iterator[tuple[slice, slice]]:
        """Yield slices of windows and positions that are processed together. `shape`: (windows, length)."""
        windows, length = shape
        vocabulary = self._replay.stack.model.config.get_text_config().vocab_size
        tokens = max(HEAD_TOKENS[device], CHUNK_LOGITS[device] // vocabulary)
        rows = max(1, tokens // length)
        columns = min(length, tokens) if self.is_positionwise else length
        for row in range(0, windows, rows):
            for column in range(0, length, columns):
                yield slice(row, row + rows), slice(column, column + columns)

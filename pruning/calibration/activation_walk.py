"""Calibration windows on their way through a model's blocks, one block at a time.

Pruning needs each block's inputs as the already pruned blocks before it produce them: the walk holds the
hidden states of all windows, measures the inputs of a block's layers, and advances once the block is pruned.
For a refit toward the dense model, a second set of hidden states goes through the dense blocks, and the
activation error is measured that each layer's refit compensates.
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Self

import torch
from torch import Tensor, nn

from pruning.calibration.activation_statistics import InputStatistics, StopForward, group_by_input
from pruning.calibration.routed_tokens import RouteCounter, RoutedTokens
from pruning.models.blocks import Block
from pruning.models.hooks import LayerCall, Observer, observing
from pruning.models.layers import LinearLayer, ModuleLayer, linear_layers
from pruning.models.replay import Call, Replay, is_rounding
from pruning.resume.store import ActivationCheckpoint, SaveThrottle
from pruning.runtime.copy_streams import DeviceTransfers

Retry = Callable[[Callable[[], None], Callable[[], None]], None]
"""Calls the first function, which works on a block. Where that has failed, it may call the second, which
reduces what is held on devices, and the first once more."""

MASSIVE = 10.0
"""A token has massive activations where its norm is over this many times the median norm of its window."""


def once(attempt: Callable[[], None], reduce: Callable[[], None]) -> None:
    """Call `attempt` once: a `Retry` that never retries."""
    attempt()


class BoundaryStates:
    """The hidden states of all micro-batches, some of which may be in flight to another device.

    They are on the devices of the blocks that read them; or, after `to_host`, on the host, and are copied to
    these devices whenever they are read.
    """

    def __init__(self, transfers: DeviceTransfers, *, on_host: bool = False) -> None:
        self._transfers = transfers
        self._on_host = on_host
        self._states: list[Tensor] = []
        self._devices: list[torch.device] = []  # of the blocks that read them
        self._pending: dict[int, Callable[[], Tensor]] = {}
        self._block, self._passed = -1, 0  # how many micro-batches are past the block that runs

    def append(self, states: Tensor) -> None:
        """Add the hidden states of the next micro-batch."""
        self._devices.append(states.device)
        self._states.append(states.cpu() if self._on_host else states)

    def copy(self) -> "BoundaryStates":
        """Return the same hidden states, to go another way from here."""
        copied = copy.copy(self)
        copied._states, copied._devices, copied._pending = list(self.kept()), list(self._devices), {}
        return copied

    def remaining(self, block: int) -> range:
        """Return the micro-batches that have yet to pass `block`.

        Some are past it where an attempt to run the others has failed.
        """
        if block != self._block:
            self._block, self._passed = block, 0
        return range(self._passed, len(self._states))

    def put(self, number: int, states: Tensor, device: torch.device) -> None:
        """Replace a micro-batch's hidden states by the block's outputs, and begin to copy them to `device`.

        `number`: the first of those `remaining`.
        """
        self._states[number] = states.cpu() if self._on_host else states
        self._devices[number], self._passed = device, self._passed + 1
        if not self._on_host:
            self._pending[number] = self._transfers.begin(states, device)

    def replace(self, states: Sequence[Tensor]) -> None:
        """Replace all hidden states, where they are kept."""
        kept = list(self.kept())
        self._states = [new.to(old.device) for new, old in zip(states, kept, strict=True)]

    def to_host(self) -> None:
        """Keep all hidden states on the host from now on."""
        for number, states in enumerate(self.kept()):
            self._states[number] = states.cpu()
        self._on_host = True

    def kept(self) -> Iterator[Tensor]:
        """The hidden states where they are kept."""
        return map(self._kept, range(len(self._states)))

    def _kept(self, number: int) -> Tensor:
        if number in self._pending:
            self._states[number] = self._pending.pop(number)()
        return self._states[number]

    def __getitem__(self, number: int) -> Tensor:
        """The hidden states of a micro-batch, on the device of the block that reads them."""
        return self._kept(number).to(self._devices[number])

    def __iter__(self) -> Iterator[Tensor]:
        return (self[number] for number in range(len(self._states)))


class BlockwiseForward:
    """The hidden states of all windows, as the input of the block that is next."""

    def __init__(
        self,
        replay: Replay,
        micro_batches: Sequence[Tensor],
        *,
        on_host: bool = False,
        windows_of: Sequence[int] = (),
    ) -> None:
        """Embed the windows. `micro_batches`: token ids, int64 (windows, length) each.

        `on_host`: keep the hidden states on the host, and copy each to the device when it is read.
        `windows_of`: the number of windows of each dataset, one after the other; for `routed_tokens`.
        """
        self._windows_of = windows_of
        self.routed_tokens: dict[int, RoutedTokens] = {}
        """By block, as its inputs were first measured; of a mixture of datasets alone."""
        self._blocks = replay.stack.blocks
        self._micro_batches = micro_batches
        self._transfers = DeviceTransfers()
        # By number of windows: arguments such as masks depend on nothing else of a micro-batch.
        self._calls: dict[int, list[Call]] = {}
        self._hidden = BoundaryStates(self._transfers, on_host=on_host)
        with replay.outer_modules_resident():
            for tokens in micro_batches:
                hidden, self._calls[len(tokens)] = replay.embed(tokens)
                self._hidden.append(hidden)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let the devices wait for hidden states in flight, before they reuse the memory."""
        self._transfers.close()

    def state(self) -> dict[str, Tensor]:
        """Return the hidden states by name, for an activation checkpoint."""
        return {f"{number:05}": hidden for number, hidden in enumerate(self._hidden.kept())}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Continue from the `state` of an earlier walk over the same micro-batches."""
        self._hidden.replace([state[f"{number:05}"] for number in range(len(self._micro_batches))])

    def free(self, *, to_host: bool) -> None:
        """Free what an attempt at a block has left. `to_host`: keep hidden states on the host from now on."""
        if to_host:
            self._hidden.to_host()

    def save(self, checkpoint: ActivationCheckpoint, block: int, throttle: SaveThrottle) -> None:
        """Save the hidden states before `block` if a checkpoint is due: they can also be recomputed."""
        state = self.state()
        if throttle.is_due(sum(hidden.nbytes for hidden in state.values())):
            with throttle.saving():
                checkpoint.save(block, state)

    def resume(self, checkpoint: ActivationCheckpoint, *, no_later_than: int) -> int:
        """Restore the windows from a checkpoint that is not past this block. Return the next block."""
        saved = checkpoint.load()
        if saved is None or saved[0] > no_later_than:
            return 0
        index, state = saved
        self.restore(state)
        return index

    def begin_block(self, index: int) -> None:
        """Prepare to prune block `index`, the next one."""

    def measure(self, index: int, statistics: InputStatistics) -> None:
        """Run all windows through block `index` to collect `statistics`; the hidden states stay."""
        self.watch(index, statistics.collecting)

    def watch(self, index: int, watching: Callable[[Tensor], AbstractContextManager[None]]) -> None:
        """Run all windows through block `index` while `watching` each micro-batch; the hidden states stay.

        `watching`: is given the token ids, (windows, length). StopForward may end a pass.
        """
        routes = RouteCounter(self._windows_of)
        for tokens, hidden in zip(self._micro_batches, self._hidden, strict=True):
            module = self._blocks[index].module
            with routes.counting(module, len(tokens)), watching(tokens), suppress(StopForward):
                self._calls[len(tokens)][index](module, hidden)
        self.routed_tokens[index] = self.routed_tokens.get(index) or routes.tokens

    def outputs_of(self, index: int, layers: Sequence[LinearLayer]) -> dict[str, Tensor]:
        """Return the outputs of layers of block `index` for the first windows, by name: (…, outputs) each."""
        tokens, hidden, found = self._micro_batches[0], self._hidden[0], _RecordOutputs()
        with observing(layers, tokens, found):
            self._calls[len(tokens)][index](self._blocks[index].module, hidden)
        return found.by_name

    def input_groups(self, index: int) -> tuple[tuple[LinearLayer, ...], ...]:
        """Return the layers of block `index` by `group_by_input`, in the order of their calls."""
        tokens, hidden, block = self._micro_batches[0], self._hidden[0], self._blocks[index]
        call = self._calls[len(tokens)][index]
        return group_by_input(block.layers, tokens, lambda: call(block.module, hidden))

    def advance(self, index: int) -> None:
        """Replace the hidden states with the output of block `index`.

        After an error, another call continues with the micro-batches that remain.
        """
        self._run(index, self._blocks[index].module, self._hidden)

    def _run(self, index: int, block: nn.Module, hidden: "BoundaryStates") -> None:
        """Replace hidden states with the output of `block`, which is block `index` or a copy of it.

        Each micro-batch is copied to the next block's device at once, which begins while this one continues.
        """
        for number in hidden.remaining(index):
            calls = self._calls[len(self._micro_batches[number])]
            output = calls[index](block, hidden[number])
            following = calls[index + 1].device if index + 1 < len(calls) else None
            hidden.put(number, output, following or output.device)


_DENSE = "dense."


class PairedForward(BlockwiseForward):
    """A `BlockwiseForward` that also measures how far the pruned model is from the dense one.

    A layer's error is that of its inputs. The layer that a block calls last is the exception where its output
    is added to the residual stream unchanged: its error is that of the block's output, so that its refit also
    compensates what the block's earlier layers could not.
    """

    def __init__(
        self,
        replay: Replay,
        micro_batches: Sequence[Tensor],
        *,
        on_host: bool = False,
        windows_of: Sequence[int] = (),
    ) -> None:
        """Start both walks; the model must still be dense."""
        super().__init__(replay, micro_batches, on_host=on_host, windows_of=windows_of)
        self._dense_hidden = self._hidden.copy()
        self._dense_block: nn.Module = nn.Identity()
        self._residual_layer: LinearLayer | None = None

    def begin_block(self, index: int) -> None:
        """Copy block `index` before it is pruned."""
        block = self._blocks[index]
        self._dense_block = copy.deepcopy(block.module)
        tokens, hidden = self._micro_batches[0], self._hidden[0]
        call = self._calls[len(tokens)][index]
        self._residual_layer = _last_layer_of_residual(block, tokens, lambda: call(block.module, hidden))

    def state(self) -> dict[str, Tensor]:
        """Return both models' hidden states by name."""
        dense = enumerate(self._dense_hidden.kept())
        return super().state() | {f"{_DENSE}{number:05}": hidden for number, hidden in dense}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Continue from the `state` of an earlier paired walk."""
        super().restore(state)
        numbers = range(len(self._micro_batches))
        self._dense_hidden.replace([state[f"{_DENSE}{number:05}"] for number in numbers])

    def free(self, *, to_host: bool) -> None:
        """Free the copy of the dense block, too, and keep both models' hidden states alike."""
        super().free(to_host=to_host)
        self._dense_block = nn.Identity()
        if to_host:
            self._dense_hidden.to_host()

    def measure(self, index: int, statistics: InputStatistics) -> None:
        """Collect `statistics`, with the activation errors of the layers that both models call alike."""
        block = self._blocks[index]
        names = {layer.name for layer in statistics.layers}
        dense_layers = [
            layer for layer in linear_layers(self._dense_block, block.name) if layer.name in names
        ]
        # Experts are omitted: the two models may route other tokens to them.
        compared = [layer for layer in dense_layers if isinstance(layer, ModuleLayer)]
        if not compared:
            super().measure(index, statistics)
            return
        residual = self._residual_layer
        residual = residual if residual is not None and residual.name in names else None
        routes = RouteCounter(self._windows_of)
        for tokens, hidden, dense in zip(self._micro_batches, self._hidden, self._dense_hidden, strict=True):
            call = self._calls[len(tokens)][index]
            inputs = _RecordInputs(compared, stop=residual is None)
            with observing(compared, tokens, inputs), suppress(StopForward):
                dense_output = call(self._dense_block, dense)
            if residual is not None:  # compared by its outputs, and not by its inputs as well
                inputs.by_name.pop(residual.name)
            with (
                routes.counting(block.module, len(tokens)),
                statistics.collecting(tokens, inputs.by_name, stop=residual is None),
                suppress(StopForward),
            ):
                if residual is not None:
                    own = _RecordInputs([residual], stop=False)
                    with observing([residual], tokens, own):
                        error = dense_output - call(block.module, hidden)
                    error = error.reshape(*tokens.shape, -1)
                    # The layer would mend the large errors of massive activations at the other tokens' cost.
                    error.masked_fill_(massive(dense_output.reshape(error.shape)), 0)
                    given = own.by_name[residual.name].reshape(*tokens.shape, -1)
                    statistics.add_output_error(residual, given.unbind(), error.unbind())
                else:
                    call(block.module, hidden)
        self.routed_tokens[index] = self.routed_tokens.get(index) or routes.tokens

    def advance(self, index: int) -> None:
        """Replace both models' hidden states with the output of block `index`."""
        super().advance(index)
        self._run(index, self._dense_block, self._dense_hidden)
        self._dense_block = nn.Identity()  # frees it before the next block is copied


def massive(hidden: Tensor) -> Tensor:
    """Return which tokens of (windows, tokens, features) have massive activations: (windows, tokens, 1).

    A window's first token often has, since attention goes there where no token matters (Sun et al. 2024,
    arXiv 2402.17762).
    """
    norms: Tensor = torch.linalg.vector_norm(hidden, dim=-1, keepdim=True)
    middle = (hidden.shape[1] - 1) // 2  # on CUDA, median is not deterministic
    return norms > MASSIVE * norms.sort(dim=1).values[:, middle, None]


class _RecordInputs(Observer):
    """Records the layers' inputs in one forward pass, and ends it after the last of them with `stop`."""

    def __init__(self, layers: Sequence[LinearLayer], *, stop: bool) -> None:
        self.by_name: dict[str, Tensor] = {}
        self._count = len(layers)
        self._stop = stop

    def before(self, call: LayerCall) -> None:
        self.by_name[call.layer.name] = call.inputs
        if self._stop and len(self.by_name) == self._count:
            raise StopForward


class _RecordOutputs(Observer):
    """Records the layers' outputs in one forward pass."""

    def __init__(self) -> None:
        self.by_name: dict[str, Tensor] = {}

    def after(self, call: LayerCall, output: Tensor) -> None:
        self.by_name[call.layer.name] = output


class _RecordLast(Observer):
    """Records the layer that is called last, with its output."""

    def __init__(self) -> None:
        self.called: tuple[LinearLayer, Tensor] | None = None

    def after(self, call: LayerCall, output: Tensor) -> None:
        self.called = call.layer, output


def _last_layer_of_residual(block: Block, tokens: Tensor, run: Callable[[], Tensor]) -> LinearLayer | None:
    """Return the linear layer that the block calls last, if it is selected and feeds the output unchanged.

    `run` runs the micro-batch `tokens` through the block. The layer feeds the output unchanged if the output
    without it, and the layer's own added, is the output. (In 16 bits, the output less the output without it
    would be the layer's plus the rounding of a sum that is larger than it.)
    """
    last = _RecordLast()
    with observing(linear_layers(block.module, block.name), tokens, last):
        whole = run()
    assert last.called is not None  # noqa: S101 - a block has linear layers
    layer, output = last.called
    if not isinstance(layer, ModuleLayer) or output.numel() != whole.numel():
        return None
    hook = layer.module.register_forward_hook(lambda _module, _args, given: torch.zeros_like(given))
    try:
        without = run()
    finally:  # the block may run again after an error
        hook.remove()
    selected = next((mine for mine in block.layers if mine.name == layer.name), None)
    own = output.reshape_as(whole)
    return selected if is_rounding(whole - (without + own), own) else None

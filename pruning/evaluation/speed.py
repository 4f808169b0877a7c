"""Tokens per second of two models that take turns, so that a slow moment of the machine meets both.

Each of them is first run beside itself: what that differs from 1 is the noise of the comparison.
"""

import copy
import inspect
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from pruning.estimate.speed import BATCHES, PAIRS, PHASES, Lengths, Phase

Clock = Callable[[], float]
"""Returns seconds, once the device has done everything that it was given."""

Run = Callable[[], Callable[[], None]]
"""Prepares a run, which is not measured, and returns what is."""


@dataclass(frozen=True)
class Rate:
    """Tokens per second in one phase at one batch size; see `pruning.report.schema.cost.RateFacts`."""

    phase: Phase
    batch: int
    dense: float
    pruned: float
    speedup: float
    noise: float


def clock_of(device: torch.device) -> Clock:
    """Return the clock for measurements on this device."""

    def clock() -> float:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter()

    return clock


def pairs_in_turns(
    one: Run, other: Run, clock: Clock, after_pair: Callable[[], None]
) -> list[tuple[float, float]]:
    """Return the seconds of both runs for each of `PAIRS` pairs.

    The one that goes first in a pair goes second in the next, so that neither gains from its place. The pair
    before these, which fills caches, is not counted. `after_pair` is called after each that is.
    """
    found = []
    for number in range(PAIRS + 1):
        turns = (one, other) if number % 2 else (other, one)
        first, second = [_seconds(run, clock) for run in turns]
        if number:
            found.append((first, second) if number % 2 else (second, first))
            after_pair()
    return found


def rate(
    phase: Phase,
    batch: int,
    tokens: int,
    dense: Run,
    pruned: Run,
    clock: Clock,
    after_pair: Callable[[], None],
) -> Rate:
    """Compare the dense model with itself, then with the pruned one. `tokens`: of one run, all sequences."""
    beside_itself = pairs_in_turns(dense, dense, clock, after_pair)
    pairs = pairs_in_turns(dense, pruned, clock, after_pair)
    return Rate(
        phase,
        batch,
        dense=tokens / median(of_dense for of_dense, _ in pairs),
        pruned=tokens / median(of_pruned for _, of_pruned in pairs),
        speedup=_ratio(pairs),
        noise=abs(_ratio(beside_itself) - 1),
    )


def rates(
    dense: PreTrainedModel,
    pruned: PreTrainedModel,
    lengths: Lengths,
    clock: Clock,
    after_pair: Callable[[], None],
) -> Iterator[Rate]:
    """Yield the rates of all phases and batch sizes; of `decode` none for a model without a cache."""
    for phase in PHASES:
        for batch in BATCHES:
            of_dense, of_pruned = (run_of(model, phase, batch, lengths) for model in (dense, pruned))
            if of_dense is not None and of_pruned is not None:
                yield rate(
                    phase, batch, batch * lengths.tokens(phase), of_dense, of_pruned, clock, after_pair
                )


@torch.no_grad()
def run_of(model: PreTrainedModel, phase: Phase, batch: int, lengths: Lengths) -> Run | None:
    """Return a run of one phase with a model that is resident; None where it keeps no cache to decode with.

    Prefill computes the logits of the last position only, as serving engines do, where the model can.
    """
    tokens = _tokens(model, batch, lengths.prompt)
    options: dict[str, Any] = {"use_cache": True}
    if "logits_to_keep" in inspect.signature(model.forward).parameters:
        options["logits_to_keep"] = 1
    if phase == "prefill":
        return lambda: lambda: _call(model, tokens, **options)
    name = "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"
    # What a model without a cache returns has no such attribute.
    cache = getattr(model(input_ids=tokens, **options), name, None)
    if cache is None:
        return None
    return lambda: _decoding(model, batch, lengths.generated, {name: copy.deepcopy(cache), "use_cache": True})


def _decoding(
    model: PreTrainedModel, batch: int, generated: int, options: dict[str, Any]
) -> Callable[[], None]:
    """Return a function that adds tokens one by one to what is in the cache, which `options` have."""
    ids = _tokens(model, batch, generated)

    def decode() -> None:
        for position in range(generated):
            _call(model, ids[:, position : position + 1], **options)

    return decode


@torch.no_grad()
def _call(model: PreTrainedModel, tokens: Tensor, **options: Any) -> None:  # noqa: ANN401 - of any model
    model(input_ids=tokens, **options)


def _tokens(model: PreTrainedModel, batch: int, length: int) -> Tensor:
    """Return token ids, int64 (batch, length), which differ: a mixture of experts routes them as any text."""
    ids = torch.arange(batch * length, device=model.device)
    vocabulary: int = model.config.get_text_config().vocab_size
    return (ids % vocabulary).view(batch, length)


def _seconds(run: Run, clock: Clock) -> float:
    prepared = run()
    started = clock()
    prepared()
    return clock() - started


def _ratio(pairs: list[tuple[float, float]]) -> float:
    return median(one / other for one, other in pairs)

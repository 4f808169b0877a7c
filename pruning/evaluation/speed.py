"""Tokens per second of two models in alternating runs, so that noise of the machine affects both.

A pair of runs gives one ratio. The median of all pairs is the speed-up, and how far the other ratios are from
it is its noise.
"""

import copy
import inspect
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from pruning.estimate.work import BATCHES, MIN_SPEED_PAIRS, PHASES, SPEED_PAIRS, Phase, SequenceLengths

Clock = Callable[[], float]
"""Returns seconds, once the device has done everything that it was given."""

Run = Callable[[], Callable[[], None]]
"""Prepares a run, which is not measured, and returns what is."""


@dataclass(frozen=True)
class Rate:
    """Tokens per second in one phase at one batch size; see `pruning.report.facts.RateFacts`."""

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


def seconds_in_turns(one: Run, other: Run, number: int, clock: Clock) -> tuple[float, float]:
    """Return the seconds of both runs. In pairs of even number the first one goes first, else the second."""
    if number % 2 == 0:
        return _seconds(one, clock), _seconds(other, clock)
    of_other = _seconds(other, clock)
    return _seconds(one, clock), of_other


def rate(phase: Phase, batch: int, tokens: int, pairs: Sequence[tuple[float, float]]) -> Rate:
    """Return what pairs of seconds say, of the dense model and of the pruned one.

    `tokens`: of one run, all sequences. `pairs`: odd in number. The rates are of the median pair, so that
    their ratio is the speed-up. Of five pairs or more, the noise excludes the two extreme ones.
    """
    ranked = sorted(pairs, key=_ratio)
    dense, pruned = median = ranked[len(ranked) // 2]
    inner = ranked[1:-1] if len(ranked) >= 5 else ranked
    return Rate(
        phase,
        batch,
        dense=tokens / dense,
        pruned=tokens / pruned,
        speedup=_ratio(median),
        noise=max(abs(_ratio(pair) - _ratio(median)) for pair in inner),
    )


def rates(
    dense: PreTrainedModel,
    pruned: PreTrainedModel,
    lengths: SequenceLengths,
    clock: Clock,
    until: float,
    after_pair: Callable[[], None],
) -> list[Rate]:
    """Return the rates of all phases and batch sizes; of `decode` none for a model without a cache.

    In each round every rate gets one pair. There are `SPEED_PAIRS` rounds, or fewer where the clock would
    pass `until`, but no fewer than `MIN_SPEED_PAIRS`. The round before these warms up, and is not counted.
    """
    runs = {
        (phase, batch): (of_dense, of_pruned)
        for phase in PHASES
        for batch in BATCHES
        if (of_dense := run_of(dense, phase, batch, lengths)) is not None
        and (of_pruned := run_of(pruned, phase, batch, lengths)) is not None
    }
    pairs: dict[tuple[Phase, int], list[tuple[float, float]]] = {key: [] for key in runs}
    began = clock()
    for number in range(SPEED_PAIRS + 1):
        for key, (of_dense, of_pruned) in runs.items():
            pair = seconds_in_turns(of_dense, of_pruned, number, clock)
            if number:
                pairs[key].append(pair)
                after_pair()
        now = clock()
        two_more_rounds = 2 * (now - began) / (number + 1)
        if number >= MIN_SPEED_PAIRS and number % 2 == 1 and now + two_more_rounds > until:
            break
    return [
        rate(phase, batch, batch * lengths.tokens(phase), found) for (phase, batch), found in pairs.items()
    ]


@torch.no_grad()
def run_of(model: PreTrainedModel, phase: Phase, batch: int, lengths: SequenceLengths) -> Run | None:
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


def _ratio(pair: tuple[float, float]) -> float:
    dense, pruned = pair
    return dense / pruned

"""The roofline of each stage: how long its matrix products, attention and loss take on their own.

One block is timed on random numbers, and multiplied by the number of blocks and micro-batches.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:  # it imports transformers, which a Timer does without
    from bench.engine.runner import Setting

_TOKENS = {"cpu": 1024, "cuda": 8192}
_TOKENS_PER_LOSS = 512
_REPEATS = 3


@dataclass(frozen=True)
class _Seconds:
    """Seconds for one micro-batch: through one block, or through the head."""

    forward: float  # the products of its linear layers
    attention: float
    attention_backward: float
    head: float
    head_backward: float


def seconds_by_stage(
    config: Any,  # noqa: ANN401 - of a LLaMA
    setting: "Setting",
    device: torch.device,
    dtype: torch.dtype,
) -> dict[str, float]:
    """Return seconds by stage: `whole`, `streamed`, `prune` (input norms, two passes per block)."""
    count = min(max(1, -(-_TOKENS[device.type] // setting.length)), setting.windows)
    timer = Timer(device, dtype)
    one = _measure(config, count, setting.length, timer)
    weight_gradients = _gradients(config, count, setting.length, timer)
    pieces = -(-setting.windows // count)
    blocks = config.num_hidden_layers
    forward = one.forward + one.attention
    # The gradients of activations take as many products as the forward pass.
    backward = one.forward + one.attention_backward + weight_gradients
    loss = one.head + one.head_backward
    return {
        "whole": pieces * (blocks * (forward + backward) + loss),
        "streamed": pieces * (blocks * (2 * forward + backward) + loss),
        "prune": pieces * (2 * blocks - 1) * forward,
    }


def shapes(config: Any) -> list[tuple[int, int]]:  # noqa: ANN401 - of a LLaMA
    """Return (outputs, inputs) of a block's linear layers."""
    hidden, inner = config.hidden_size, config.intermediate_size
    queries = config.num_attention_heads * config.head_dim
    keys = config.num_key_value_heads * config.head_dim
    attention = [(queries, hidden), (keys, hidden), (keys, hidden), (hidden, queries)]
    return [*attention, (inner, hidden), (inner, hidden), (hidden, inner)]


class Timer:
    """Times work on random tensors of one dtype and device."""

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self._device = device
        self._dtype = dtype

    def numbers(self, *shape: int) -> Tensor:
        """Return a tensor of normally distributed numbers."""
        return torch.randn(shape, device=self._device).to(self._dtype)

    def seconds(self, work: Callable[[], object]) -> float:
        """Return the fastest of a few calls, after a warm-up call."""
        times = []
        for _ in range(_REPEATS + 1):
            self._synchronize()
            started = time.perf_counter()
            work()
            self._synchronize()
            times.append(time.perf_counter() - started)
        return min(times[1:])

    def _synchronize(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)


def _measure(config: Any, count: int, length: int, timer: Timer) -> _Seconds:  # noqa: ANN401 - of a LLaMA
    tokens = count * length
    with torch.no_grad():
        forward = 0.0
        for outputs, inputs in shapes(config):
            x, weight = timer.numbers(tokens, inputs), timer.numbers(outputs, inputs)
            forward += timer.seconds(partial(F.linear, x, weight))
    attention, attention_backward = _attention(config, count, length, timer)
    head, head_backward = _loss(config, tokens, timer)
    return _Seconds(forward, attention, attention_backward, head, head_backward)


def _gradients(config: Any, count: int, length: int, timer: Timer) -> float:  # noqa: ANN401 - of a LLaMA
    """Time δᵀx for every window and layer of a block."""
    total = 0.0
    for outputs, inputs in shapes(config):
        delta, x = timer.numbers(length, outputs), timer.numbers(length, inputs)
        total += count * timer.seconds(partial(torch.matmul, delta.T, x))
    return total


def _attention(config: Any, count: int, length: int, timer: Timer) -> tuple[float, float]:  # noqa: ANN401 - of a LLaMA
    heads, grouped, size = config.num_attention_heads, config.num_key_value_heads, config.head_dim
    query = timer.numbers(count, heads, length, size).requires_grad_()
    key, value = (
        timer.numbers(count, grouped, length, size)
        .repeat_interleave(heads // grouped, dim=1)
        .requires_grad_()
        for _ in range(2)
    )

    def attend() -> Tensor:
        return F.scaled_dot_product_attention(query, key, value, is_causal=True)

    with torch.no_grad():
        forward = timer.seconds(attend)
    output = attend()
    delta = torch.ones_like(output)
    backward = timer.seconds(
        lambda: torch.autograd.grad(output, (query, key, value), delta, retain_graph=True)
    )
    return forward, backward


def _loss(config: Any, tokens: int, timer: Timer) -> tuple[float, float]:  # noqa: ANN401 - of a LLaMA
    """Time head and cross-entropy, forward and backward, in chunks of a few hundred tokens."""
    at_once = min(tokens, _TOKENS_PER_LOSS)
    hidden = timer.numbers(at_once, config.hidden_size).requires_grad_()
    weight = timer.numbers(config.vocab_size, config.hidden_size)
    targets = torch.zeros(at_once, dtype=torch.int64, device=hidden.device)

    def loss() -> Tensor:
        return F.cross_entropy(F.linear(hidden, weight).float(), targets, reduction="sum")

    with torch.no_grad():
        forward = timer.seconds(loss)
    both = timer.seconds(lambda: torch.autograd.grad(loss(), hidden))
    return forward * tokens / at_once, (both - forward) * tokens / at_once

"""Speed by pairs in turns: medians, order and noise on a clock that a test winds; then real models."""

from collections.abc import Callable, Iterator
from itertools import cycle
from math import inf

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, OPTConfig, OPTForCausalLM

from pruning.estimate.work import SPEED_PAIRS, SequenceLengths
from pruning.evaluation import speed
from pruning.evaluation.speed import clock_of, rate, rates, run_of, seconds_in_turns
from tests.pruning.tiny import tiny_llama

PREPARING = 1000.0  # seconds that a run takes before it is measured


class Machine:
    """Runs that take given seconds on a clock of their own, and the order in which they ran."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slowness = 1.0
        self.ran: list[str] = []

    def clock(self) -> float:
        return self.now

    def run(
        self, name: str, seconds: Iterator[float], preparing: float = PREPARING
    ) -> Callable[[], Callable[[], None]]:
        def prepared() -> Callable[[], None]:
            self.now += preparing

            def measured() -> None:
                self.ran.append(name)
                self.now += self.slowness * next(seconds)

            return measured

        return prepared


def test_models_take_turns_at_going_first() -> None:
    machine = Machine()
    one, other = machine.run("one", iter(range(1, 5))), machine.run("other", cycle([10.0]))
    pairs = [seconds_in_turns(one, other, number, machine.clock) for number in range(4)]
    assert pairs == [(float(seconds), 10.0) for seconds in range(1, 5)]
    firsts, seconds = machine.ran[::2], machine.ran[1::2]
    assert [*zip(firsts, seconds, strict=True)] == [("one", "other"), ("other", "one")] * 2


def test_the_rates_have_the_ratio_that_is_the_speedup() -> None:
    # The median of the ratios is 0.98; those of the seconds are 1 and 4.
    pairs = [(1.0, 2.0), (1.0, 1.5), (0.98, 1.0), (4.0, 4.0), (4.0, 4.0), (2.0, 4.0), (8.0, 4.0)]
    found = rate("decode", 8, 64, pairs)
    assert found.speedup == pytest.approx(0.98)
    assert found.pruned / found.dense == pytest.approx(found.speedup)
    assert found.dense == pytest.approx(64 / 0.98)


def test_the_noise_is_how_far_other_pairs_are_but_for_the_extreme_ones() -> None:
    ratios = [1.5, 0.1, 1.3, 9.0, 1.2, 1.4, 1.25]
    found = rate("prefill", 1, 4, [(ratio, 1.0) for ratio in ratios])
    assert found.speedup == pytest.approx(1.3)
    assert found.noise == pytest.approx(0.2)
    few = rate("prefill", 1, 4, [(ratio, 1.0) for ratio in (1.0, 1.5, 1.2)])
    assert few.noise == pytest.approx(0.3)


def test_a_machine_that_slows_down_does_not_change_the_speedup() -> None:
    machine = Machine()
    dense, pruned = (machine.run(name, cycle([seconds])) for name, seconds in (("dense", 3.0), ("p", 2.0)))
    pairs = []
    for number in range(7):
        pairs.append(seconds_in_turns(dense, pruned, number, machine.clock))
        machine.slowness *= 1.5
    found = rate("prefill", 1, 1, pairs)
    assert (found.speedup, found.noise) == (pytest.approx(1.5), pytest.approx(0.0))


@pytest.mark.parametrize(
    ("until", "rounds"),
    [
        (0.0, 3),  # no time at all
        (47.9, 3),  # a round takes 8 s: three and the one before them 32 s, with two more 48 s
        (48.0, 5),
        (63.9, 5),
        (64.0, 7),
        (1000.0, 7),
    ],
)
def test_the_rounds_end_before_the_time_does(
    until: float, rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine, done = Machine(), []

    def run_of(*_: object) -> Callable[[], Callable[[], None]]:
        def prepared() -> Callable[[], None]:
            return machine.run("", cycle([1.0]), preparing=0.0)()

        return prepared

    monkeypatch.setattr(speed, "run_of", run_of)
    model = LlamaForCausalLM(LlamaConfig(num_hidden_layers=0, vocab_size=2, hidden_size=64))
    found = rates(model, model, SequenceLengths(1, 1), machine.clock, until, lambda: done.append(None))
    assert len(found) == 4
    assert len(done) == 4 * rounds
    assert machine.now == 8.0 * (rounds + 1)


def test_real_models_have_a_rate_for_each_phase_and_batch() -> None:
    dense, smaller = tiny_llama(num_hidden_layers=4), tiny_llama(num_hidden_layers=1)
    done: list[None] = []
    lengths = SequenceLengths(prompt=16, generated=4)
    clock = clock_of(torch.device("cpu"))
    found = rates(dense, smaller, lengths, clock, inf, lambda: done.append(None))
    assert [(one.phase, one.batch) for one in found] == [
        *(("prefill", 1), ("prefill", 8), ("decode", 1), ("decode", 8)),
    ]
    assert len(done) == 4 * SPEED_PAIRS
    assert all(min(one.dense, one.pruned, one.speedup) > 0 and one.noise >= 0 for one in found)


def lengths_of_calls(model: torch.nn.Module, run: Callable[[], Callable[[], None]]) -> list[tuple[int, int]]:
    """Return the tokens of each call in two runs, and of the cache before it."""
    seen = []

    def note(_: object, __: object, options: dict[str, object]) -> None:
        tokens, cache = options["input_ids"], options.get("cache")
        assert isinstance(tokens, torch.Tensor)
        seen.append((tokens.shape[1], cache.get_seq_length() if cache is not None else 0))  # type: ignore[attr-defined]

    handle = model.register_forward_pre_hook(note, with_kwargs=True)
    run()()
    run()()
    handle.remove()
    return seen


def test_each_run_decodes_after_the_same_prompt() -> None:
    model = tiny_llama(num_hidden_layers=1)
    decode = run_of(model, "decode", 2, SequenceLengths(prompt=8, generated=3))
    assert decode is not None
    assert lengths_of_calls(model, decode) == [(1, 8), (1, 9), (1, 10)] * 2
    prefill = run_of(model, "prefill", 2, SequenceLengths(prompt=8, generated=3))
    assert prefill is not None
    assert lengths_of_calls(model, prefill) == [(8, 0)] * 2


def test_positions_of_a_table_are_not_exceeded() -> None:
    config = OPTConfig(
        vocab_size=64,
        hidden_size=16,
        ffn_dim=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        word_embed_proj_dim=16,
        max_position_embeddings=6,
    )
    lengths = SequenceLengths.on("cpu", 6)
    assert lengths == SequenceLengths(prompt=3, generated=3)
    for phase in ("prefill", "decode"):
        run = run_of(OPTForCausalLM(config).eval(), phase, 2, lengths)
        assert run is not None
        run()()


def test_lengths_are_those_of_the_device_where_the_context_allows() -> None:
    assert SequenceLengths.on("cpu", None) == SequenceLengths.on("cpu", 2048) == SequenceLengths(64, 8)
    assert SequenceLengths.on("cuda", 2048) == SequenceLengths(512, 32)
    assert SequenceLengths.on("cuda", 512) == SequenceLengths(480, 32)

"""Speed by pairs in turns: medians, order and noise on a clock that a test winds; then real models."""

from collections.abc import Callable, Iterator
from itertools import cycle

import pytest
import torch
from transformers import LlamaForCausalLM, OPTConfig, OPTForCausalLM

from pruning.estimate.speed import PAIRS, Lengths
from pruning.evaluation.speed import clock_of, pairs_in_turns, rate, rates, run_of

PREPARING = 1000.0  # seconds that a run takes before it is measured


class Machine:
    """Runs that take given seconds on a clock of their own, and the order in which they ran."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slowness = 1.0
        self.ran: list[str] = []

    def clock(self) -> float:
        return self.now

    def run(self, name: str, seconds: Iterator[float]) -> Callable[[], Callable[[], None]]:
        def prepared() -> Callable[[], None]:
            self.now += PREPARING

            def measured() -> None:
                self.ran.append(name)
                self.now += self.slowness * next(seconds)

            return measured

        return prepared


def test_models_take_turns_at_going_first_and_the_first_pair_does_not_count() -> None:
    machine, counted = Machine(), []
    one, other = machine.run("one", iter([99.0, *range(1, 8)])), machine.run("other", cycle([10.0]))
    pairs = pairs_in_turns(one, other, machine.clock, lambda: counted.append(len(machine.ran)))
    assert PAIRS == 7
    assert pairs == [(float(seconds), 10.0) for seconds in range(1, 8)]
    firsts, seconds = machine.ran[::2], machine.ran[1::2]
    assert [*zip(firsts, seconds, strict=True)] == [("other", "one"), ("one", "other")] * 4
    assert counted == [4, 6, 8, 10, 12, 14, 16]


def test_a_rate_is_of_medians_and_the_speedup_the_median_of_pairs() -> None:
    machine = Machine()
    # Eight pairs of the dense model beside itself, 1.1 s when it goes first and 1 s when it does not.
    beside_itself = [1.0, 1.1] * 8
    dense = machine.run("dense", iter([*beside_itself, 9.0, 2.0, 2.0, 2.0, 4.0, 4.0, 8.0, 8.0]))
    pruned = machine.run("pruned", iter([9.0, 1.0, 2.0, 1.0, 1.0, 4.0, 4.0, 16.0]))
    found = rate("decode", 8, 64, dense, pruned, machine.clock, lambda: None)
    assert found.dense == pytest.approx(64 / 4)
    assert found.pruned == pytest.approx(64 / 2)
    assert found.speedup == pytest.approx(2.0)  # of 2, 1, 2, 4, 1, 2, 0.5
    assert machine.ran[:16] == ["dense"] * 16


def test_the_noise_is_how_far_the_dense_model_is_from_itself() -> None:
    machine = Machine()
    # Each pair counts the same model's first place as one, then as the other: 1.25, or 1 / 1.25.
    times = [1.0, 1.0, *[1.25, 1.0, 1.0, 1.25] * 3, 1.25, 1.0]
    dense = machine.run("dense", iter([*times, *[1.0] * 8]))
    pruned = machine.run("pruned", cycle([1.0]))
    found = rate("prefill", 1, 4, dense, pruned, machine.clock, lambda: None)
    assert found.noise == pytest.approx(0.25)
    assert found.speedup == 1.0


def test_a_machine_that_slows_down_does_not_change_the_speedup() -> None:
    machine = Machine()

    def slower() -> None:
        machine.slowness *= 1.5

    dense, pruned = (machine.run(name, cycle([seconds])) for name, seconds in (("dense", 3.0), ("p", 2.0)))
    found = rate("prefill", 1, 1, dense, pruned, machine.clock, slower)
    assert (found.speedup, found.noise) == (pytest.approx(1.5), pytest.approx(0.0))


def test_real_models_have_a_rate_for_each_phase_and_batch(
    tiny_llama: Callable[..., LlamaForCausalLM],
) -> None:
    dense, smaller = tiny_llama(num_hidden_layers=4), tiny_llama(num_hidden_layers=1)
    done: list[None] = []
    lengths = Lengths(prompt=16, generated=4)
    found = [*rates(dense, smaller, lengths, clock_of(torch.device("cpu")), lambda: done.append(None))]
    assert [(one.phase, one.batch) for one in found] == [
        *(("prefill", 1), ("prefill", 8), ("decode", 1), ("decode", 8)),
    ]
    assert len(done) == 4 * 2 * PAIRS
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


def test_each_run_decodes_after_the_same_prompt(tiny_llama: Callable[..., LlamaForCausalLM]) -> None:
    model = tiny_llama(num_hidden_layers=1)
    decode = run_of(model, "decode", 2, Lengths(prompt=8, generated=3))
    assert decode is not None
    assert lengths_of_calls(model, decode) == [(1, 8), (1, 9), (1, 10)] * 2
    prefill = run_of(model, "prefill", 2, Lengths(prompt=8, generated=3))
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
    lengths = Lengths.on("cpu", 6)
    assert lengths == Lengths(prompt=3, generated=3)
    for phase in ("prefill", "decode"):
        run = run_of(OPTForCausalLM(config).eval(), phase, 2, lengths)
        assert run is not None
        run()()


def test_lengths_are_those_of_the_device_where_the_context_allows() -> None:
    assert Lengths.on("cpu", None) == Lengths.on("cpu", 2048) == Lengths(64, 8)
    assert Lengths.on("cuda", 2048) == Lengths(512, 32)
    assert Lengths.on("cuda", 512) == Lengths(480, 32)

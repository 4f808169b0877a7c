"""The plan of a training, and the states that it resumes from."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import LlamaForCausalLM

from pruning.recipe import MomentsKind
from pruning.recovery import distil
from pruning.recovery.distil import Plan, TrainingBoundary
from pruning.resume.store import ActivationCheckpoint, SaveThrottle
from tests.pruning.recovery.test_distil import Training, windows


@pytest.mark.parametrize(
    ("dies_after", "moments"), [(5, "float32"), (8, "8-bit"), (13, "float32"), (21, "8-bit")]
)
def test_a_training_goes_on_from_its_last_state_to_the_same_bits(
    tiny_llama: Callable[..., LlamaForCausalLM],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    dies_after: int,
    moments: MomentsKind,
) -> None:
    monkeypatch.setattr(distil, "_SAVE_INTERVAL", 0.0)
    monkeypatch.setattr(SaveThrottle, "is_due", lambda throttle, size: True)
    dense, saved = tiny_llama(vocab_size=96), list[int]()

    def whenever() -> TrainingBoundary:
        return TrainingBoundary(ActivationCheckpoint(tmp_path, {"a": 1}), saved.append)

    def training() -> Training:
        return Training(dense, stored=torch.bfloat16, moments=moments)

    expected = training().run()

    def die(done: int, total: int) -> None:
        if done == dies_after:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        training().distillation.run(die, whenever())
    seen: list[int] = []
    resumed = training().distillation.run(lambda done, total: seen.append(done), whenever())
    assert resumed.curve == expected.curve
    assert resumed.weights.keys() == expected.weights.keys()
    for name, tensor in expected.weights.items():
        assert torch.equal(tensor, resumed.weights[name])
    # It has gone on where it was saved, after six, twelve and eighteen micro-batches besides the first four.
    assert seen[0] == (1 if dies_after < 10 else 10 if dies_after < 16 else 16)
    assert saved == sorted({*saved}) == [1, 2, 3]


def test_a_state_is_saved_at_most_every_two_minutes(tmp_path: Path) -> None:
    now, saved = [0.0], list[int]()
    kept = TrainingBoundary(ActivationCheckpoint(tmp_path, {}), saved.append, lambda: now[0])
    for step in range(1, 41):
        now[0] += 10
        kept.offer(step, {"master/a": torch.full((3,), float(step))})
    assert saved == [12, 24, 36]
    found = kept.load()
    assert found is not None
    assert (found[0], found[1]["master/a"].tolist()) == (36, [36, 36, 36])
    kept.drop()
    assert kept.load() is None


@pytest.mark.parametrize(
    ("count", "per_step", "micro_batch"), [(6, 2, 1), (7, 3, 2), (33, 2, 2), (1, 4, 4), (100, 7, 3)]
)
def test_a_plan_counts_what_it_hands_out(count: int, per_step: int, micro_batch: int) -> None:
    plan = Plan(windows(count, 0), windows(5, 1), per_step, micro_batch)
    done, held_out = 0, math.ceil(5 / micro_batch)
    assert plan.passes_until(0) == held_out
    done, tokens = held_out, 0
    for number, batch in plan.batches_from(1):
        done += len(plan.micro_batches(batch)) + (held_out if plan.is_judged(number) else 0)
        tokens += batch.numel()
        assert plan.passes_until(number) == done
        assert plan.tokens_until(number) == tokens
    assert (plan.passes, tokens) == (done, 12 * count)
    assert sum(plan.is_judged(step) for step in range(plan.steps + 1)) <= 10

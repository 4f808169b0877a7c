"""The plan of a training, and the states that it resumes from."""

import math
from pathlib import Path

import pytest
import torch

from pruning.recipe import StateKind
from pruning.recovery import distil
from pruning.recovery.distil import Plan, TrainingBoundary
from pruning.resume.store import ActivationCheckpoint, SaveThrottle
from tests.pruning.recovery.test_distil import Training, windows
from tests.pruning.tiny import tiny_llama


@pytest.mark.parametrize(
    ("dies_after", "state"), [(3, "float32"), (4, "bfloat16"), (7, "8-bit"), (11, "bfloat16")]
)
def test_a_training_goes_on_from_its_last_state_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_after: int, state: StateKind
) -> None:
    monkeypatch.setattr(distil, "_SAVE_INTERVAL", 0.0)
    monkeypatch.setattr(SaveThrottle, "is_due", lambda throttle, size: True)
    dense, saved = tiny_llama(vocab_size=96), list[int]()
    dense = dense if state == "float32" else dense.bfloat16()

    def whenever() -> TrainingBoundary:
        return TrainingBoundary(ActivationCheckpoint(tmp_path, {"a": 1}), tmp_path / "best", saved.append)

    def training() -> Training:
        return Training(dense, stored=torch.bfloat16, state=state)

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
    # It has gone on where it was saved: each step is a batch, and two more are judged before the first and
    # after each.
    assert seen[0] == (0 if dies_after < 5 else 5 if dies_after < 8 else 8)
    assert saved == sorted({*saved}) == [1, 2, 3]


def test_a_state_is_saved_at_most_every_two_minutes(tmp_path: Path) -> None:
    now, saved = [0.0], list[int]()
    checkpoint, best = ActivationCheckpoint(tmp_path, {}), tmp_path / "best"
    kept = TrainingBoundary(checkpoint, best, saved.append, lambda: now[0])
    for step in range(1, 41):
        now[0] += 10
        kept.offer(step, {"master/a": torch.full((3,), float(step))})
    assert saved == [12, 24, 36]
    found = kept.load()
    assert found is not None
    assert (found[0], found[1]["master/a"].tolist()) == (36, [36, 36, 36])
    kept.keep({"a": torch.ones(3)})
    kept.offer(60, {"master/a": torch.zeros(3)})
    now[0] += 1000
    kept.offer(61, {"master/a": torch.zeros(3)})
    later = TrainingBoundary(ActivationCheckpoint(tmp_path, {}), best.with_name("again"), saved.append)
    assert (later.load() or (0, {}))[1].keys() == {"master/a"}
    assert later.best["a"].tolist() == [1, 1, 1]
    later.drop()
    kept.drop()
    assert kept.load() is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("count", "per_step"), [(6, 2), (7, 3), (33, 2), (1, 4), (100, 7)])
def test_a_plan_counts_what_it_hands_out(count: int, per_step: int) -> None:
    plan = Plan(windows(count, 0), windows(5, 1), per_step)
    held_out = math.ceil(5 / per_step)
    assert plan.passes_until(0) == held_out
    done, tokens = held_out, 0
    for number, batch in plan.batches_from(1):
        done += 1 + (held_out if plan.is_judged(number) else 0)
        tokens += batch.numel()
        assert plan.passes_until(number) == done
        assert plan.tokens_until(number) == tokens
    assert (plan.passes, tokens) == (done, 12 * count)
    assert sum(plan.is_judged(step) for step in range(plan.steps + 1)) <= 10

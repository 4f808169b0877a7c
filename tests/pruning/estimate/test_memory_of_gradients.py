"""The memory that is estimated for a gradient pass, against the tensors that are alive at the peak.

The terms were read off what is alive in the first two models and the mixture; none was fitted to the last.
"""

from itertools import product
from pathlib import Path

import pytest
import torch

from pruning.calibration.activation_store import Budget
from pruning.calibration.gradient_pass import GradientPass
from pruning.calibration.gradient_schedule import Schedule, ScheduleName
from pruning.estimate import memory
from pruning.estimate.work import Windows
from pruning.models.blocks import find_stack, stack_of_layers
from pruning.models.memory import shape_of
from pruning.models.placement import Placement
from pruning.recipe import GradientNorm
from pruning.resume.store import EphemeralResumeStore
from pruning.structure.units import consumers
from tests.pruning.estimate.test_memory import MODELS, made
from tests.pruning.live_memory import LiveMemory
from tests.pruning.pruned import ignore_steps
from tests.tiers import nightly

FEW, MANY, WORDS = (Windows(2, 24), 64), (Windows(6, 80), 96), (Windows(2, 96), 1024)

# With every change each model but the first two with half of the norms and schedules.
WITH_EVERY_CHANGE = {
    (torch.bfloat16, schedule, norms, name)
    for number, name in enumerate(list(MODELS)[2:])
    for schedule, norms in (
        [("whole", ("l1",)), ("streamed", ("gates",))]
        if number % 2
        else [("whole", ("gates",)), ("streamed", ("l1",))]
    )
}
PASSES = [
    run if run in WITH_EVERY_CHANGE else nightly(*run)
    for run in product(
        (torch.float32, torch.bfloat16), ("whole", "streamed"), (("l1",), ("l1", "l2"), ("gates",)), MODELS
    )
]


@pytest.fixture(autouse=True)
def stores_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep no inputs of blocks in memory: they are given what other stages leave."""
    monkeypatch.setattr(Budget, "of", lambda *_: Budget(0, 0, 1 << 40))


@pytest.mark.parametrize(("dtype", "schedule", "norms", "name"), PASSES, ids=str)
def test_the_memory_of_a_gradient_pass_is_what_is_alive(
    dtype: torch.dtype, schedule: ScheduleName, norms: tuple[GradientNorm, ...], name: str, tmp_path: Path
) -> None:
    stored, kind = torch.float32 if dtype == torch.bfloat16 else torch.bfloat16, str(dtype)[len("torch.") :]
    for number, (windows, vocabulary) in enumerate((FEW, MANY, WORDS)):
        model = made(name, stored, blocks=3, vocabulary=vocabulary)
        shape = shape_of(find_stack(model), stored_dtype=str(stored)[len("torch.") :])
        selected = consumers(model) if norms == ("gates",) else find_stack(model).layers
        tokens = torch.randint(
            2, 64, (windows.count, windows.length), generator=torch.Generator().manual_seed(2)
        )
        gradients = GradientPass(
            Placement(model, dtype=dtype),
            tokens,
            norms=norms,
            stack=stack_of_layers(model, frozenset(layer.name for layer in selected)),
            schedule=schedule,
        )
        weights = 0 if norms == ("gates",) else len(norms)
        if schedule == "whole":
            gradients.schedule = Schedule("whole", 1)  # the least, which is what is estimated
            estimated = memory.whole_gradients(shape, windows, kind, "cpu", weights, devices=1)
        else:
            estimated = memory.streamed_gradients(shape, windows, kind, "cpu", weights)
        (scratch := tmp_path / str(number)).mkdir()
        with LiveMemory() as live:
            gradients.run(ignore_steps, EphemeralResumeStore(scratch))
        assert 0.95 <= estimated / live.peak <= 1.2, (windows, estimated / live.peak, live.peak)

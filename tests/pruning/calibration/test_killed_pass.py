"""A streamed pass with a background writer, killed between each two of its steps, resumes to the same bits.

The steps of a block: its norms are computed, its shard is written, its row commits it, the boundary below it
is saved. Each test forks, and the copy of this process kills itself; there is one thread of computation, so
that the copy can go on with it.
"""

import os
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from pruning.calibration.gradient_files import shard_number
from pruning.calibration.gradient_pass import GradientPass
from pruning.calibration.window_norms import GradientNorms
from pruning.models.blocks import selected_stack
from pruning.models.placement import Placement
from pruning.recipe import LayerSelection, Stage
from pruning.resume.hashed_file import HashedFile
from pruning.resume.store import ActivationCheckpoint, DirectoryResumeStore
from pruning.resume.writer import BackgroundWriter, BlockWriter
from pruning.runtime.pinned_memory import NoPinning, PinnedArena
from tests.pruning.families import five_windows, make
from tests.pruning.pruned import ignore_steps

pytestmark = [pytest.mark.usefixtures("two_windows_at_once", "background"), pytest.mark.slow]

BLOCKS = 5
MICRO_BATCHES = 3
SECONDS = 60.0


@pytest.fixture
def background(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this CPU write in the background, as a GPU does."""

    def writer_for(device: torch.device) -> BlockWriter:
        return BackgroundWriter(PinnedArena(NoPinning(), 0))

    monkeypatch.setattr("pruning.calibration.gradient_pass.writer_for", writer_for)


def new_pass(windows: Tensor, schedule: str) -> GradientPass:
    model = make("llama", num_hidden_layers=BLOCKS)
    return GradientPass(
        Placement(model),
        windows,
        norms=["l1"],
        stack=selected_stack(model, LayerSelection()),
        schedule=schedule,  # type: ignore[arg-type]
    )


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DeadlyStore(DirectoryResumeStore):
    """Kills its process at a moment of one block."""

    def __init__(self, directory: Path, moment: str, block: int, below_began: Callable[[], None]) -> None:
        """`below_began` waits until the block below is being computed."""
        super().__init__(directory)
        self._moment, self._block, self._below_began = moment, block, below_began

    def commit(self, stage: Stage, block: int, file: HashedFile) -> None:
        at_this_block = block == shard_number(self._block, "l1")
        if at_this_block:
            self._below_began()
            if self._moment == "the shard is written, no row yet":
                die()
        super().commit(stage, block, file)
        if at_this_block and self._moment == "the row is written":
            die()

    def activation_checkpoint(self, stage: Stage) -> ActivationCheckpoint:
        return DeadlyCheckpoint(super().activation_checkpoint(stage), self._moment, self._block)


class DeadlyCheckpoint(ActivationCheckpoint):
    def __init__(self, plain: ActivationCheckpoint, moment: str, block: int) -> None:
        self.__dict__.update(plain.__dict__)
        self._moment, self._block = moment, block

    def save(self, block: int, tensors: Mapping[str, Tensor]) -> None:
        if block == self._block - 1 and self._moment == "the boundary is due":
            die()
        super().save(block, tensors)
        if block == self._block - 1 and self._moment == "the boundary is saved":
            die()


def killed(windows: Tensor, directory: Path, moment: str, block: int) -> None:
    """Run a pass in a copy of this process, which dies at that moment."""
    child = os.fork()
    if child == 0:
        began = threading.Event()
        first_step_below = (BLOCKS - 1) * MICRO_BATCHES + (BLOCKS - block) * MICRO_BATCHES + 1

        def step(done: int, steps: int) -> None:
            if done >= first_step_below:
                began.set()

        def below_began() -> None:
            if moment in ("the shard is written, no row yet", "the row is written"):
                began.wait(SECONDS)

        try:
            new_pass(windows, "streamed").run(step, DeadlyStore(directory, moment, block, below_began))
        finally:
            os._exit(1)  # never the tests that are left
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL


@pytest.fixture(scope="module")
def undisturbed() -> GradientNorms:
    """By the other schedule, which writes nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pruning.models.memory.FULL_SPEED_TOKENS", {"cpu": 48})
        return new_pass(five_windows(), "whole").run(ignore_steps)


def finished(store: DirectoryResumeStore, gradient_pass: GradientPass) -> set[int]:
    shards = store.begin(Stage.GRADIENTS, gradient_pass.numerics_key)
    return {block for block in range(BLOCKS) if shard_number(block, "l1") in shards}


# The blocks of the pass that were durable, when it was killed at a moment of block 2 of 0 to 4.
@pytest.mark.parametrize(
    ("moment", "durable"),
    [
        ("the shard is written, no row yet", {4, 3}),  # and block 1 was begun: two are computed again
        ("the row is written", {4, 3, 2}),
        ("the boundary is due", {4, 3, 2}),
        ("the boundary is saved", {4, 3, 2}),
    ],
)
def test_a_pass_that_is_killed_repeats_two_blocks_at_most(
    moment: str,
    durable: set[int],
    undisturbed: GradientNorms,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_due = moment.startswith("the boundary")  # saving it waits for the shard, so the others find it undone
    monkeypatch.setattr("pruning.resume.store.SaveThrottle.is_due", lambda throttle, size: is_due)
    killed(five_windows(), tmp_path, moment, block=2)
    again = new_pass(five_windows(), "streamed")
    store = DirectoryResumeStore(tmp_path)
    assert finished(store, again) == durable
    found = again.run(ignore_steps, store)
    assert list(found["l1"]) == list(undisturbed["l1"])
    for name, norms in undisturbed["l1"].items():
        assert torch.equal(found["l1"][name], norms), name
    assert finished(store, again) == set(range(BLOCKS))

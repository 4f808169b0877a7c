"""Lanes give the bits of their plain definition, in one pass and in any order on several machines."""

import random
from collections.abc import Collection, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

import pytest
import torch
from torch import Tensor

from pruning.errors import InvalidInput
from pruning.gradients.gradient_pass import GradientPass
from pruning.gradients.shards import BlockShards
from pruning.inputs.gradient_header import FILE_NAME
from pruning.lanes.helping import OtherConditions, compute_lanes
from pruning.lanes.share import of_lane
from pruning.lanes.split import SplitPass
from pruning.model.blocks import find_stack
from pruning.model.placement import Placement
from pruning.recipe import Calibration, Evaluation, Recipe, Stage
from pruning.resume.hashed_file import HashedFile
from pruning.resume.store import ActivationCheckpoint, DirectoryResumeStore, NumericsKey
from pruning.resume.writer import DirectWriter
from pruning.run import RunRequest, Services, keep_gradients
from tests.pruning import naive
from tests.pruning.families import ALL_FAMILIES, make
from tests.pruning.norms import assert_equal
from tests.pruning.pruned import ignore_steps

pytestmark = pytest.mark.usefixtures("two_windows_at_once")

LANES = 3


@pytest.fixture(scope="module")
def windows() -> Tensor:
    """Windows of three lanes: of three, two and two windows."""
    return torch.randint(0, 64, (7, 24), generator=torch.Generator().manual_seed(1))


def new_pass(
    windows: Tensor, schedule: str = "whole", family: str = "llama", lanes: int = LANES, **changes: object
) -> GradientPass:
    model = make(family)
    return GradientPass(
        Placement(model, **changes),
        windows,
        norms=["l1", "l2"],
        stack=find_stack(model),
        schedule=schedule,
        lanes=lanes,
    )


class StoreInMemory:
    """A resume store of several machines: what one has committed is found by the others."""

    def __init__(self, directory: Path, rows: dict[tuple[int, str], HashedFile]) -> None:
        self._directory, self._rows, self._key = directory, rows, ""

    def begin(self, stage: Stage, numerics_key: NumericsKey) -> dict[int, HashedFile]:
        self._key = str(sorted(numerics_key.items()))
        return {number: file for (number, key), file in self._rows.items() if key == self._key}

    def directory(self, stage: Stage) -> Path:
        self._directory.mkdir(exist_ok=True)
        return self._directory

    def commit(self, stage: Stage, block: int, file: HashedFile) -> None:
        copy = file.path.with_name(f"stored-{block}")
        copy.write_bytes(file.path.read_bytes())
        self._rows[block, self._key] = HashedFile(copy, file.sha256)

    def activation_checkpoint(self, stage: Stage) -> ActivationCheckpoint:
        return ActivationCheckpoint(None, {})


class Share:
    """The lanes of a run in this process; `between` is called when this run looks for a lane."""

    def __init__(self, own: Collection[int] = range(LANES)) -> None:
        self.done: set[int] = set()
        self.own = set(own)
        self.folds: list[int] = []
        self.taken: list[int] = []
        self.count = 0
        self.closed = 0
        self.waits = iter(range(100))

    def is_worth_it(self, norm_bytes: int, *, begun: bool) -> bool:
        return True

    def open(self, numerics_key: NumericsKey, lanes: int) -> int:
        return self.count

    def finished(self) -> AbstractSet[int]:
        return set(self.done)

    def take(self) -> int | None:
        free = sorted(self.own - self.done)
        self.taken += free[:1]
        return free[0] if free else None

    def finish(self, lane: int) -> None:
        self.done.add(lane)

    def again(self, lanes: Collection[int]) -> None:
        self.done -= set(lanes)
        self.own |= set(lanes)

    def folded(self, count: int, lanes: int) -> None:
        self.count = count
        self.folds.append(count)

    def wait(self) -> None:
        next(self.waits)

    def close(self, lanes: int) -> None:
        self.closed = lanes


class Offered:
    """Lanes for a machine that helps."""

    def __init__(self, key: NumericsKey, lanes: Collection[int], share: Share) -> None:
        self.numerics_key = key
        self._lanes: Iterator[int] = iter(lanes)
        self._share = share

    def take(self) -> int | None:
        return next(self._lanes, None)

    def finish(self, lane: int) -> None:
        self._share.finish(lane)


@pytest.mark.parametrize("family", ["llama", "mixtral", "gpt2"])
def test_lanes_are_their_plain_definition(family: str, windows: Tensor) -> None:
    model = make(family)
    found = new_pass(windows, family=family).run(ignore_steps)
    for norm in ("l1", "l2"):
        alone = [naive.gradient_norms(model, lane, norm) for lane in torch.tensor_split(windows, LANES)]
        for name, tensor in found[norm].items():
            sums = [lane[name] ** (2 if norm == "l2" else 1) for lane in alone]
            expected = sums[0] + sums[1] + sums[2]
            expected = expected.sqrt() if norm == "l2" else expected
            assert (tensor - expected).norm() <= 1e-6 * expected.norm(), (norm, name)


def test_each_lane_is_a_pass_of_its_own_and_their_sums_are_added_in_order(windows: Tensor) -> None:
    found = new_pass(windows).run(ignore_steps)
    first, *others = (
        new_pass(lane, lanes=1).run(ignore_steps)["l1"] for lane in torch.tensor_split(windows, LANES)
    )
    for other in others:
        first = {name: tensor + other[name] for name, tensor in first.items()}
    assert all(torch.equal(found["l1"][name], tensor) for name, tensor in first.items())


@pytest.mark.parametrize("family", ALL_FAMILIES)
@pytest.mark.slow
def test_both_schedules_give_the_same_bits_with_lanes(family: str, windows: Tensor, tmp_path: Path) -> None:
    expected = new_pass(windows, "whole", family).run(ignore_steps)
    streamed = new_pass(windows, "streamed", family).run(ignore_steps, StoreInMemory(tmp_path, {}))
    assert_equal(streamed, expected)


def test_one_lane_is_what_a_pass_without_lanes_is(windows: Tensor) -> None:
    assert "lanes" not in new_pass(windows, lanes=1).numerics_key
    assert new_pass(windows).numerics_key["lanes"] == LANES


def test_lanes_need_as_many_windows(windows: Tensor) -> None:
    with pytest.raises(InvalidInput, match="8 lanes need as many windows, and there are 7") as refused:
        new_pass(windows, lanes=8)
    assert refused.value.field == "lanes"


@pytest.mark.parametrize("schedule", ["whole", "streamed"])
@pytest.mark.parametrize("own", [[0, 1, 2], [0, 2], [1], []], ids=str)
def test_the_bits_do_not_depend_on_who_computes_which_lane(
    schedule: str, own: list[int], windows: Tensor, tmp_path: Path
) -> None:
    expected = new_pass(windows, schedule).run(ignore_steps, StoreInMemory(tmp_path / "alone", {}))
    rows: dict[tuple[int, str], HashedFile] = {}
    owners = new_pass(windows, schedule)
    share = Share(own)
    others = [lane for lane in range(LANES) if lane not in own]
    random.Random(len(own)).shuffle(others)  # noqa: S311 - no secret
    model = make("llama")
    compute_lanes(
        Placement(model),
        windows,
        find_stack(model),
        Offered(owners.numerics_key, others, share),
        StoreInMemory(tmp_path / "coworker", rows),
        ignore_steps,
    )
    found = SplitPass(owners, share, StoreInMemory(tmp_path / "owner", rows)).run(ignore_steps)
    assert_equal(found, expected)
    assert share.taken == own


@pytest.mark.parametrize("at_once", [1, 2])
def test_a_run_that_dies_between_any_two_steps_goes_on_to_the_same_bits(
    at_once: int, windows: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pruning.lanes.split.FOLDED_AT_ONCE", at_once)
    expected = new_pass(windows).run(ignore_steps)
    rows: dict[tuple[int, str], HashedFile] = {}
    share, commits = Share(), 0

    class Dies(Exception):
        pass

    class DyingStore(StoreInMemory):
        def commit(self, stage: Stage, block: int, file: HashedFile) -> None:
            nonlocal commits
            commits += 1
            super().commit(stage, block, file)
            if commits % 5 == 0:
                raise Dies

    for attempt in range(40):
        try:
            store = DyingStore(tmp_path / str(attempt), rows)
            found = SplitPass(new_pass(windows), share, store).run(ignore_steps)
            break
        except Dies:
            continue
    assert attempt > 1
    assert_equal(found, expected)
    assert share.folds == list(range(at_once, LANES, at_once))


def test_sums_that_are_damaged_are_computed_again(windows: Tensor, tmp_path: Path) -> None:
    rows: dict[tuple[int, str], HashedFile] = {}
    store, share, owners = StoreInMemory(tmp_path, rows), Share(), new_pass(windows)
    shards = BlockShards(of_lane(store, 1), owners.numerics_key, owners.norms, DirectWriter(), "lane-01-")
    owners.run_lane(1, ignore_steps, shards, of_lane(store, 1))
    share.finish(1)
    del rows[next(iter(rows))]
    found = SplitPass(owners, share, store).run(ignore_steps)
    assert_equal(found, new_pass(windows).run(ignore_steps))
    assert sorted(share.taken) == [0, 1, 2]


def test_norms_that_are_finished_are_read_by_a_later_attempt_though_no_lane_is_left(
    tiny_llama_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calibration = Calibration(dataset="builtin", samples=16, sequence_length=16)
    recipe = Recipe(model=str(tiny_llama_dir), calibration=calibration, norms=("l1",), lanes=16)

    def attempt(name: str) -> tuple[bytes, Share]:
        share = Share(range(16))
        services = Services(resume_store=DirectoryResumeStore(tmp_path / "store"), lane_share=share)
        keep_gradients(RunRequest(recipe, Evaluation(), tmp_path / name), services)
        return (tmp_path / name / FILE_NAME).read_bytes(), share

    first, share = attempt("first")
    assert (len(share.taken), share.closed) == (16, 16)

    def computes(*_: object) -> None:
        raise AssertionError("the norms were there")

    for name in ("_run_whole", "run_lane"):
        monkeypatch.setattr(GradientPass, name, computes)
    again, share = attempt("again")
    assert again == first
    assert (share.taken, share.closed) == ([], 16)  # so that what is left of sums is deleted


def test_a_machine_that_would_give_other_bits_does_not_help(windows: Tensor, tmp_path: Path) -> None:
    key = {**new_pass(windows).numerics_key, "threads": 99}
    model = make("llama")
    with pytest.raises(OtherConditions, match="this worker's threads would give other bits"):
        compute_lanes(
            Placement(model),
            windows,
            find_stack(model),
            Offered(key, [0], Share()),
            StoreInMemory(tmp_path, {}),
            ignore_steps,
        )


def test_a_lane_that_runs_out_of_memory_makes_all_lanes_start_again(
    windows: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: list[object] = []

    class Opened(Share):
        def open(self, numerics_key: NumericsKey, lanes: int) -> int:
            keys.append(numerics_key["micro_batch"])
            self.done.clear()
            self.own, self.count = set(range(lanes)), 0
            return 0

        def finish(self, lane: int) -> None:
            super().finish(lane)
            if len(keys) == 1 and lane == 1:
                raise torch.OutOfMemoryError("out of memory")

    found = SplitPass(new_pass(windows), Opened(), StoreInMemory(tmp_path, {})).run(ignore_steps)
    assert keys == [2, 1]
    monkeypatch.undo()
    assert found.keys() == {"l1", "l2"}

"""The streamed schedule gives the same bits as `whole`, wherever it is interrupted and resumed."""

import mmap
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from pruning.calibration import activation_store
from pruning.calibration.activation_store import ActivationStore, Budget
from pruning.calibration.gradient_pass import GradientPass
from pruning.calibration.lm_head import LMHeadLoss
from pruning.calibration.window_norms import WindowNorms
from pruning.models import memory
from pruning.models.blocks import selected_stack
from pruning.models.layers import LinearLayer
from pruning.models.placement import Placement
from pruning.recipe import GradientNorm, LayerSelection
from pruning.resume.store import DirectoryResumeStore, EphemeralResumeStore
from tests.pruning.families import EACH_FAMILY, five_windows, make
from tests.pruning.norms import assert_equal
from tests.pruning.pruned import ignore_steps
from tests.pruning.runtime.deferred_stream import ForgetfulStream
from tests.pruning.runtime.recorded_pinning import RecordedPinning

CPU = torch.device("cpu")


class Interrupted(Exception):
    """Stands for the death of the process."""


pytestmark = [pytest.mark.usefixtures("two_windows_at_once"), pytest.mark.slow]


def new_pass(
    windows: Tensor,
    schedule: str,
    family: str = "llama",
    dtype: torch.dtype = torch.float32,
    **selection: object,
) -> GradientPass:
    """Return a pass over a model that is stored in float32; llama and bloom have five blocks."""
    blocks = {"n_layer": 5} if family == "bloom" else {"num_hidden_layers": 5} if family == "llama" else {}
    model = make(family, **blocks)
    return GradientPass(
        Placement(model, dtype=dtype),
        windows,
        norms=["l1", "l2"],
        stack=selected_stack(model, LayerSelection(**selection)),
        schedule=schedule,
    )


@pytest.mark.parametrize("family", EACH_FAMILY)
def test_both_schedules_give_the_same_bits(family: str, tmp_path: Path) -> None:
    expected = new_pass(five_windows(), "whole", family).run(ignore_steps)
    assert_equal(
        new_pass(five_windows(), "streamed", family).run(ignore_steps, EphemeralResumeStore(tmp_path)),
        expected,
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_both_schedules_give_the_same_bits_in_a_narrow_dtype(dtype: torch.dtype, tmp_path: Path) -> None:
    expected = new_pass(five_windows(), "whole", dtype=dtype).run(ignore_steps)
    assert {tensor.dtype for tensor in expected["l2"].values()} == {torch.float32}
    assert_equal(
        new_pass(five_windows(), "streamed", dtype=dtype).run(ignore_steps, EphemeralResumeStore(tmp_path)),
        expected,
    )


@pytest.mark.parametrize("schedule", ["whole", "streamed"])
@pytest.mark.parametrize(
    "selection", [{"include": ["*.1.*", "*.3.mlp.*"]}, {"exclude": ["*.4.*", "*.0.self_attn.*"]}]
)
def test_a_selection_gives_the_norms_of_a_pass_over_all_layers(
    schedule: str, selection: dict[str, list[str]], tmp_path: Path
) -> None:
    everything = new_pass(five_windows(), "whole").run(ignore_steps)
    found = new_pass(five_windows(), schedule, **selection).run(ignore_steps, EphemeralResumeStore(tmp_path))
    assert 0 < len(found["l1"]) < len(everything["l1"])
    expected = {norm: {name: everything[norm][name] for name in found[norm]} for norm in found}
    assert_equal(found, expected)


@pytest.mark.parametrize(
    "places", [(0, 0, 9), (2, 0, 9), (3, 0, 0), (1, 0, 1), (0, 0, 0), (0, 9, 0), (1, 2, 9)]
)
def test_the_bits_do_not_depend_on_where_block_inputs_are_stored(
    places: tuple[int, int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = five_windows().numel() * 32 * 4
    budget = Budget(*(count * one for count in places))
    monkeypatch.setattr(Budget, "of", classmethod(lambda cls, device, directory: budget))
    expected = new_pass(five_windows(), "whole").run(ignore_steps)
    assert_equal(
        new_pass(five_windows(), "streamed").run(ignore_steps, EphemeralResumeStore(tmp_path)), expected
    )
    assert not list(tmp_path.rglob("inputs"))


@pytest.mark.parametrize("places", [(0, 9, 0), (1, 2, 9), (1, 3, 0)])
def test_inputs_and_deltas_move_during_the_computation(
    places: tuple[int, int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was used before its copy, or freed before it, would change the bits."""
    one, stream = five_windows().numel() * 32 * 4, ForgetfulStream()
    budget = Budget(*(count * one for count in places))
    monkeypatch.setattr(Budget, "of", classmethod(lambda cls, device, directory: budget))
    monkeypatch.setattr(activation_store, "copy_stream_for", lambda device: stream)
    expected = new_pass(five_windows(), "whole").run(ignore_steps)
    assert not stream.events
    found = new_pass(five_windows(), "streamed").run(ignore_steps, DirectoryResumeStore(tmp_path))
    assert_equal(found, expected)
    assert "copy" in stream.events
    assert not stream.waiting


@pytest.mark.parametrize(
    ("places", "expected"),
    [((0, 5, 0), "pinned"), ((1, 5, 0), "device"), ((0, 0, 9), "disk")],
    ids=str,
)
def test_deltas_are_stored_within_the_budget_like_inputs(
    places: tuple[int, int, int], expected: str, tmp_path: Path
) -> None:
    one = 2 * 4 * 32 * 32  # bytes of all micro-batches
    hidden = torch.rand(2, 32, 32)
    pinning = RecordedPinning()
    store = ActivationStore(
        4, one, Budget(*(one * count for count in places)), CPU, tmp_path, pinning=pinning
    )
    for turn in range(3):
        for number in range(2):
            store.deltas.put(number, hidden[number] + turn)
        assert len(pinning.pinned) == (2 if expected == "pinned" else 0)
        assert len(list(tmp_path.iterdir())) == (2 if expected == "disk" else 0)
        for found in (dict(store.deltas), store.deltas.on_host()):
            assert list(found) == ["0", "1"]
            assert all(torch.equal(found[str(number)], hidden[number] + turn) for number in range(2))
    store.close()
    assert not pinning.pinned
    assert not store.deltas


def test_pinned_memory_is_used_again_for_later_blocks_and_given_back(tmp_path: Path) -> None:
    pinning, hidden = RecordedPinning(), torch.rand(1, 5, 5)
    budget = Budget(device=0, host=4 * mmap.PAGESIZE, disk=0)
    store = ActivationStore(2, 100, budget, CPU, tmp_path, pinning=pinning)
    store.append(0, hidden)
    first = store.fetch(0, 0)
    store.drop(0)
    store.append(1, hidden + 1)
    assert pinning.calls == 1
    assert torch.equal(first, hidden)  # what was fetched is not in the pinned memory
    assert torch.equal(store.fetch(1, 0), hidden + 1)
    store.close()
    assert not pinning.pinned


def test_inputs_go_to_the_disk_where_the_system_refuses_to_pin(tmp_path: Path) -> None:
    hidden = torch.rand(1, 5, 5)
    store = ActivationStore(
        2, 100, Budget(device=0, host=10_000, disk=0), CPU, tmp_path, pinning=RecordedPinning(most=0)
    )
    store.append(0, hidden)
    assert [path.name for path in tmp_path.iterdir()] == ["0-0.safetensors"]
    assert torch.equal(store.fetch(0, 0), hidden)


@pytest.mark.parametrize(("blocks", "slots"), [(30, 40), (30, 30), (30, 12), (30, 3), (7, 5), (1, 0)])
def test_no_more_inputs_are_stored_than_fit(blocks: int, slots: int, tmp_path: Path) -> None:
    inputs = ActivationStore(blocks, 100, Budget(100 * slots, 0, 0), CPU, tmp_path)
    kept = [block for block in range(blocks) if inputs.retains(block)]
    fewest = min(-(-blocks // k) + k for k in range(1, blocks + 1))
    assert kept[0] == 0
    assert len(kept) + inputs.interval <= max(slots, fewest)  # with the recomputed ones, and the gradient
    assert inputs.interval == 1 or blocks + 1 > slots


@pytest.mark.parametrize(("device", "interval"), [("cpu", 1), ("cuda", 3)])
def test_a_gpu_recomputes_inputs_rather_than_use_the_disk(device: str, interval: int, tmp_path: Path) -> None:
    # 14 slots in memory besides the gradient's: every third block needs 10 + 2, every second 15 + 1.
    budget = Budget(device=300, host=1200, disk=100_000)
    assert ActivationStore(30, 100, budget, torch.device(device), tmp_path).interval == interval


def test_a_gpu_uses_the_disk_where_memory_fits_no_interval(tmp_path: Path) -> None:
    budget = Budget(device=300, host=300, disk=100_000)
    assert ActivationStore(30, 100, budget, torch.device("cuda"), tmp_path).interval == 1


def test_one_slot_on_the_device_is_reserved_for_the_gradient(tmp_path: Path) -> None:
    hidden = torch.rand(1, 5, 5)
    inputs = ActivationStore(4, 100, Budget(device=300, host=0, disk=1000), CPU, tmp_path)
    for block in range(4):
        inputs.append(block, hidden + block)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0-0.safetensors", "1-0.safetensors"]
    assert all(torch.equal(inputs.fetch(block, 0), hidden + block) for block in range(4))


def test_step_is_called_as_often_as_announced(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    streamed = new_pass(five_windows(), "streamed")
    streamed.run(lambda *at: steps.append(at), EphemeralResumeStore(tmp_path))
    assert steps == [(done, streamed.steps) for done in range(1, streamed.steps + 1)]


class ComputedLayers:
    """Records the layers whose norms are computed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.layers: set[str] = set()
        plain = WindowNorms.__init__

        def count(sums: WindowNorms, layer: LinearLayer, norms: list[GradientNorm]) -> None:
            if norms == ["l1", "l2"]:  # not the trial of a skippable product
                self.layers.add(layer.name)
            plain(sums, layer, norms)

        monkeypatch.setattr(WindowNorms, "__init__", count)


@pytest.mark.parametrize("family", ["llama", "bloom"])
@pytest.mark.parametrize("activation_checkpoint", ["kept", "lost", "damaged"])
@pytest.mark.parametrize("finished", [1, 3, 4])
def test_an_interrupted_pass_resumes_bit_for_bit(
    family: str, activation_checkpoint: str, finished: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = new_pass(five_windows(), "whole", family).run(ignore_steps)
    total = new_pass(five_windows(), "streamed", family).steps
    last = total - 3 * (5 - finished)  # three micro-batches per block

    def interrupt(done: int, _: int) -> None:
        if done > last:
            raise Interrupted

    with pytest.raises(Interrupted):
        new_pass(five_windows(), "streamed", family).run(interrupt, DirectoryResumeStore(tmp_path))
    for path in tmp_path.rglob("activations-*"):
        if activation_checkpoint == "lost":
            path.unlink()
        elif activation_checkpoint == "damaged":
            path.write_bytes(path.read_bytes()[:-1] + b"\x01")

    computed = ComputedLayers(monkeypatch)
    assert_equal(
        new_pass(five_windows(), "streamed", family).run(ignore_steps, DirectoryResumeStore(tmp_path)),
        expected,
    )
    assert len({name.split(".")[2] for name in computed.layers}) == 5 - finished


def test_a_finished_pass_computes_nothing_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = new_pass(five_windows(), "streamed").run(ignore_steps, DirectoryResumeStore(tmp_path))
    computed = ComputedLayers(monkeypatch)
    assert_equal(
        new_pass(five_windows(), "streamed").run(ignore_steps, DirectoryResumeStore(tmp_path)), expected
    )
    assert not computed.layers


@pytest.mark.parametrize("schedule", ["whole", "streamed"])
@pytest.mark.parametrize("error", [torch.OutOfMemoryError, MemoryError, RuntimeError])
def test_out_of_memory_halves_the_micro_batch(
    schedule: str, error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain: Callable[..., Tensor] = LMHeadLoss.gradient

    def gradient(head: LMHeadLoss, hidden: Tensor, tokens: Tensor) -> Tensor:
        if len(tokens) > 1:
            raise error("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
        return plain(head, hidden, tokens)

    monkeypatch.setattr(LMHeadLoss, "gradient", gradient)
    halved = new_pass(five_windows(), schedule)
    assert halved.schedule.micro_batch == 2
    found = halved.run(ignore_steps, DirectoryResumeStore(tmp_path))
    assert halved.schedule.micro_batch == 1
    monkeypatch.undo()
    monkeypatch.setitem(memory.FULL_SPEED_TOKENS, "cpu", 24)
    assert_equal(found, new_pass(five_windows(), "whole").run(ignore_steps))


def test_other_errors_are_raised() -> None:
    def fail(done: int, total: int) -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        new_pass(five_windows(), "whole").run(fail)

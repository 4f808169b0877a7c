"""The streamed schedule: bit for bit what the whole one gives, wherever it is cut short and resumed."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from pruning.gradients.activation_store import BlockInputs, Budget
from pruning.gradients.gradient_pass import GradientPass
from pruning.gradients.lm_head import LMHeadLoss
from pruning.gradients.window_norms import GradientNorms, WindowNorms
from pruning.model import batching
from pruning.model.layers import LinearLayer
from pruning.model.placement import Placement
from pruning.recipe import GradientNorm, LayerSelection
from pruning.resume.store import DirectoryResumeStore, EphemeralResumeStore
from tests.pruning.families import ALL_FAMILIES, make
from tests.pruning.pruned import ignore_steps

CPU = torch.device("cpu")


class Cut(Exception):
    """The process dies."""


pytestmark = pytest.mark.usefixtures("two_windows_at_once")


def a_pass(
    windows: Tensor,
    schedule: str,
    family: str = "llama",
    dtype: torch.dtype = torch.float32,
    **selection: object,
) -> GradientPass:
    """Of a model that is stored in float32."""
    blocks = {"n_layer": 5} if family == "bloom" else {"num_hidden_layers": 5} if family == "llama" else {}
    return GradientPass(
        Placement(make(family, **blocks), dtype=dtype),
        windows,
        norms=["l1", "l2"],
        schedule=schedule,
        selection=LayerSelection(**selection),
    )


def assert_equal(found: GradientNorms, expected: GradientNorms) -> None:
    assert found.keys() == expected.keys() == {"l1", "l2"}
    for norm, layers in expected.items():
        assert list(found[norm]) == list(layers)
        for name, tensor in layers.items():
            assert torch.equal(found[norm][name], tensor), (norm, name)


@pytest.mark.parametrize("family", ALL_FAMILIES)
def test_both_schedules_give_the_same_bits(family: str, five_windows: Tensor, tmp_path: Path) -> None:
    expected = a_pass(five_windows, "whole", family).run(ignore_steps)
    assert_equal(
        a_pass(five_windows, "streamed", family).run(ignore_steps, EphemeralResumeStore(tmp_path)), expected
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_so_they_do_where_each_block_is_cast_while_it_works(
    dtype: torch.dtype, five_windows: Tensor, tmp_path: Path
) -> None:
    expected = a_pass(five_windows, "whole", dtype=dtype).run(ignore_steps)
    assert {tensor.dtype for tensor in expected["l2"].values()} == {torch.float32}
    assert_equal(
        a_pass(five_windows, "streamed", dtype=dtype).run(ignore_steps, EphemeralResumeStore(tmp_path)),
        expected,
    )


@pytest.mark.parametrize(
    "selection", [{"include": ["*.1.*", "*.3.mlp.*"]}, {"exclude": ["*.4.*", "*.0.self_attn.*"]}]
)
def test_blocks_without_a_selected_layer_are_only_passed(
    selection: dict[str, list[str]], five_windows: Tensor, tmp_path: Path
) -> None:
    everything = a_pass(five_windows, "whole").run(ignore_steps)
    found = a_pass(five_windows, "streamed", **selection).run(ignore_steps, EphemeralResumeStore(tmp_path))
    assert 0 < len(found["l1"]) < len(everything["l1"])
    expected = {norm: {name: everything[norm][name] for name in found[norm]} for norm in found}
    assert_equal(found, expected)


@pytest.mark.parametrize("places", [(0, 0, 9), (2, 0, 9), (3, 0, 0), (1, 0, 1), (0, 0, 0)])
def test_the_numbers_do_not_depend_on_where_block_inputs_are_kept(
    places: tuple[int, int, int], five_windows: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = five_windows.numel() * 32 * 4
    budget = Budget(*(count * one for count in places))
    monkeypatch.setattr(Budget, "of", classmethod(lambda cls, device, directory: budget))
    expected = a_pass(five_windows, "whole").run(ignore_steps)
    assert_equal(a_pass(five_windows, "streamed").run(ignore_steps, EphemeralResumeStore(tmp_path)), expected)
    assert not list(tmp_path.rglob("inputs"))


@pytest.mark.parametrize(("blocks", "places"), [(30, 40), (30, 30), (30, 12), (30, 3), (7, 5), (1, 0)])
def test_no_more_inputs_are_held_than_have_places(blocks: int, places: int, tmp_path: Path) -> None:
    inputs = BlockInputs(blocks, 100, Budget(100 * places, 0, 0), CPU, tmp_path)
    kept = [block for block in range(blocks) if inputs.keeps(block)]
    fewest = min(-(-blocks // k) + k for k in range(1, blocks + 1))
    assert kept[0] == 0
    assert len(kept) + inputs.every <= max(places, fewest)  # with those between, and the gradient
    assert inputs.every == 1 or blocks + 1 > places


@pytest.mark.parametrize(("device", "apart"), [("cpu", 1), ("cuda", 3)])
def test_a_gpu_computes_inputs_again_before_it_waits_for_a_disk(
    device: str, apart: int, tmp_path: Path
) -> None:
    # 14 places in memory beside the gradient's: every third block takes 10 + 2, every second 15 + 1.
    budget = Budget(device=300, host=1200, disk=100_000)
    assert BlockInputs(30, 100, budget, torch.device(device), tmp_path).every == apart


def test_where_memory_does_not_even_do_for_that_the_disk_is_used(tmp_path: Path) -> None:
    budget = Budget(device=300, host=300, disk=100_000)
    assert BlockInputs(30, 100, budget, torch.device("cuda"), tmp_path).every == 1


def test_the_gradient_has_one_of_the_places_on_the_device(tmp_path: Path) -> None:
    hidden = torch.rand(1, 5, 5)
    inputs = BlockInputs(4, 100, Budget(device=300, host=0, disk=1000), CPU, tmp_path)
    for block in range(4):
        inputs.append(block, hidden + block)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0-0.safetensors", "1-0.safetensors"]
    assert all(torch.equal(inputs.fetch(block, 0), hidden + block) for block in range(4))


def test_every_step_is_reported(five_windows: Tensor, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    streamed = a_pass(five_windows, "streamed")
    streamed.run(lambda *at: steps.append(at), EphemeralResumeStore(tmp_path))
    assert steps == [(done, streamed.steps) for done in range(1, streamed.steps + 1)]


class Counted:
    """Counts the gradients that are formed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.layers: set[str] = set()
        plain = WindowNorms.__init__

        def count(sums: WindowNorms, layer: LinearLayer, norms: list[GradientNorm]) -> None:
            if norms == ["l1", "l2"]:  # and not one of the few tokens that a block is tried on
                self.layers.add(layer.name)
            plain(sums, layer, norms)

        monkeypatch.setattr(WindowNorms, "__init__", count)


@pytest.mark.parametrize("family", ["llama", "bloom"])
@pytest.mark.parametrize("activation_checkpoint", ["kept", "lost", "damaged"])
@pytest.mark.parametrize("finished", [1, 3, 4])
def test_a_pass_that_was_cut_short_goes_on_bit_for_bit(
    family: str,
    activation_checkpoint: str,
    finished: int,
    five_windows: Tensor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = a_pass(five_windows, "whole", family).run(ignore_steps)
    total = a_pass(five_windows, "streamed", family).steps
    last = total - 3 * (5 - finished)  # three micro-batches per block

    def cut(done: int, _: int) -> None:
        if done > last:
            raise Cut

    with pytest.raises(Cut):
        a_pass(five_windows, "streamed", family).run(cut, DirectoryResumeStore(tmp_path))
    for path in tmp_path.rglob("activations-*"):
        if activation_checkpoint == "lost":
            path.unlink()
        elif activation_checkpoint == "damaged":
            path.write_bytes(path.read_bytes()[:-1] + b"\x01")

    formed = Counted(monkeypatch)
    assert_equal(
        a_pass(five_windows, "streamed", family).run(ignore_steps, DirectoryResumeStore(tmp_path)), expected
    )
    assert len({name.split(".")[2] for name in formed.layers}) == 5 - finished


def test_a_finished_pass_forms_nothing_again(
    five_windows: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = a_pass(five_windows, "streamed").run(ignore_steps, DirectoryResumeStore(tmp_path))
    formed = Counted(monkeypatch)
    assert_equal(a_pass(five_windows, "streamed").run(ignore_steps, DirectoryResumeStore(tmp_path)), expected)
    assert not formed.layers


@pytest.mark.parametrize("schedule", ["whole", "streamed"])
@pytest.mark.parametrize("error", [torch.OutOfMemoryError, MemoryError, RuntimeError])
def test_where_memory_runs_out_half_as_many_windows_share_a_pass(
    schedule: str,
    error: type[Exception],
    five_windows: Tensor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain: Callable[..., Tensor] = LMHeadLoss.gradient

    def gradient(tail: LMHeadLoss, hidden: Tensor, tokens: Tensor) -> Tensor:
        if len(tokens) > 1:
            raise error("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
        return plain(tail, hidden, tokens)

    monkeypatch.setattr(LMHeadLoss, "gradient", gradient)
    halved = a_pass(five_windows, schedule)
    assert halved.schedule.micro_batch == 2
    found = halved.run(ignore_steps, DirectoryResumeStore(tmp_path))
    assert halved.schedule.micro_batch == 1
    monkeypatch.undo()
    monkeypatch.setitem(batching._ENOUGH_TOKENS, "cpu", 24)
    assert_equal(found, a_pass(five_windows, "whole").run(ignore_steps))


def test_other_errors_end_the_pass(five_windows: Tensor) -> None:
    def fail(done: int, total: int) -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        a_pass(five_windows, "whole").run(fail)

"""A block that runs out of memory while it is pruned or cut is tried once more, with the same bits.

The failures are fake: an operation raises torch's error in place of what it returns.
"""

import gc
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from pruning.calibration.gradient_pass import gradient_norms
from pruning.calibration.window_norms import GradientNorms
from pruning.methods.prune_blocks import prune_blocks
from pruning.methods.results import InMemory, StoredBlocks
from pruning.models.blocks import find_stack, prunable_stack
from pruning.models.placement import Placement
from pruning.pipeline.resources import retry_block
from pruning.recipe import Recipe, StructureOptions
from pruning.resume.store import DirectoryResumeStore, SaveThrottle
from pruning.runtime.copy_streams import DirectCopyStream
from pruning.structure.cut import cut_blocks
from pruning.structure.plan import CutPlan
from pruning.structure.results import StoredCut
from tests.pruning.families import five_windows, make
from tests.pruning.live_memory import LiveMemory
from tests.pruning.pruned import gates_of, ignore_steps
from tests.tiers import nightly

# Functions of which each has operations of its own. Failures are late in the second block, and at the last.
STAGES = {
    *("_Pruning.begin", "layer_targets"),
    *("permute", "put_in_order", "begin_block", "_last_layer_of_residual", "input_groups"),
    *("measure", "watch"),
    *("with_target", "admm_support", "sparsegpt", "refitted", "swapped", "_prune", "prune", "cut", "mask"),
    *("put", "advance", "save", "prefetch"),
}


_NUMBERS = 64  # bytes: a router may still have the numbers of removed experts


class FakeAllocationFailure(LiveMemory):
    """Lets one operation fail as CUDA fails that cannot allocate its result, and notes the stage of each."""

    def __init__(self, at: int | None = None) -> None:
        super().__init__(finds_peak=False)
        self._at = at
        self._count = 0
        self.stages: dict[str, list[int]] = defaultdict(list)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self._count += 1
        if self._at is None:
            self.stages[_stage()].append(self._count)
        if self._count == self._at:
            raise torch.OutOfMemoryError("CUDA out of memory (a fake allocation failure)")
        return super().__torch_dispatch__(func, types, args, kwargs)


def _stage() -> str:
    frame = sys._getframe(2)
    while not (found := STAGES & {frame.f_code.co_name, frame.f_code.co_qualname}) and frame.f_back:
        frame = frame.f_back
    return next(iter(found), "another")


@dataclass
class Watch:
    """Retries blocks as a run does, and checks what an attempt has left when the next one begins."""

    placement: Placement
    failure: FakeAllocationFailure
    directory: Path
    failed: int = 0
    _dense: Mapping[str, Tensor] = field(init=False)

    def __post_init__(self) -> None:
        self._dense = {name: tensor.clone() for name, tensor in self.placement.model.state_dict().items()}

    def __call__(self, attempt: Callable[[], None], reduce: Callable[[], None]) -> None:
        held: dict[int, int] = {}  # by finished blocks: one of these may have new hidden states

        def watched() -> None:
            if held:
                self.failed += 1
                self._check_nothing_is_left()
            finished = len([*self.directory.rglob("0000*.safetensors")])
            now = self.failure.held - self._prefetched_bytes()
            most = held.setdefault(finished, now) + _NUMBERS
            assert now <= most, "tensors of the attempt that has failed are alive"
            attempt()

        retry_block(watched, reduce)

    def _prefetched_bytes(self) -> int:
        """Return what the next block takes, and the chunk through which it is copied."""
        prefetcher = self.placement._prefetchers[self.placement.device]
        ahead = prefetcher._prefetched[1]._targets if prefetcher._prefetched else []
        staging = prefetcher._side_copies._staging if prefetcher._side_copies else None
        return sum(tensor.nbytes for tensor in ahead) + (0 if staging is None else staging.nbytes)

    def _check_nothing_is_left(self) -> None:
        assert self._prefetched_bytes() == 0
        for module in self.placement.model.modules():
            assert not module._forward_hooks
            assert not module._forward_pre_hooks
        for name, tensor in self.placement.model.state_dict().items():
            assert torch.equal(tensor, self._dense[name]), name


Prune = Callable[[Path, FakeAllocationFailure], Watch]
"""Prunes or cuts a model with the blocks in files below a directory."""


def check_at_each_stage(run: Prune, expected_stages: set[str], directory: Path) -> None:
    """Compare the stored blocks of a run with those of runs that have failed once, in each stage."""
    free, whole = FakeAllocationFailure(), directory / "whole"
    run(directory / "first", FakeAllocationFailure())  # libraries compute constants when they are first used
    assert run(whole, free).failed == 0
    assert expected_stages <= free.stages.keys()
    expected = {path.name: path.read_bytes() for path in whole.rglob("0000*.safetensors")}
    assert len(expected) == 2
    points = {
        point: stage
        for stage, operations in free.stages.items()
        if stage != "another"
        for point in (operations[len(operations) * 7 // 8], operations[-1])
    }
    for point, stage in points.items():
        watch = run(directory / str(point), FakeAllocationFailure(point))
        assert watch.failed == (stage != "prefetch"), (stage, point)  # what is not prefetched is copied later
        found = {path.name: path.read_bytes() for path in (directory / str(point)).rglob("0000*.safetensors")}
        assert found.keys() == expected.keys()
        differing = [name for name in expected if found[name] != expected[name]]
        assert not differing, (stage, point, differing)


def placed(family: str) -> Placement:
    """Place a model stored in bfloat16 such that each block is copied, and the next one copied ahead."""
    model = make(family, torch.bfloat16, num_hidden_layers=2)
    return Placement(model, dtype=torch.float32, copy_stream=DirectCopyStream())


def norms_of(family: str, recipe: Recipe, windows: Tensor) -> GradientNorms:
    """Compute norms that are not views of others, as those of a run."""
    if not recipe.gradient_norms:
        return {}
    model = make(family, num_hidden_layers=2)
    return gradient_norms(model, windows, norms=recipe.gradient_norms, step=ignore_steps)


@pytest.fixture(autouse=True)
def checkpoints_are_always_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SaveThrottle, "is_due", lambda self, size: True)


@pytest.fixture(autouse=True)
def only_what_a_test_makes_is_collected() -> Iterator[None]:
    """Garbage is collected for each attempt, and would be looked for in all modules that are imported."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


PRUNING: dict[str, tuple[str, dict[str, Any], set[str]]] = {
    "wanda, owl": ("llama", {"method": "wanda", "allocation": "owl"}, {"layer_targets", "_Pruning.begin"}),
    "gblm, permuted": (
        "llama",
        {"method": "gblm", "pattern": "2:4", "permute": True},
        {"permute", "put_in_order"},
    ),
    "best": (
        "llama",
        {"method": "best"},
        {"begin_block", "_last_layer_of_residual", "with_target", "admm_support", "refitted"},
    ),
    "swaps": ("gpt2", {"method": "wanda", "swaps": 3}, {"swapped"}),
    "sparsegpt": ("gpt2", {"method": "sparsegpt"}, {"sparsegpt"}),
    "experts": (
        "mixtral",
        {"method": "wanda", "refit": {"iterations": 2}, "order": "layers"},
        {"input_groups", "refitted"},
    ),
    "magnitude": ("llama", {"method": "magnitude"}, set()),
}


@pytest.mark.parametrize("name", [name if name == "sparsegpt" else nightly(name) for name in PRUNING])
@pytest.mark.usefixtures("two_windows_at_once")
def test_a_block_that_ran_out_of_memory_is_pruned_with_the_same_bits(name: str, tmp_path: Path) -> None:
    family, fields, stages = PRUNING[name]
    recipe = Recipe.model_validate({"model": "/any", "sparsity": 0.5, **fields})
    norms = norms_of(family, recipe, five_windows())

    def run(directory: Path, failure: FakeAllocationFailure) -> Watch:
        placement = placed(family)
        stack = prunable_stack(placement.model, recipe)
        watch = Watch(placement, failure, directory)
        blocks = StoredBlocks(DirectoryResumeStore(directory), {})
        with failure:
            prune_blocks(
                stack,
                recipe,
                five_windows(),
                norms,
                placement=placement,
                blocks=blocks,
                step=ignore_steps,
                retry=watch,
            )
        placement.end_stage()
        return watch

    passes = {"advance", "save"} if recipe.needs else set()
    check_at_each_stage(run, {*stages, *passes, "_prune", "put"}, tmp_path)


CUTS: dict[str, tuple[str, dict[str, Any]]] = {
    "channels and heads": ("llama", {"mlp_channels": 0.25, "kv_heads": 1}),
    "experts and their channels": ("qwen3_moe", {"experts": 2, "mlp_channels": 0.25}),
}


@pytest.mark.parametrize("name", [nightly("channels and heads"), "experts and their channels"])
@pytest.mark.usefixtures("two_windows_at_once")
def test_a_block_that_ran_out_of_memory_is_cut_with_the_same_bits(name: str, tmp_path: Path) -> None:
    family, fields = CUTS[name]
    options = StructureOptions.model_validate(fields)
    gates = gates_of(make(family, num_hidden_layers=2), five_windows()) if options.ranks else {}

    def run(directory: Path, failure: FakeAllocationFailure) -> Watch:
        placement = placed(family)
        stack = find_stack(placement.model)
        plan = CutPlan.of(options, placement.model, placement.model.config.to_dict()).on(stack)
        watch = Watch(placement, failure, directory)
        blocks = StoredCut(DirectoryResumeStore(directory), {})
        with failure:
            cut_blocks(
                stack,
                plan,
                five_windows(),
                gates,
                placement=placement,
                blocks=blocks,
                step=ignore_steps,
                retry=watch,
            )
        placement.end_stage()
        return watch

    check_at_each_stage(run, {"cut", "mask", "put", "advance"}, tmp_path)


class Fails:
    """A function that always runs out of memory, of one kind."""

    def __init__(self, error: Exception) -> None:
        self.calls, self.reduced, self._error = 0, 0, error

    def __call__(self) -> None:
        self.calls += 1
        raise self._error

    def reduce(self) -> None:
        self.reduced += 1


@pytest.mark.parametrize(
    ("error", "calls"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), 2),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), 2),
        (MemoryError(), 1),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"), 1),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), 1),
    ],
    ids=["device", "handle", "host", "host, by torch", "another error"],
)
def test_only_a_device_without_memory_is_tried_again_and_once(error: Exception, calls: int) -> None:
    attempt = Fails(error)
    with pytest.raises(type(error)) as raised:
        retry_block(attempt, attempt.reduce)
    assert raised.value is error
    assert (attempt.calls, attempt.reduced) == (calls, calls - 1)


def test_a_block_that_is_pruned_in_place_is_never_pruned_twice() -> None:
    """It would hold the weights of the attempt that has failed."""
    recipe = Recipe.model_validate({"model": "/any", "sparsity": 0.5, "method": "sparsegpt"})
    model = make("llama")
    retried: list[Callable[[], None]] = []

    def retry(attempt: Callable[[], None], reduce: Callable[[], None]) -> None:
        retried.append(attempt)
        attempt()

    prune_blocks(
        prunable_stack(model, recipe),
        recipe,
        five_windows(),
        {},
        placement=Placement(model),
        blocks=InMemory(),
        step=ignore_steps,
        retry=retry,
    )
    assert len(retried) == 1, "what comes before the first block, where nothing is written"

"""Runs on several pretended devices, and passes that give up all devices but one for want of memory."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from pruning.calibration.activation_statistics import InputStatistics
from pruning.calibration.activation_walk import BlockwiseForward
from pruning.calibration.gradient_cache import CacheLookup
from pruning.calibration.gradient_pass import GradientPass
from pruning.calibration.lm_head import LMHeadLoss
from pruning.calibration.window_norms import GradientNorms
from pruning.methods.prune_blocks import _BlockPruner
from pruning.models.blocks import find_stack
from pruning.models.layers import LinearLayer
from pruning.models.placement import Placement
from pruning.pipeline.resources import retry_block
from pruning.recipe import Evaluation, GradientNorm, Recipe
from pruning.resume.store import DirectoryResumeStore, NumericsKey
from tests.pruning.families import five_windows
from tests.pruning.pretended_cuda import CPU
from tests.pruning.pruned import ignore_steps
from tests.pruning.runs import run_recipe
from tests.pruning.test_several_devices import (
    DEVICES,
    assert_same_bits,
    cuda,
    masks_on,
    norms_on,
    placed,
    two_windows_in_a_micro_batch,
)
from tests.tiers import nightly

__all__ = ["cuda", "two_windows_in_a_micro_batch"]

pytestmark = pytest.mark.slow


def test_without_memory_for_one_window_the_first_device_computes_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    expected = norms_on((CPU,), "llama", torch.float32, "whole", five_windows(), tmp_path)
    request.getfixturevalue("cuda")
    placement = placed("llama", DEVICES)
    cramped = GradientPass(
        placement, five_windows(), norms=["l1", "l2"], stack=find_stack(placement.model), schedule="whole"
    )
    tried: list[tuple[str, int, int]] = []
    plain = LMHeadLoss.gradient

    def gradient(head: LMHeadLoss, hidden: Tensor, tokens: Tensor) -> Tensor:
        attempt = cramped.schedule.name, cramped.schedule.micro_batch, len(placement.devices)
        if attempt not in tried:
            tried.append(attempt)
        if len(placement.devices) > 1:
            raise torch.OutOfMemoryError("pretended")
        return plain(head, hidden, tokens)

    monkeypatch.setattr(LMHeadLoss, "gradient", gradient)
    found = cramped.run(ignore_steps, DirectoryResumeStore(tmp_path / "shards"))
    assert tried == [
        ("whole", 2, 3),
        ("whole", 1, 3),
        ("streamed", 2, 3),
        ("streamed", 1, 3),
        ("streamed", 2, 1),
    ]
    assert_same_bits(found, expected)


@pytest.mark.parametrize("room", [0, 1 << 40], ids=["a full host", "a host with room"])
@pytest.mark.parametrize("count", [nightly(1), 2])
def test_a_block_without_memory_is_pruned_again_from_the_host(
    count: int, room: int, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last layer is pruned when the memory is out. Bits are those of a CPU that had enough."""
    fields = {"method": "gblm", "refit": {"iterations": 2}, "allocation": "gradient"}
    expected = masks_on((CPU,), "llama", fields, five_windows())
    request.getfixturevalue("cuda")
    for module in ("pruning.calibration.window_norms", "pruning.models.memory"):
        monkeypatch.setattr(f"{module}.free_memory", lambda: room)
    seen: list[set[str]] = []
    layers, plain, save = list[str](), _BlockPruner._prune, BlockwiseForward.save

    def prune_layer(pruner: _BlockPruner, layer: LinearLayer, statistics: InputStatistics) -> None:
        plain(pruner, layer, statistics)
        layers.append(layer.name)
        if len(layers) == 14:
            raise torch.OutOfMemoryError("pretended")

    def watched_save(forward: BlockwiseForward, *args: Any) -> None:
        seen.append({states.device.type for states in forward.state().values()})
        save(forward, *args)

    monkeypatch.setattr(_BlockPruner, "_prune", prune_layer)
    monkeypatch.setattr(BlockwiseForward, "save", watched_save)
    norms: list[GradientNorms] = []
    found = masks_on(DEVICES[:count], "llama", fields, five_windows(), retry=retry_block, norms=norms)
    assert layers[7:14] == layers[14:21]
    after = "cpu" if room else "cuda"
    assert seen == [{"cuda"}, *[{after}] * 3]
    assert {norm.device.type for norm in norms[0]["l1"].values()} == {after}
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name].cpu(), expected[name]) for name in expected)


class Asked:
    """A cache without entries, which notes what it is asked for and what is published."""

    needed_later: frozenset[GradientNorm] = frozenset()

    def __init__(self) -> None:
        self.wanted, self.published = set[str](), set[str]()

    def get(self, wanted: Collection[str], later: Collection[str]) -> CacheLookup:
        self.wanted |= {*wanted}
        return CacheLookup({}, frozenset(wanted))

    def put(self, fingerprint: str, numerics_key: NumericsKey, numbers: Mapping[int, int]) -> None:
        self.published.add(fingerprint)

    def confirm(self) -> None: ...

    def invalidate(self, fingerprint: str) -> None: ...


@pytest.mark.parametrize(
    "fields",
    [
        {"method": "gblm", "sparsity": 0.5},
        {"structure": {"mlp_channels": 0.25}},
    ],
    ids=["weights", "gates"],
)
def test_gradients_are_published_as_requested_though_a_device_was_given_up(
    tiny_llama_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any]
) -> None:
    given_up: list[bool] = []
    plain, key = LMHeadLoss.gradient, Placement.numerics_key.fget
    assert key is not None

    def gradient(head: LMHeadLoss, hidden: Tensor, tokens: Tensor) -> Tensor:
        if not given_up:
            raise torch.OutOfMemoryError("pretended")
        return plain(head, hidden, tokens)

    def drop_other_devices(placement: Placement) -> bool:
        given_up.append(True)
        return True

    def numerics_key(placement: Placement) -> NumericsKey:
        return {**key(placement), "device": "one" if given_up else "two"}

    monkeypatch.setattr(Placement, "numerics_key", property(numerics_key))
    monkeypatch.setattr(LMHeadLoss, "gradient", gradient)
    monkeypatch.setattr(Placement, "drop_other_devices", drop_other_devices)
    calibration = {"dataset": "builtin", "samples": 2, "sequence_length": 24}
    recipe = Recipe.model_validate(
        {"model": str(tiny_llama_dir), "calibration": calibration, "dtype": "float32", **fields}
    )
    cache = Asked()
    run_recipe(
        recipe,
        Evaluation(dataset="builtin", sequence_length=24, windows=2),
        output=tmp_path / "out",
        device="cpu",
        gradient_cache=cache,
        resume_store=DirectoryResumeStore(tmp_path / "state"),
    )
    assert given_up == [True]
    assert cache.published == cache.wanted != set()


def test_a_run_shares_the_model_and_its_report_names_the_devices(
    tiny_llama_dir: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    recipe = Recipe.model_validate(
        {
            "model": str(tiny_llama_dir),
            "method": "gblm",
            "sparsity": 0.5,
            "calibration": {"dataset": "builtin", "samples": 4, "sequence_length": 24},
            "dtype": "float32",
        }
    )
    evaluation = Evaluation(dataset="builtin", sequence_length=24, windows=6)
    alone = run_recipe(recipe, evaluation, output=tmp_path / "alone", device="cpu")
    request.getfixturevalue("cuda")
    shared = run_recipe(recipe, evaluation, output=tmp_path / "shared", device="cuda:0,cuda:1")
    assert shared.environment.device == "cuda:0 (pretended), cuda:1 (pretended)"
    assert shared.perplexity.dense == alone.perplexity.dense
    one, other = (tmp_path / name / "model.safetensors" for name in ("alone", "shared"))
    assert one.read_bytes() == other.read_bytes()

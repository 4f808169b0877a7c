"""The engine on one and on several pretended devices: none are mixed, and the bits are those of a CPU."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend

from bench.workload.models import perplexity
from pruning.calibration.activation_walk import Retry, once
from pruning.calibration.gradient_pass import GradientPass
from pruning.calibration.gradient_schedule import ScheduleChoice
from pruning.calibration.window_norms import GradientNorms
from pruning.evaluation.token_losses import token_losses
from pruning.methods.prune_blocks import prune_blocks
from pruning.methods.results import InMemory
from pruning.models import memory
from pruning.models.blocks import find_stack, prunable_stack
from pruning.models.placement import Placement
from pruning.models.replay import Replay
from pruning.recipe import Recipe, StructureOptions
from pruning.resume.store import EphemeralResumeStore
from pruning.structure.cut import cut_blocks
from pruning.structure.plan import CutPlan
from tests.pruning.families import EACH_FAMILY, five_windows, make
from tests.pruning.pretended_cuda import CPU, CUDA, MixedDevices, pretended_cuda
from tests.pruning.products_by_parts import multiply_by_parts
from tests.pruning.pruned import CutInMemory, ignore_steps
from tests.tiers import nightly

pytestmark = pytest.mark.slow

DEVICES = tuple(torch.device("cuda", number) for number in range(3))


class WithoutPrefetch(Placement):
    """Copies every block when it is needed: another thread would not see the pretended devices."""

    def resident(self, *modules: nn.Module, then: nn.Module | None = None) -> AbstractContextManager[None]:
        return super().resident(*modules)


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with pretended_cuda(monkeypatch, devices=len(DEVICES)):
        yield


@pytest.fixture(autouse=True)
def two_windows_in_a_micro_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "FULL_SPEED_TOKENS", {"cpu": 48, "cuda": 48})


def placed(family: str, devices: tuple[torch.device, ...], dtype: torch.dtype = torch.float32) -> Placement:
    """Return a model of five blocks on some devices."""
    model = make(family, **({"n_layer": 5} if family == "gpt2" else {"num_hidden_layers": 5}))
    return WithoutPrefetch(model, devices[0], dtype, others=devices[1:])


def norms_on(
    devices: tuple[torch.device, ...],
    family: str,
    dtype: torch.dtype,
    schedule: ScheduleChoice,
    windows: Tensor,
    directory: Path,
) -> GradientNorms:
    placement = placed(family, devices, dtype)
    found = GradientPass(
        placement, windows, norms=["l1", "l2"], stack=find_stack(placement.model), schedule=schedule
    )
    return found.run(ignore_steps, EphemeralResumeStore(directory))


@pytest.mark.usefixtures("cuda")
def test_the_attention_backend_of_a_pass_is_that_of_deterministic_algorithms(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def choose(*_: object, **__: object) -> int:  # as torch does on an H100
        cudnn = not torch.are_deterministic_algorithms_enabled()
        return int(SDPBackend.CUDNN_ATTENTION if cudnn else SDPBackend.FLASH_ATTENTION)

    monkeypatch.setattr(torch, "_fused_sdp_choice", choose)
    placement = placed("llama", DEVICES[:1])
    stack = find_stack(placement.model)
    for deterministic, backend in ((True, "flash_attention"), (False, "cudnn_attention")):
        found = GradientPass(
            placement, five_windows(), norms=["l1"], stack=stack, deterministic=deterministic
        ).numerics_key
        assert found["attention backend"] == backend


def assert_same_bits(found: GradientNorms, expected: GradientNorms) -> None:
    for norm, layers in expected.items():
        for name, tensor in layers.items():
            assert torch.equal(found[norm][name].cpu(), tensor), (norm, name)


@pytest.mark.usefixtures("cuda")
def test_the_pretended_device_refuses_what_cuda_would_refuse() -> None:
    one = torch.ones(2, device=CUDA)
    assert one.device == (one + one).device == one.new_zeros(3).device == one[:1].device == CUDA
    assert one.cpu().device == one.to("cpu").device == CPU
    assert torch.equal((one * torch.tensor(2.0)).cpu(), torch.full((2,), 2.0))
    with pytest.raises(MixedDevices):
        one + torch.ones(2)


@pytest.mark.parametrize(
    ("family", "dtype", "schedule", "count"),
    [
        nightly("llama", torch.float32, "whole", 1),
        ("llama", torch.bfloat16, "whole", 1),
        ("llama", torch.bfloat16, "streamed", 1),
        nightly("gpt2", torch.float32, "streamed", 1),
        nightly("mixtral", torch.bfloat16, "streamed", 1),
        nightly("falcon", torch.bfloat16, "streamed", 1),
        nightly("llama", torch.float32, "whole", 2),
        ("llama-tied", torch.bfloat16, "whole", 3),
        nightly("llama", torch.bfloat16, "streamed", 2),
        nightly("gpt2", torch.float32, "streamed", 3),
        ("mixtral", torch.bfloat16, "whole", 2),
        ("mixtral", torch.bfloat16, "streamed", 3),
    ],
)
def test_gradients_have_the_bits_of_a_cpu(
    family: str,
    dtype: torch.dtype,
    schedule: ScheduleChoice,
    count: int,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    with pytest.MonkeyPatch.context() as like_cuda:
        multiply_by_parts(like_cuda)
        expected = norms_on((CPU,), family, dtype, "whole", five_windows(), tmp_path)
    request.getfixturevalue("cuda")
    found = norms_on(DEVICES[:count], family, dtype, schedule, five_windows(), tmp_path)
    assert_same_bits(found, expected)
    if schedule == "whole":
        devices = [norm.device for norm in found["l1"].values()]
        assert devices == sorted(devices, key=str)
        assert set(devices) == set(DEVICES[:count])


def masks_on(
    devices: tuple[torch.device, ...],
    family: str,
    fields: dict[str, Any],
    windows: Tensor,
    *,
    retry: Retry = once,
    norms: list[GradientNorms] | None = None,
) -> dict[str, Tensor]:
    """Return the masks of a model that is placed on `devices`. `norms`: receives the norms that were used."""
    placement = placed(family, devices)
    recipe = Recipe.model_validate({"model": "org/name", "sparsity": 0.5, **fields})
    stack = find_stack(placement.model)
    gradients = {}
    if recipe.gradient_norms:
        gradients = GradientPass(
            placement, windows, norms=recipe.gradient_norms, stack=stack, schedule="whole"
        ).run(ignore_steps)
    if norms is not None:
        norms.append(gradients)
    with placement.in_round_robin(stack.modules):
        pruned = prune_blocks(
            prunable_stack(placement.model, recipe),
            recipe,
            windows,
            gradients,
            placement=placement,
            blocks=InMemory(),
            step=ignore_steps,
            retry=retry,
        )
    return dict(pruned.masks)


@pytest.mark.parametrize(
    ("family", "fields", "counts"),
    [
        nightly("llama", {"method": "magnitude"}, (1,)),
        nightly("llama", {"method": "gblm", "pattern": "2:4"}, (1,)),
        nightly("llama", {"method": "admm"}, (1,)),
        nightly("llama", {"method": "wanda", "allocation": "owl"}, (1, 2)),
        ("llama", {"method": "sparsegpt", "order": "layers"}, (2,)),
        ("llama", {"method": "gblm", "refit": {"iterations": 2}, "allocation": "gradient"}, (2,)),
        ("mixtral", {"method": "gblm", "pattern": "2:4"}, (2,)),
    ],
    ids=str,
)
def test_masks_are_those_of_a_cpu(
    family: str, fields: dict[str, Any], counts: tuple[int, ...], request: pytest.FixtureRequest
) -> None:
    expected = masks_on((CPU,), family, fields, five_windows())
    request.getfixturevalue("cuda")
    for count in counts:
        found = masks_on(DEVICES[:count], family, fields, five_windows())
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[name].cpu(), expected[name]) for name in expected)


@pytest.mark.usefixtures("cuda")
def test_experts_that_go_are_those_that_go_on_the_cpu() -> None:
    options = StructureOptions(experts=2)
    chosen = []
    for devices in ((CPU,), DEVICES[:1], DEVICES):
        placement, blocks = placed("qwen3_moe", devices), CutInMemory()
        stack = find_stack(placement.model)
        plan = CutPlan.of(options, placement.model, placement.model.config.to_dict())
        with placement.in_round_robin(stack.modules):
            cut_blocks(
                stack,
                plan,
                five_windows(),
                {},
                placement=placement,
                blocks=blocks,
                step=ignore_steps,
            )
        chosen.append({index: block.kept["experts"].tolist() for index, block in blocks.items() if index})
    assert chosen[0] == chosen[1] == chosen[2]


@pytest.mark.parametrize("resident", [True, False])
@pytest.mark.parametrize("family", ["llama", nightly("gpt2"), "mixtral"])
@pytest.mark.usefixtures("cuda")
def test_perplexity_has_the_bits_of_a_cpu(
    family: str, resident: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pruning.evaluation.perplexity.EVALUATED_TOKENS", {"cpu": 24, "cuda": 24})
    found = []
    for devices in ((CPU,), DEVICES[:1], DEVICES):
        placement = placed(family, devices, torch.bfloat16)
        blocks = find_stack(placement.model).modules
        with (
            placement.in_pipeline_stages(blocks) if resident else placement.in_round_robin(blocks),
            placement.resident(*[placement.model] if resident else []),
        ):
            found.append(perplexity(placement.model, five_windows(), step=ignore_steps, placement=placement))
            assert len({placement.device_of(block) for block in blocks}) == len(devices)
    assert found[0] == found[1] == found[2]


@pytest.mark.usefixtures("cuda")
def test_a_resident_model_works_on_as_many_batches_at_once_as_it_has_devices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    placement, plain, embedded = placed("llama", DEVICES), Replay.embed, list[int]()

    def embed(replay: Replay, windows: Tensor) -> Any:
        embedded.append(len(windows))
        return plain(replay, windows)

    monkeypatch.setattr(Replay, "embed", embed)
    blocks, counts = find_stack(placement.model).modules, list[int]()
    with torch.no_grad(), placement.in_pipeline_stages(blocks), placement.resident(placement.model):
        for _ in token_losses(placement, five_windows().split(1), lambda done: None):
            counts.append(len(embedded))
    assert [count - counts[0] for count in counts] == [0, 1, 2, 2, 2]
    assert counts[0] == 1 + len(DEVICES)  # one is the probe's


@pytest.mark.parametrize("family", EACH_FAMILY)
@pytest.mark.usefixtures("cuda")
def test_the_model_can_be_called_as_a_whole(family: str) -> None:
    model = make(family)
    blocks = find_stack(model).modules
    placement = WithoutPrefetch(model, CUDA, others=DEVICES[1:2])
    with torch.no_grad():
        expected = model(input_ids=five_windows()).logits
        with placement.in_round_robin(blocks), placement.whole(blocks, 10**9):
            assert {placement.device_of(block) for block in blocks} == set(DEVICES[:2])
            assert torch.equal(model(input_ids=five_windows().to(CUDA)).logits.cpu(), expected)


@pytest.mark.usefixtures("cuda")
def test_a_model_with_fewer_blocks_than_devices_uses_some_of_them(tmp_path: Path) -> None:
    model = make("llama", num_hidden_layers=2)
    placement = WithoutPrefetch(model, CUDA, others=DEVICES[1:])
    stack = find_stack(model)
    assert placement.runs(stack.modules) == [0, 1]
    with placement.in_round_robin(stack.modules):
        assert [placement.device_of(module) for module in stack.modules] == [*DEVICES[:2]]
    for schedule in ("whole", "streamed"):
        found = GradientPass(placement, five_windows(), norms=["l1"], stack=stack, schedule=schedule)
        norms = found.run(ignore_steps, EphemeralResumeStore(tmp_path))
        assert all(torch.isfinite(norm).all() for norm in norms["l1"].values())


@pytest.mark.usefixtures("cuda")
def test_blocks_with_a_tensor_in_common_stay_on_the_first_device() -> None:
    model = make("llama")
    first, second, _ = find_stack(model).modules
    second.input_layernorm.weight = first.input_layernorm.weight
    placement = WithoutPrefetch(model, CUDA, others=DEVICES[1:])
    blocks = find_stack(model).modules
    for spread in (placement.in_pipeline_stages, placement.in_round_robin):
        with spread(blocks):
            assert {placement.device_of(block) for block in blocks} == {CUDA}

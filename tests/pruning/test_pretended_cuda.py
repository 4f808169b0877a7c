"""The engine on a pretended CUDA device: no operation mixes devices, and the bits are a CPU's."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pruning.calibration.gradient_pass import GradientPass
from pruning.calibration.gradient_schedule import ScheduleChoice
from pruning.calibration.window_norms import GradientNorms
from pruning.evaluation.perplexity import perplexity
from pruning.methods.prune_blocks import prune
from pruning.models.blocks import find_stack
from pruning.models.placement import Placement
from pruning.recipe import Recipe
from pruning.resume.store import EphemeralResumeStore
from tests.pruning.families import make
from tests.pruning.pretended_cuda import CPU, CUDA, MixedDevices, pretended_cuda
from tests.pruning.products_by_parts import multiply_by_parts
from tests.pruning.pruned import ignore_steps

pytestmark = pytest.mark.slow


class WithoutPrefetch(Placement):
    """Copies every block when it is needed: another thread would not see the pretended device."""

    def resident(self, *modules: nn.Module, then: nn.Module | None = None) -> AbstractContextManager[None]:
        return super().resident(*modules)


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with pretended_cuda(monkeypatch):
        yield


def norms_on(
    device: torch.device,
    family: str,
    dtype: torch.dtype,
    schedule: ScheduleChoice,
    windows: Tensor,
    directory: Path,
) -> GradientNorms:
    model = make(family)
    found = GradientPass(
        WithoutPrefetch(model, device, dtype),
        windows,
        norms=["l1", "l2"],
        stack=find_stack(model),
        schedule=schedule,
    )
    return found.run(ignore_steps, EphemeralResumeStore(directory))


@pytest.mark.usefixtures("cuda")
def test_the_pretended_device_refuses_what_cuda_would_refuse() -> None:
    one = torch.ones(2, device=CUDA)
    assert one.device == (one + one).device == one.new_zeros(3).device == one[:1].device == CUDA
    assert one.cpu().device == one.to("cpu").device == CPU
    assert torch.equal((one * torch.tensor(2.0)).cpu(), torch.full((2,), 2.0))
    with pytest.raises(MixedDevices):
        one + torch.ones(2)


@pytest.mark.parametrize(
    ("family", "dtype", "schedule"),
    [
        ("llama", torch.float32, "whole"),
        ("llama", torch.bfloat16, "whole"),
        ("llama", torch.bfloat16, "streamed"),
        ("gpt2", torch.float32, "streamed"),
        ("mixtral", torch.bfloat16, "streamed"),
        ("falcon", torch.bfloat16, "streamed"),
    ],
)
def test_gradients(
    family: str,
    dtype: torch.dtype,
    schedule: ScheduleChoice,
    five_windows: Tensor,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    with pytest.MonkeyPatch.context() as like_cuda:
        multiply_by_parts(like_cuda)
        expected = norms_on(CPU, family, dtype, "whole", five_windows, tmp_path)
    request.getfixturevalue("cuda")
    found = norms_on(CUDA, family, dtype, schedule, five_windows, tmp_path)
    for norm, layers in expected.items():
        for name, tensor in layers.items():
            assert torch.equal(found[norm][name].cpu(), tensor), (norm, name)


RECIPES = [
    {"method": "magnitude"},
    {"method": "wanda", "allocation": "owl"},
    {"method": "sparsegpt", "order": "layers"},
    {"method": "gblm", "pattern": "2:4"},
    {"method": "gblm", "refit": {}, "allocation": "gradient"},
    {"method": "admm"},
]


def masks_on(device: torch.device, family: str, fields: dict[str, Any], windows: Tensor) -> dict[str, Tensor]:
    model = make(family)
    recipe = Recipe.model_validate({"model": "org/name", "sparsity": 0.5, **fields})
    stack = find_stack(model)
    gradients = {}
    if recipe.gradient_norms:
        gradients = GradientPass(
            WithoutPrefetch(model, device),
            windows,
            norms=recipe.gradient_norms,
            stack=stack,
            schedule="whole",
        ).run(ignore_steps)
    placement = WithoutPrefetch(model, device)
    return dict(prune(model, recipe, windows, gradients, step=ignore_steps, placement=placement).masks)


@pytest.mark.parametrize(
    ("family", "fields"),
    [*(("llama", fields) for fields in RECIPES), ("mixtral", {"method": "gblm", "pattern": "2:4"})],
    ids=str,
)
def test_masks(
    family: str, fields: dict[str, Any], five_windows: Tensor, request: pytest.FixtureRequest
) -> None:
    expected = masks_on(CPU, family, fields, five_windows)
    request.getfixturevalue("cuda")
    found = masks_on(CUDA, family, fields, five_windows)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name].cpu(), expected[name]) for name in expected)


@pytest.mark.parametrize("resident", [True, False])
@pytest.mark.parametrize("family", ["llama", "gpt2", "mixtral"])
@pytest.mark.usefixtures("cuda")
def test_perplexity(family: str, resident: bool, five_windows: Tensor) -> None:
    found = []
    for device in (CPU, CUDA):
        model = make(family)
        placement = WithoutPrefetch(model, device, torch.bfloat16)
        with placement.resident(*[model] if resident else []):
            found.append(perplexity(model, five_windows, step=ignore_steps, placement=placement))
    assert found[0] == found[1]

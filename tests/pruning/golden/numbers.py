"""Computes norms, masks, weights and perplexities of small models, for comparison with `numbers.json`.

In float64 the masks are equal on every machine, and the rest up to the last digits. Bits are equal on a
machine like the one that wrote them.
"""

import hashlib
import importlib.metadata
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import PreTrainedModel

from bench.workload.models import perplexity
from pruning import Recipe, gradient_norms, prune
from pruning.calibration.gradient_pass import GradientPass
from pruning.models.blocks import find_stack, stack_of_layers
from pruning.models.placement import Placement
from pruning.recipe import StructureOptions
from pruning.structure.cut import cut_blocks
from pruning.structure.plan import CutPlan
from pruning.structure.units import consumers
from tests.pruning.families import five_windows, make
from tests.pruning.pruned import CutInMemory, ignore_steps

PATH = Path(__file__).with_name("numbers.json")
DTYPES = (torch.float64, torch.float32, torch.bfloat16)

_RECIPES: dict[str, dict[str, object]] = {
    "magnitude": {"method": "magnitude"},
    "wanda": {"method": "wanda"},
    "gblm": {"method": "gblm"},
    "gblm, l2, 2:4": {"method": {"name": "gblm", "norm": "l2"}, "pattern": "2:4"},
    "gradient": {"method": "gradient"},
    "ria": {"method": "ria"},
    "sparsegpt": {"method": "sparsegpt"},
    "sparsegpt, 2:4": {"method": "sparsegpt", "pattern": "2:4"},
    "admm": {"method": "admm"},
    "wanda, owl": {"method": "wanda", "allocation": "owl"},
    "gblm, allocated by gradients": {"method": "gblm", "allocation": "gradient"},
    "gblm, refit": {"method": "gblm", "refit": {"toward": 0.5}, "order": "layers"},
    "wanda, 2:4, permuted": {"method": "wanda", "pattern": "2:4", "permute": True},
}


@dataclass(frozen=True)
class Numbers:
    """What one case computes in one dtype."""

    masks: str
    """SHA-256 of where the zeros are, or of which units are kept; of nothing where nothing is pruned."""
    sums: dict[str, float]
    """For each tensor a sum over its values, see `_sum`."""
    bits: str
    """SHA-256 of all tensors."""


Compute = Callable[[torch.dtype], tuple[Mapping[str, Tensor], Mapping[str, Tensor]]]


def _model(family: str, dtype: torch.dtype) -> PreTrainedModel:
    """Make a model whose weights are equal everywhere: random normal numbers depend on the processor."""
    model, random = make(family, torch.float64), torch.Generator().manual_seed(0)
    for weight in model.parameters():
        if weight.ndim > 1:  # norms stay ones
            drawn = torch.randint(-2048, 2048, weight.shape, generator=random)
            weight.data = drawn.to(torch.float64) / 8192
    return model.to(dtype)


def _norms_of(family: str) -> Compute:
    def compute(dtype: torch.dtype) -> tuple[Mapping[str, Tensor], Mapping[str, Tensor]]:
        found = gradient_norms(_model(family, dtype), five_windows(), norms=frozenset({"l1", "l2"}))
        return {}, {
            f"{norm} {layer}": values for norm, layers in found.items() for layer, values in layers.items()
        }

    return compute


def _pruned_by(recipe: Mapping[str, object], family: str = "llama") -> Compute:
    def compute(dtype: torch.dtype) -> tuple[Mapping[str, Tensor], Mapping[str, Tensor]]:
        model, windows = _model(family, dtype), five_windows()
        asked = Recipe.model_validate({"model": "org/name", "sparsity": 0.5, **recipe})
        masks = prune(model, asked, windows).masks
        return masks, {name: layer.detach() for name, layer in model.named_parameters()}

    return compute


def _cut(dtype: torch.dtype) -> tuple[Mapping[str, Tensor], Mapping[str, Tensor]]:
    model = _model("llama", dtype)
    options = StructureOptions.model_validate({"mlp_channels": 0.25, "kv_heads": 1})
    plan, blocks, stack = CutPlan.of(options, model, model.config.to_dict()), CutInMemory(), find_stack(model)
    judged = stack_of_layers(model, frozenset(layer.name for layer in consumers(model)))
    gates = GradientPass(
        Placement(model), five_windows(), norms=frozenset({"gates"}), stack=judged, schedule="whole"
    ).run(ignore_steps)
    cut_blocks(
        stack,
        plan.on(stack),
        five_windows(),
        gates,
        placement=Placement(model),
        blocks=blocks,
        step=ignore_steps,
    )
    kept = {
        f"{number} {kind}": units
        for number in range(len(stack.blocks))
        for kind, units in blocks[number].kept.items()
    }
    weights = {
        f"{number} {name}": tensor
        for number in range(len(stack.blocks))
        for name, tensor in blocks[number].weights.items()
    }
    return kept, weights


def _perplexity(dtype: torch.dtype) -> tuple[Mapping[str, Tensor], Mapping[str, Tensor]]:
    found = perplexity(_model("llama", dtype), five_windows(), step=ignore_steps)
    return {}, {"perplexity": torch.tensor(found, dtype=torch.float64)}


CASES: dict[str, Compute] = {
    **{f"norms of {family}": _norms_of(family) for family in ("llama", "qwen3_moe")},
    **{name: _pruned_by(recipe) for name, recipe in _RECIPES.items()},
    "wanda, experts": _pruned_by({"method": "wanda"}, "qwen3_moe"),
    "cut, ridge": _cut,
    "perplexity": _perplexity,
}


def numbers_of(case: str, dtype: torch.dtype) -> Numbers:
    """Compute a case on one thread."""
    with _one_thread():
        masks, tensors = CASES[case](dtype)
    sums = {name: _sum(tensor) for name, tensor in sorted(tensors.items())}
    return Numbers(_digest(masks), sums, _digest(tensors))


def compute(case: str) -> dict[str, object]:
    """Return what `numbers.json` has of a case."""
    by_dtype = {str(dtype).removeprefix("torch."): numbers_of(case, dtype) for dtype in DTYPES}
    exact = asdict(by_dtype["float64"])
    return {
        "masks": exact["masks"],
        "sums": exact["sums"],
        "bits": {name: numbers.bits for name, numbers in by_dtype.items()},
    }


def machine() -> dict[str, str]:
    """Return all that decides the last bits on one thread: where it is equal, bits are."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "processor": names[0].partition(":")[2].strip() if names else "unknown",
        "instructions": str(torch.backends.cpu.get_cpu_capability()),
        **{name: importlib.metadata.version(name) for name in ("torch", "transformers")},
    }


def differences(before: Mapping[str, object], now: Mapping[str, object], *, bits: bool) -> Iterator[str]:
    """Name what a case computes otherwise than before. `bits`: compare the last digits too."""
    if before["masks"] != now["masks"]:
        yield "masks"
    earlier, later = before["sums"], now["sums"]
    assert isinstance(earlier, dict)
    assert isinstance(later, dict)
    if earlier.keys() != later.keys():
        yield "names of tensors"
    for name in earlier.keys() & later.keys():
        if not math.isclose(earlier[name], later[name], rel_tol=1e-5):
            yield name
    if bits and before["bits"] != now["bits"]:
        yield "bits"


def _sum(tensor: Tensor) -> float:
    """Add up sizes, so that nothing cancels, each times a factor for its place and its sign."""
    values = tensor.detach().to(torch.float64).flatten()
    factors = torch.arange(values.numel()) % 13 + torch.where(values < 0, 20, 1)
    return float((values.abs() * factors).sum())


def _digest(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.detach().cpu().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

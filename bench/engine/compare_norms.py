"""Compares gradient norms and masks of two runs, and the perplexities that the masks lead to."""

from collections.abc import Iterator

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from bench.engine.runner import Bench
from bench.rows import header, row_of

_RANDOM_ERRORS = 3


def norm_differences(ours: str, expected: str) -> tuple[float, float]:
    """Return the largest and the median of ‖a - b‖ / ‖b‖ over the layers and norms of two files."""
    with safe_open(ours, "pt") as one, safe_open(expected, "pt") as other:
        differences = sorted(
            _relative_difference(one.get_tensor(name), other.get_tensor(name))
            for name in other.keys()  # noqa: SIM118 - not a mapping
        )
    return differences[-1], differences[len(differences) // 2]


def _relative_difference(found: Tensor, expected: Tensor) -> float:
    return float(torch.linalg.vector_norm(found - expected) / torch.linalg.vector_norm(expected))


def with_random_errors(expected: str, ours: str, seed: int, path: str) -> None:
    """Write the `expected` norms with random relative errors of the size of each layer's error in `ours`.

    They show what errors of that size do when they have no pattern.
    """
    generator = torch.Generator().manual_seed(seed)
    noisy = {}
    with safe_open(expected, "pt") as one, safe_open(ours, "pt") as other:
        for name in one.keys():  # noqa: SIM118 - not a mapping
            norms = one.get_tensor(name)
            difference = _relative_difference(other.get_tensor(name), norms)
            noisy[name] = norms * (1 + difference * torch.randn(norms.shape, generator=generator)).clamp_(
                min=0
            )
    save_file(noisy, path)


def mask_difference(ours: str, expected: str) -> float:
    """Return the fraction of weights whose masks differ between two files."""
    differing = weights = 0
    with safe_open(ours, "pt") as one, safe_open(expected, "pt") as other:
        for name in other.keys():  # noqa: SIM118 - not a mapping
            mask = other.get_tensor(name)
            differing += int((one.get_tensor(name) != mask).sum())
            weights += mask.numel()
    return differing / weights


def agreement(bench: Bench) -> Iterator[str]:
    """Compare norms and masks with the straightforward implementation's, and narrow dtypes with float32."""
    if not bench.options.no_plain and bench.options.plain_windows is None:
        yield from _against_autograd(bench)
        yield from _against_straightforward_masks(bench)
    for dtype in bench.dtypes:
        if dtype == "float32":
            continue
        bench.gradients("float32", "whole")
        bench.gradients(dtype, "whole")
        worst, median = norm_differences(bench.norms(dtype), bench.norms("float32"))
        yield f"{dtype} norms, of each layer, relative to float32's: worst {worst:.2%}, median {median:.2%}"
        yield ""
        yield from _masks(bench, dtype)


def _against_autograd(bench: Bench) -> Iterator[str]:
    """Compare in float32, and with float64, which shows what float32 itself rounds."""
    files = {}
    for dtype in ("float32", "float64"):
        bench.gradients(dtype, "whole")
        bench.plain_gradients(dtype)
        files[f"the engine's in {dtype}"] = bench.norms(dtype)
        files[f"autograd's in {dtype}"] = bench.plain_norms(dtype)
    engine, autograd, engine_float64, autograd_float64 = files
    for one, other in (
        (engine, autograd),
        (engine, autograd_float64),
        (autograd, autograd_float64),
        (engine_float64, autograd_float64),
    ):
        worst, median = norm_differences(files[one], files[other])
        yield f"norms of each layer, {one} relative to {other}: worst {worst:.1e}, median {median:.1e}"


def _against_straightforward_masks(bench: Bench) -> Iterator[str]:
    """Compare GBLM's masks in float32, each implementation with gradient norms of its own.

    After the same pruned blocks, only the two calculations differ. After its own pruned blocks each, one
    near-tie that is decided differently changes the input of later blocks, where more near-ties are then
    decided differently: that shows the method's own sensitivity to rounding.
    """
    bench.pruned("float32", "gblm")
    ours, plain = bench.masks("float32", "gblm"), str(bench.scratch / "plain-masks.safetensors")
    for upstream, applied in (("the engine's", {"applied": ours}), ("their own", {})):
        bench("straightforward_pruned", "float32", norms=bench.plain_norms("float32"), save=plain, **applied)
        yield f"masks of gblm after {upstream} pruned blocks: {1 - mask_difference(plain, ours):.4%} agree"


def _masks(bench: Bench, dtype: str) -> Iterator[str]:
    """Compare masks with float32's, next to masks from norms with random errors of the same size."""
    columns = ("masks by the norms of", "method", "agree with float32's", "perplexity", "float32's", "")
    yield from header(*columns)
    for method in ("gblm", "gradient"):
        bench.pruned("float32", method)
        bench.pruned(dtype, method)
        yield _compared(bench, dtype, method, bench.masks(dtype, method))
        for seed in range(_RANDOM_ERRORS):
            norms, masks = (str(bench.scratch / f"{method}-{seed}-{kind}") for kind in ("norms", "masks"))
            with_random_errors(bench.norms("float32"), bench.norms(dtype), seed, norms)
            bench("pruned", "float32", method=method, norms=norms, save=masks)
            yield _compared(bench, f"float32, random errors ({seed})", method, masks)


def _compared(bench: Bench, name: str, method: str, masks: str) -> str:
    wide = bench.masks("float32", method)
    row = [name, method, f"{1 - mask_difference(masks, wide):.3%}", "", "", ""]
    if bench.options.evaluation is not None:
        one, other = bench.perplexity(masks), bench.perplexity(wide)
        row[3:] = f"{one:.2f}", f"{other:.2f}", f"{one / other - 1:+.2%}"
    return row_of(row)

"""How far norms and masks of two runs are apart, and what that makes of the perplexity."""

from collections.abc import Iterator

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from bench.runner import Bench
from bench.table import header, row_of

_RANDOM_ERRORS = 3


def norms_apart(ours: str, expected: str) -> tuple[float, float]:
    """‖a - b‖ / ‖b‖ over the layers and norms of two files: the largest and the median."""
    with safe_open(ours, "pt") as one, safe_open(expected, "pt") as other:
        apart = sorted(
            _apart(one.get_tensor(name), other.get_tensor(name))
            for name in other.keys()  # noqa: SIM118 - not a mapping
        )
    return apart[-1], apart[len(apart) // 2]


def _apart(found: Tensor, expected: Tensor) -> float:
    return float(torch.linalg.vector_norm(found - expected) / torch.linalg.vector_norm(expected))


def with_random_errors(expected: str, ours: str, seed: int, path: str) -> None:
    """Write a file of `expected` norms, each times its own random factor, so that a layer is about as far
    from what it was as that of `ours` is: errors of that size without any pattern.
    """
    generator = torch.Generator().manual_seed(seed)
    noisy = {}
    with safe_open(expected, "pt") as one, safe_open(ours, "pt") as other:
        for name in one.keys():  # noqa: SIM118 - not a mapping
            norms = one.get_tensor(name)
            apart = _apart(other.get_tensor(name), norms)
            noisy[name] = norms * (1 + apart * torch.randn(norms.shape, generator=generator)).clamp_(min=0)
    save_file(noisy, path)


def masks_apart(ours: str, expected: str) -> float:
    """The share of the weights in which the masks of two files differ."""
    differing = weights = 0
    with safe_open(ours, "pt") as one, safe_open(expected, "pt") as other:
        for name in other.keys():  # noqa: SIM118 - not a mapping
            mask = other.get_tensor(name)
            differing += int((one.get_tensor(name) != mask).sum())
            weights += mask.numel()
    return differing / weights


def agreement(bench: Bench) -> Iterator[str]:
    """Norms against per-window autograd; and what a narrow dtype changes, emulated if need be."""
    if not bench.options.no_plain and bench.options.plain_windows is None:
        yield from _against_autograd(bench)
    for dtype in bench.options.dtypes:
        if dtype == "float32":
            continue
        bench.gradients("float32", "whole")
        bench.gradients(dtype, "whole")
        worst, median = norms_apart(bench.norms(dtype), bench.norms("float32"))
        yield f"{dtype} norms, of each layer, relative to float32's: worst {worst:.2%}, median {median:.2%}"
        yield ""
        yield from _masks(bench, dtype)


def _against_autograd(bench: Bench) -> Iterator[str]:
    """In float64, too: how far both are from what float32 rounds."""
    files = {}
    for dtype in ("float32", "float64"):
        bench.gradients(dtype, "whole")
        bench.plain_gradients(dtype)
        files[f"ours in {dtype}"] = bench.norms(dtype)
        files[f"autograd's in {dtype}"] = bench.plain_norms(dtype)
    ours, plain, ours_wide, plain_wide = files
    for one, other in ((ours, plain), (ours, plain_wide), (plain, plain_wide), (ours_wide, plain_wide)):
        worst, median = norms_apart(files[one], files[other])
        yield f"norms of each layer, {one} relative to {other}: worst {worst:.1e}, median {median:.1e}"


def _masks(bench: Bench, dtype: str) -> Iterator[str]:
    """Beside masks by float32 norms with random errors of the same size: what any rounding would change."""
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
    row = [name, method, f"{1 - masks_apart(masks, wide):.3%}", "", "", ""]
    if bench.options.evaluation is not None:
        one, other = bench.perplexity(masks), bench.perplexity(wide)
        row[3:] = f"{one:.2f}", f"{other:.2f}", f"{one / other - 1:+.2%}"
    return row_of(row)

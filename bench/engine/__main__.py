"""Compares the engine with the straightforward implementation: time and peak memory, as ratios of one run.

    make bench                                    SmolLM2-135M, 16 windows of 512 tokens, on the CPU
    make bench ARGS="--parts streamed scaling"    only these parts
    python -m bench.engine --device cuda --model llama-2-7b --windows 128 --length 2048

Each measurement runs in a process of its own, and each figure is the fastest of `--rounds` through all parts:
other load on the machine only adds time. Memory is what is resident beyond the imports on a CPU, and what is
allocated on the device on CUDA. With random weights (the names of bench.workload.models) no text and no
tokenizer is needed: torch, transformers, safetensors, psutil, pydantic and this repository are enough.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.engine.compare_norms import agreement
from bench.engine.runner import Bench, Setting, TaskFailed
from bench.rows import header, row_of
from bench.workload.models import SHAPES, ModelChoice
from pruning.estimate.architectures import shape_of_config
from pruning.estimate.work import Windows, forward, gradients


def rates(bench: Bench) -> Iterator[str]:
    """Measure the machine's matrix product rate by dtype."""
    yield from header("dtype", "matrix products, GFLOP/s", "")
    for dtype in bench.options.dtypes:
        note = "" if dtype in bench.dtypes else "emulated, so left out of everything else"
        yield row_of([dtype, f"{bench.rate(dtype) / 1e9:.0f}", note])


def compare_gradients(bench: Bench, schedule: str) -> Iterator[str]:
    """Compare gradient passes on one schedule; the straightforward one always computes both norms."""
    yield from header(
        f"gradients, `{schedule}`",
        "straightforward, s",
        "engine, s",
        "times faster",
        "than straightforward float32",
        "straightforward peak, GB",
        "engine's peak, GB",
        "ratio",
    )
    for dtype in bench.dtypes:
        engine = bench.gradients(dtype, schedule)
        row = ["", "", f"{engine.seconds:.1f}", "", "", "", f"{engine.gigabytes:.2f}", ""]
        if not bench.options.no_plain:
            plain = bench.plain_gradients(dtype)
            row[1], row[3] = f"{plain.seconds:.1f}", f"{plain.seconds / engine.seconds:.2f}"
            if "float32" in bench.dtypes:
                row[4] = f"{bench.plain_gradients('float32').seconds / engine.seconds:.2f}"
            row[5], row[7] = f"{plain.gigabytes:.2f}", f"{engine.peak_bytes / plain.peak_bytes:.2f}"
        row[0] = f"{dtype}, {engine.extra['micro_batch']} windows at once"
        yield row_of(row)


def compare_pruning(bench: Bench) -> Iterator[str]:
    """Compare Wanda with the straightforward loop, and GBLM, with its gradients, with Wanda."""
    yield from header(
        "pruning",
        "straightforward Wanda, s",
        "Wanda, s",
        "times faster",
        "than straightforward float32",
        "GBLM without gradients, s",
        "GBLM ÷ Wanda, `whole`",
        "`streamed`",
    )
    for dtype in bench.dtypes:
        wanda = bench.pruned(dtype, "wanda")
        whole, streamed = (bench.gradients(dtype, schedule) for schedule in ("whole", "streamed"))
        gblm = bench.pruned(dtype, "gblm")
        ratios = [(gradient.seconds + gblm.seconds) / wanda.seconds for gradient in (whole, streamed)]
        row = [dtype, "", f"{wanda.seconds:.1f}", "", ""]
        if not bench.options.no_plain:
            plain = bench("straightforward_pruned", dtype).seconds
            row[1], row[3] = f"{plain:.1f}", f"{plain / wanda.seconds:.2f}"
            if "float32" in bench.dtypes:
                in_float32 = bench("straightforward_pruned", "float32").seconds
                row[4] = f"{in_float32 / wanda.seconds:.2f}"
        yield row_of([*row, f"{gblm.seconds:.1f}", *(f"{ratio:.2f}" for ratio in ratios)])


def stages(bench: Bench) -> Iterator[str]:
    """Compare each stage with the machine's rate and with its roofline."""
    yield from header(
        "stage",
        "s",
        "GFLOP",
        "GFLOP/s",
        "of the machine's rate",
        "roofline: its products, attention and loss alone, s",
        "roofline ÷ stage",
    )
    shape, windows = bench.shape, Windows(bench.setting.windows, bench.setting.length)
    once = forward(shape, windows)
    operations = {
        "whole": gradients(shape, windows, norms=2, passes=1).operations,
        "streamed": gradients(shape, windows, norms=2, passes=2).operations,
        "prune": once.operations * (2 - 1 / len(shape.blocks)),
    }
    for dtype in bench.dtypes:
        rooflines = bench("rooflines", dtype).extra
        seconds_by_stage = {
            "whole": bench.gradients(dtype, "whole").seconds,
            "streamed": bench.gradients(dtype, "streamed").seconds,
            "prune": bench.pruned(dtype, "wanda").seconds,
        }
        for stage, seconds in seconds_by_stage.items():
            per_second = operations[stage] / seconds
            yield row_of(
                [
                    f"{stage}, {dtype}",
                    f"{seconds:.1f}",
                    f"{operations[stage] / 1e9:.0f}",
                    f"{per_second / 1e9:.0f}",
                    f"{per_second / bench.rate(dtype):.0%}",
                    f"{rooflines[stage]:.1f}",
                    f"{rooflines[stage] / seconds:.0%}",
                ]
            )


def scaling(bench: Bench) -> Iterator[str]:
    """Vary depth, width, windows and length, one at a time, with random weights in a small shape."""
    small = replace(bench.setting, model=ModelChoice("narrow", 16), windows=16, length=128, tokens=None)
    settings = {
        **{f"{n} blocks": replace(small, model=ModelChoice("narrow", n)) for n in (8, 16, 32, 64)},
        "16 blocks, twice as wide": replace(small, model=ModelChoice("wide", 16)),
        **{f"16 blocks, {n} windows": replace(small, windows=n) for n in (32, 64)},
        **{f"16 blocks, windows of {n}": replace(small, length=n) for n in (256, 512)},
    }
    yield from header(
        "random weights, `streamed`",
        "TFLOP",
        "s",
        "ns per FLOP",
        "peak, MB",
        "weights and block inputs, MB",
        "peak beyond them, MB",
        "`whole`, s",
        "peak of `whole`, MB",
    )
    for name, plain in settings.items():
        setting = replace(plain, dtype=bench.dtypes[0])
        shape = shape_of_config(setting.model.config().to_dict())
        windows = Windows(setting.windows, setting.length)
        operations = gradients(shape, windows, norms=2, passes=2).operations
        streamed = bench.on(setting, "gradients", schedule="streamed", norms=["l1", "l2"])
        whole = bench.on(setting, "gradients", schedule="whole", norms=["l1", "l2"])
        size = 2 if setting.dtype in ("bfloat16", "float16") else 4
        # On CUDA neither the other blocks' weights nor all block inputs are on the device.
        on_host = setting.device == "cpu"
        inputs = (len(shape.blocks) + 1) * windows.tokens * shape.hidden
        held = size * (shape.parameters + inputs) if on_host else 0
        yield row_of(
            [
                name,
                f"{operations / 1e12:.3f}",
                f"{streamed.seconds:.1f}",
                f"{1e9 * streamed.seconds / operations:.4f}",
                f"{streamed.peak_bytes / 1e6:.0f}",
                f"{held / 1e6:.0f}",
                f"{(streamed.peak_bytes - held) / 1e6:.0f}",
                f"{whole.seconds:.1f}",
                f"{whole.peak_bytes / 1e6:.0f}",
            ]
        )


def again(bench: Bench) -> Iterator[str]:
    """Time the gradient stage of a job that reuses the shards of an earlier one, which it verifies."""
    yield from header("gradients, `streamed`", "first, s", "again, s", "of the first")
    for dtype in bench.dtypes:
        first = bench.gradients(dtype, "streamed")
        seconds = first.extra["again"]
        yield row_of([dtype, f"{first.seconds:.1f}", f"{seconds:.1f}", f"{seconds / first.seconds:.1%}"])


PARTS: dict[str, Callable[[Bench], Iterator[str]]] = {
    "rates": rates,
    "whole": partial(compare_gradients, schedule="whole"),
    "streamed": partial(compare_gradients, schedule="streamed"),
    "pruning": compare_pruning,
    "stages": stages,
    "again": again,
    "agreement": agreement,
    "scaling": scaling,
}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.engine",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART")
    parser.add_argument("--model", metavar="NAME", help=f"a directory, or one of {', '.join(SHAPES)}")
    parser.add_argument("--blocks", type=int, help="number of blocks, for a model with random weights")
    parser.add_argument("--windows", type=int, default=16)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16"], metavar="DTYPE")
    parser.add_argument("--norms", nargs="+", choices=("l1", "l2"), default=["l1", "l2"])
    parser.add_argument(
        "--plain-windows",
        type=int,
        metavar="N",
        help="run the straightforward implementation on N windows, and extrapolate",
    )
    parser.add_argument("--rounds", type=int, default=2, help="how often each part is timed")
    parser.add_argument(
        "--no-plain", action="store_true", help="leave out the straightforward implementation"
    )
    parser.add_argument("--texts", type=Path, metavar="DIR", default=Path(".bench/wikipedia").absolute())
    options = parser.parse_args()
    options.evaluation = None
    return options


def _setting(options: argparse.Namespace, scratch: Path) -> Setting:
    """Return random weights for a name of SHAPES; else a real model on real text, for meaningful masks."""
    sizes = (options.windows, options.length, "float32", options.device)
    if options.model in SHAPES:
        return Setting(ModelChoice(options.model, options.blocks), *sizes)
    # Imported here: it needs a tokenizer, and the packages that prepare the text.
    from bench.workload.subject import save_tokens

    if options.length > 512:
        sys.exit(
            "--length must be at most 512 for a checkpoint, whose text is cut into windows of 512 tokens; "
            "name a model with random weights for longer windows"
        )
    directory, options.evaluation = save_tokens(options, scratch, samples=options.windows)
    return Setting(ModelChoice(directory), *sizes, tokens=str(scratch / "calibration.safetensors"))


def main() -> None:
    """Print each part during the last round. A part that fails says so, and the others go on."""
    options = _options()
    with TemporaryDirectory() as directory:
        bench = Bench(options, _setting(options, Path(directory)), Path(directory))
        name = options.model or "SmolLM2-135M"
        print(f"{name}, {options.windows} windows of {options.length} tokens, {options.device}")
        for _ in range(options.rounds - 1):
            for part in options.parts:
                with suppress(TaskFailed):  # the last round reports it
                    list(PARTS[part](bench))
            bench.next_round()
        for part in options.parts:
            print(f"\n### {part}\n", flush=True)
            try:
                for line in PARTS[part](bench):
                    print(line, flush=True)
            except TaskFailed as error:
                print(f"\n{error}", flush=True)


if __name__ == "__main__":
    main()

"""What the engine costs, against the straightforward way: time and peak memory, as ratios of one run.

    make bench                                    SmolLM2-135M, 16 windows of 512 tokens, on the CPU
    make bench ARGS="--parts streamed scaling"    only these parts
    python -m bench.engine --device cuda --model llama-2-7b --windows 128 --length 2048

Each figure is of a process of its own, the fastest of `--rounds` that each go through all parts: whatever
else the machine does only adds time. On a CPU the memory is what is resident beyond the imports, on CUDA what
is allocated on the device. With random weights (the names of bench.models) it needs no text and no tokenizer:
torch, transformers, safetensors, psutil and pydantic beside this repository are enough.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.compare_norms import agreement
from bench.models import SHAPES, ModelChoice
from bench.runner import Bench, Failed, Setting
from bench.table import header, row_of
from pruning.estimate.architectures import shape_of_config
from pruning.estimate.work import Windows, forward, gradients


def rates(bench: Bench) -> Iterator[str]:
    """What the machine can do."""
    yield from header("dtype", "matrix products, GFLOP/s", "")
    for dtype in bench.options.dtypes:
        note = "" if dtype in bench.dtypes else "emulated, so left out where time is measured"
        yield row_of([dtype, f"{bench.rate(dtype) / 1e9:.0f}", note])


def against_the_plain_way(bench: Bench, schedule: str) -> Iterator[str]:
    """Gradient norms by one schedule; the straightforward way computes both of them."""
    yield from header(
        f"gradients, `{schedule}`",
        "straightforward, s",
        "engine, s",
        "times faster",
        "than it is in float32",
        "its peak, GB",
        "engine's peak, GB",
        "of it",
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
        row[0] = f"{dtype}, {engine.more['micro_batch']} windows at once"
        yield row_of(row)


def wanda_and_gblm(bench: Bench) -> Iterator[str]:
    """What gradients cost beside what a method without them costs."""
    yield from header(
        "pruning",
        "straightforward Wanda, s",
        "Wanda, s",
        "times faster",
        "than it is in float32",
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
    """Each stage against the machine's rate, and against what it cannot do without."""
    yield from header(
        "stage",
        "s",
        "GFLOP",
        "GFLOP/s",
        "of the machine's rate",
        "its products, attention and loss alone, s",
        "of the stage",
    )
    shape, windows = bench.shape, Windows(bench.setting.windows, bench.setting.length)
    once = forward(shape, windows)
    operations = {
        "whole": gradients(shape, windows, norms=2, passes=1).operations,
        "streamed": gradients(shape, windows, norms=2, passes=2).operations,
        "prune": once.operations * (2 - 1 / len(shape.blocks)),
    }
    for dtype in bench.dtypes:
        alone = bench("floors", dtype).more
        taken = {
            "whole": bench.gradients(dtype, "whole").seconds,
            "streamed": bench.gradients(dtype, "streamed").seconds,
            "prune": bench.pruned(dtype, "wanda").seconds,
        }
        for stage, seconds in taken.items():
            per_second = operations[stage] / seconds
            yield row_of(
                [
                    f"{stage}, {dtype}",
                    f"{seconds:.1f}",
                    f"{operations[stage] / 1e9:.0f}",
                    f"{per_second / 1e9:.0f}",
                    f"{per_second / bench.rate(dtype):.0%}",
                    f"{alone[stage]:.1f}",
                    f"{alone[stage] / seconds:.0%}",
                ]
            )


def kernel(bench: Bench) -> Iterator[str]:
    """Whether gradients are formed and added faster in one kernel."""
    if bench.setting.device != "cuda":
        yield "On CUDA only."
        return
    yield from header("layer", "products of their own, ms", "one kernel, ms", "times faster")
    for dtype in bench.dtypes:
        if dtype in ("bfloat16", "float16"):
            for shape, (plain, fused) in bench("kernel", dtype, norms=bench.options.norms).more.items():
                yield row_of([f"{shape}, {dtype}", f"{plain:.2f}", f"{fused:.2f}", f"{plain / fused:.2f}"])


def scaling(bench: Bench) -> Iterator[str]:
    """One dimension at a time, with random weights in a small shape."""
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
        "its peak, MB",
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
        apart = setting.device == "cpu"
        inputs = (len(shape.blocks) + 1) * windows.tokens * shape.hidden
        held = size * (shape.parameters + inputs) if apart else 0
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
    """The gradient stage of a second job that finds the shards of the first: all are checked and read."""
    yield from header("gradients, `streamed`", "first, s", "again, s", "of the first")
    for dtype in bench.dtypes:
        first = bench.gradients(dtype, "streamed")
        seconds = first.more["again"]
        yield row_of([dtype, f"{first.seconds:.1f}", f"{seconds:.1f}", f"{seconds / first.seconds:.1%}"])


PARTS: dict[str, Callable[[Bench], Iterator[str]]] = {
    "rates": rates,
    "whole": partial(against_the_plain_way, schedule="whole"),
    "streamed": partial(against_the_plain_way, schedule="streamed"),
    "pruning": wanda_and_gblm,
    "stages": stages,
    "again": again,
    "kernel": kernel,
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
    parser.add_argument("--blocks", type=int, help="of a model with random weights: only so many")
    parser.add_argument("--windows", type=int, default=16)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16"], metavar="DTYPE")
    parser.add_argument("--norms", nargs="+", choices=("l1", "l2"), default=["l1", "l2"])
    parser.add_argument(
        "--plain-windows", type=int, metavar="N", help="the straightforward way on N windows, by proportion"
    )
    parser.add_argument("--rounds", type=int, default=2, help="how often each part is timed")
    parser.add_argument("--no-plain", action="store_true", help="leave the straightforward way out")
    parser.add_argument("--texts", type=Path, metavar="DIR", default=Path(".bench/wikipedia").absolute())
    options = parser.parse_args()
    options.evaluation = None
    return options


def _setting(options: argparse.Namespace, scratch: Path) -> Setting:
    """Random weights by name; else a real model on real text, whose masks mean something."""
    sizes = (options.windows, options.length, "float32", options.device)
    if options.model in SHAPES:
        return Setting(ModelChoice(options.model, options.blocks), *sizes)
    # These need a tokenizer, and the packages that make the text.
    from bench.subject import save_tokens

    if options.length > 512:
        sys.exit(
            "the text is cut into windows of 512 tokens; name a model with random weights for longer ones"
        )
    directory, options.evaluation = save_tokens(options, scratch, samples=options.windows)
    return Setting(ModelChoice(directory), *sizes, tokens=str(scratch / "calibration.safetensors"))


def main() -> None:
    """Print each part when the last round comes to it; one that fails says so, and the others go on."""
    options = _options()
    with TemporaryDirectory() as directory:
        bench = Bench(options, _setting(options, Path(directory)), Path(directory))
        name = options.model or "SmolLM2-135M"
        print(f"{name}, {options.windows} windows of {options.length} tokens, {options.device}")
        for _ in range(options.rounds - 1):
            for part in options.parts:
                with suppress(Failed):  # the last round tells
                    list(PARTS[part](bench))
            bench.next_round()
        for part in options.parts:
            print(f"\n### {part}\n", flush=True)
            try:
                for line in PARTS[part](bench):
                    print(line, flush=True)
            except Failed as error:
                print(f"\n{error}", flush=True)


if __name__ == "__main__":
    main()

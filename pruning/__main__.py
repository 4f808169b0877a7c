"""Prune a local or Hub model without any service: `python -m pruning --help`."""

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from pydantic import ValidationError
from rich.console import Console

from pruning.errors import InvalidInput, PruningError
from pruning.recipe import BEST, BUILTIN, HUB_DATASETS, METHODS, Evaluation, Recipe
from pruning.report.reproduce import Request

_BAD_INPUT = 2
_STATUS_OF_SIGNALS = 128
_BESIDE_A_RECIPE = {
    "recipe",
    "output",
    "resume_in",
    "device",
    "schedule",
    "save_masks",
    "task_definitions",
}
_OF_THE_EVALUATION = {
    "evaluation",
    "further_evaluation",
    "evaluation_windows",
    "evaluation_length",
    "stride",
    "task",
    "task_limit",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Returns its exit status: 0 pruned, 2 bad input, 1 any other failure; as shells have
    it, 130 when stopped by SIGINT and 143 by SIGTERM.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    _check_usage(options, parser)
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        with _sigterm_as_interrupt():
            _prune(_request(options), options, console)
    except KeyboardInterrupt as interrupt:
        kept = "the same command goes on from there" if options.resume_in else "nothing is left of the run"
        console.print(f"stopped: {kept}", markup=False)
        return _STATUS_OF_SIGNALS + (signal.SIGTERM if isinstance(interrupt, _Terminated) else signal.SIGINT)
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            field = ".".join(str(part) for part in problem["loc"])
            console.print(f"{field} = {problem['input']!r}: {problem['msg']}", markup=False)
        return _BAD_INPUT
    except PruningError as error:
        console.print(f"{error.field}: {error}" if error.field else str(error), markup=False)
        return _BAD_INPUT if isinstance(error, InvalidInput) else 1
    return 0


class _Terminated(KeyboardInterrupt):
    """SIGTERM."""


@contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """While active, SIGTERM unwinds the run as Ctrl-C does, so that it clears away what it has written."""

    def terminate(number: int, frame: FrameType | None) -> None:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _prune(request: Request, options: argparse.Namespace, console: Console) -> None:
    # Imported here, so that --help and a wrong option are answered before torch is loaded.
    import torch
    from transformers.utils import logging

    from pruning.allowed_roots import Roots
    from pruning.gradients.schedule import ScheduleChoice
    from pruning.report.console import progress_on, result_table
    from pruning.resume.store import DirectoryResumeStore
    from pruning.run import run

    logging.disable_progress_bar()
    before = request.report.environment if request.report else None
    if before is not None:
        torch.set_num_threads(before.threads)  # sums are split by thread, so it decides their last bits
    schedule: ScheduleChoice = options.schedule or (before and before.schedule) or "auto"
    output = Path(options.output).absolute()
    resume_store = DirectoryResumeStore(Path(options.resume_in).absolute()) if options.resume_in else None
    with progress_on(console) as progress:
        report = run(
            request.recipe,
            request.evaluation,
            output=output,
            roots=Roots(tasks=tuple(map(Path, options.task_definitions or ()))),
            progress=progress,
            save_masks=options.save_masks,
            save_gradients=options.save_gradients,
            hub_token=os.environ.get("HF_TOKEN"),
            device=options.device or (before.device.split()[0] if before else "auto"),
            schedule=schedule,
            repeats=request.report,
            resume_store=resume_store,
        )
    if resume_store is not None:
        resume_store.discard()
    for warning in report.warnings:
        console.print(f"warning: {warning}", markup=False)
    results = Console(highlight=False, soft_wrap=True)
    results.print(result_table(report))
    results.print(f"{output}", markup=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pruning",
        description="Prune a causal language model and measure its perplexity before and after.",
        epilog=f"A DATASET is {' or '.join(HUB_DATASETS)} (from the Hub), {BUILTIN} (offline), or the path "
        "of a .txt, .jsonl or .parquet file, or of a .npy file of token ids. Gated models need HF_TOKEN.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    model = parser.add_mutually_exclusive_group(required=True)
    model.add_argument("--model", metavar="DIR", help="a model's directory, with safetensors weights")
    model.add_argument("--hub-model", metavar="ID", help="a model on the Hub, such as org/name")
    model.add_argument(
        "--recipe", metavar="FILE", help="a recipe as JSON, or a pruning_report.json, whose run is repeated"
    )
    add("--revision", help="branch, tag or commit of the Hub model")
    add("--method", help=f"{', '.join(METHODS)}; or {BEST}, the best combination of them all")
    add("--norm", help="norm of the gradients over windows: l1 (default) or l2")
    add("--alpha", type=float, help="scale of the gradients in gblm (default 100)")
    add("--inverse", action="store_true", default=None, help="divide by the gradients (gradient, gblm)")
    add("--selection", help="share (default), or cumulative: Wanda's variant (wanda, gblm)")
    add("--include", action="append", metavar="GLOB", help="prune only layers so named, such as '*.mlp.*'")
    add("--exclude", action="append", metavar="GLOB", help="leave layers so named as they are")
    add("--refit", action="store_true", default=None, help="solve the kept weights again")
    add("--allocation", help="of the sparsity over layers: uniform (default), owl or gradient")
    add("--band", type=float, help="how far the allocation may leave the sparsity")
    add("--pattern", help="unstructured (default), or N:M for at most N non-zero of M, such as 2:4")
    add("--sparsity", type=float, help="share of zeros, between 0 and 1; an N:M pattern implies it")
    add("--calibration", metavar="DATASET", help="text to calibrate on (default c4)")
    add(
        "--mix",
        action="append",
        nargs=2,
        metavar=("DATASET", "WEIGHT"),
        help="one of several texts to calibrate on, in place of --calibration; may be repeated",
    )
    add("--samples", type=int, help="calibration windows (default 128)")
    add("--sequence-length", type=int, help="tokens per calibration window (default 2048 or the context)")
    add("--seed", type=int, help="of the calibration draw (default 0)")
    add("--evaluation", metavar="DATASET", help="text to measure perplexity on (default wikitext2)")
    add(
        "--further-evaluation",
        action="append",
        metavar="DATASET",
        help="another text to measure perplexity on; may be repeated",
    )
    add("--evaluation-windows", type=int, metavar="N", help="the first N windows only (default all)")
    add("--evaluation-length", type=int, metavar="N", help="tokens per window (default 2048 or the context)")
    add("--stride", type=int, metavar="N", help="tokens from one window's start to the next (default: all)")
    add(
        "--task", action="append", metavar="NAME", help="a zero-shot task, such as hellaswag; may be repeated"
    )
    add("--task-limit", type=int, metavar="N", help="the first N examples of each task only (default all)")
    add(
        "--task-definitions", action="append", metavar="DIR", help="defines tasks of your own; is run as code"
    )
    add("--dtype", help="precision of the computation: auto (default), float64, float32, bfloat16, float16")
    add("--device", help="auto (default), cpu, cuda or cuda:N; with a report the kind that it names")
    add("--schedule", help="of the gradients: auto (default), whole, or streamed: block by block")
    add("--gradients", metavar="FILE", help="gradient norms that an earlier run saved, instead of new ones")
    add("--save-gradients", action="store_true", help="also write gradient_norms.safetensors")
    add("--save-masks", action="store_true", help="also write masks.safetensors")
    add("--output", required=True, metavar="DIR", help="where the pruned model goes; must not exist")
    add(
        "--resume-in",
        metavar="DIR",
        help="keep finished blocks there until the run has succeeded; the same command goes on behind them",
    )
    return parser


def _check_usage(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """End with the usage where the options do not make one recipe."""
    if options.recipe is None and options.method is None:
        parser.error("the following arguments are required: --method")
    surplus = _chosen(options) - _BESIDE_A_RECIPE - _OF_THE_EVALUATION
    if options.recipe is not None and surplus:
        names = ", ".join(sorted(f"--{name.replace('_', '-')}" for name in surplus))
        parser.error(f"--recipe says what to do; leave out {names}")


def _chosen(options: argparse.Namespace) -> set[str]:
    return {name for name, value in vars(options).items() if value not in (None, False)}


def _request(options: argparse.Namespace) -> Request:
    if options.recipe is None:
        return Request(_recipe(options), _evaluation(options), report=None)
    request = Request.read(Path(options.recipe))
    if _chosen(options) & _OF_THE_EVALUATION:
        return replace(request, evaluation=_evaluation(options))
    return request


def _recipe(options: argparse.Namespace) -> Recipe:
    reference = options.hub_model if options.model is None else _absolute(options.model)
    return Recipe.model_validate(
        _given(
            model=_given(id=reference, revision=options.revision),
            method=_given(
                name=options.method,
                norm=options.norm,
                alpha=options.alpha,
                inverse=options.inverse,
                selection=options.selection,
            ),
            allocation=_given(name=options.allocation, band=options.band) or None,
            layers=_given(include=options.include, exclude=options.exclude),
            refit=options.refit,
            gradients=None if options.gradients is None else _absolute(options.gradients),
            pattern=options.pattern,
            sparsity=options.sparsity,
            calibration=_given(
                dataset=_dataset(options.calibration),
                datasets=_mix(options.mix),
                samples=options.samples,
                sequence_length=options.sequence_length,
                seed=options.seed,
            ),
            dtype=options.dtype,
        )
    )


def _evaluation(options: argparse.Namespace) -> Evaluation:
    return Evaluation.model_validate(
        _given(
            dataset=_dataset(options.evaluation),
            further_datasets=[_dataset(name) for name in options.further_evaluation or ()],
            stride=options.stride,
            tasks=options.task or (),
            task_limit=options.task_limit,
            windows=options.evaluation_windows,
            sequence_length=options.evaluation_length,
        )
    )


def _given(**values: Any) -> dict[str, Any]:  # noqa: ANN401 - options of every type
    """The values that were given; the others keep the recipe's defaults."""
    return {name: value for name, value in values.items() if value is not None}


def _dataset(reference: str | None) -> str | None:
    """A dataset's name as it is; anything else is a path. What exists on the disk has no say in it."""
    if reference is None or reference in (*HUB_DATASETS, BUILTIN):
        return reference
    return _absolute(reference)


def _mix(pairs: list[tuple[str, str]] | None) -> list[dict[str, Any]] | None:
    if pairs is None:
        return None
    return [{"dataset": _dataset(dataset), "weight": _number(weight)} for dataset, weight in pairs]


def _number(text: str) -> float | str:
    """The number; what is none stays as it is, so that the recipe's own check names its field."""
    try:
        return float(text)
    except ValueError:
        return text


def _absolute(path: str) -> str:
    return os.path.abspath(path)  # noqa: PTH100 - pathlib removes `..` only together with symbolic links


if __name__ == "__main__":
    sys.exit(main())

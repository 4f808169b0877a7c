"""Prune a local or Hub model without any service: `python -m pruning --help`."""

import argparse
import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from rich.console import Console

from pruning.errors import InvalidInput, PruningError
from pruning.output.mask_patch import apply_mask
from pruning.recipe import ALLOCATIONS, DATASETS, METHODS, PRESETS, Evaluation, Recipe
from pruning.recipe.exports import parse_exports
from pruning.recipe.options import OPTIONS, Option, domain_and_text, request_body
from pruning.runtime.determinism import fix_cublas_workspace
from pruning.version import refuse_old_versions

_BAD_INPUT = 2
_STATUS_OF_SIGNALS = 128
_ALLOWED_WITH_RECIPE = {
    "recipe",
    "output",
    "resume_in",
    "device",
    "export",
    "schedule",
    "save_masks",
    "task_definitions",
}
_EVALUATION_OPTIONS = {option.variable for option in OPTIONS if not option.in_recipe}
_DATASETS = {"calibration.dataset"}


def share(text: str) -> float:
    """Return `50%` or `0.5` as 0.5. Its name is what argparse calls such a value."""
    return float(text[:-1]) / 100 if text.endswith("%") else float(text)


_TYPES: dict[str, Callable[[str], float]] = {"integer": int, "number": float, "share": share}


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit status.

    0: pruned; 2: bad input; 1: any other failure; 130: stopped by SIGINT; 143: stopped by SIGTERM.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    _check_usage(options, parser)
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        with _sigterm_as_interrupt():
            if options.apply is not None:
                apply_mask(Path(options.model), Path(options.apply), Path(options.output).absolute())
                return 0
            _prune(*_request(options), options, console)
    except KeyboardInterrupt as interrupt:
        rest = "the same command resumes it" if options.resume_in else "all partial output was removed"
        console.print(f"stopped: {rest}", markup=False)
        return _STATUS_OF_SIGNALS + (signal.SIGTERM if isinstance(interrupt, _Terminated) else signal.SIGINT)
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            field = ".".join(str(part) for part in problem["loc"])
            console.print(f"{_typed(field, options)}: {_message(problem)}", markup=False)
        return _BAD_INPUT
    except PruningError as error:
        console.print(f"{_typed(error.field, options)}: {error}" if error.field else str(error), markup=False)
        return _BAD_INPUT if isinstance(error, InvalidInput) else 1
    return 0


def _typed(field: str, options: argparse.Namespace) -> str:
    """Return the option that sets a field of a recipe or an evaluation; the field itself if a file does."""
    if options.recipe is not None:
        return field
    flags = {option.field: option for option in OPTIONS}
    for whole in (field, f"evaluation.{field}"):
        for name in (f"{whole}.name", f"{whole}.id", whole):
            if name in flags:
                return flags[name].flags[0]
    parts = field.split(".")
    for length in range(len(parts) - 1, 0, -1):
        if option := flags.get(".".join(parts[:length])):
            return option.flags[0] + (f" {parts[-1]}" if option.kind == "settings" else "")
    return f"--{field}" if field in vars(options) else field


def _message(problem: ErrorDetails) -> str:
    """Return what is wrong, in the words of the service, with the value where it is a short one."""
    message = problem["msg"].removeprefix("Value error, ").removesuffix(" under an allowed root")
    value = problem["input"]
    if isinstance(value, dict) and len(value) == 1:  # a name that was typed stands for an object
        (value,) = value.values()
    got = "" if value is None or isinstance(value, dict) else f"; got {value!r}"
    return re.sub(r"^(Input|String) should ", "must ", message) + got


class _Terminated(KeyboardInterrupt):
    """SIGTERM."""


@contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """While active, SIGTERM ends the run as Ctrl-C does, so that partial output is removed."""

    def terminate(number: int, frame: FrameType | None) -> None:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _prune(recipe: Recipe, evaluation: Evaluation, options: argparse.Namespace, console: Console) -> None:
    refuse_old_versions()
    fix_cublas_workspace()
    # Imported here so that --help and usage errors do not wait for torch.
    from transformers.utils import logging

    from pruning.files.frozen_file import AllowedRoots
    from pruning.pipeline.console import progress_on, result_table
    from pruning.pipeline.run import RunRequest, Services, keep_gradients, run
    from pruning.resume.store import DirectoryResumeStore

    logging.disable_progress_bar()
    output = Path(options.output).absolute()
    resume_store = (
        DirectoryResumeStore(Path(options.resume_in).absolute(), partial(console.print, markup=False))
        if options.resume_in
        else None
    )
    request = RunRequest(
        recipe,
        evaluation,
        output,
        device=options.device or "auto",
        schedule=options.schedule or "auto",
        save_masks=options.save_masks,
        exports=parse_exports(options.export or ()),
    )
    with progress_on(console) as progress:
        services = Services(
            progress=progress,
            roots=AllowedRoots(tasks=tuple(map(Path, options.task_definitions or ()))),
            hub_token=os.environ.get("HF_TOKEN"),
            resume_store=resume_store,
        )
        report = None if recipe.norms else run(request, services)
        warnings = report.warnings if report else keep_gradients(request, services).warnings
    if resume_store is not None:
        resume_store.discard()
    for warning in warnings:
        console.print(f"warning: {warning}", markup=False)
    results = Console(highlight=False, soft_wrap=True)
    if report is not None:
        results.print(result_table(report))
    results.print(f"{output}", markup=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pruning",
        description="Prune a causal language model and measure its perplexity before and after.",
        epilog=f"Methods: {', '.join(METHODS)}; or a whole combination: {', '.join(PRESETS)}. "
        f"Allocations: {', '.join(ALLOCATIONS)}. "
        "A MODEL's directory begins with / or a dot, such as ./model. "
        f"A DATASET is {', '.join(DATASETS)}, or the path of a .txt, .jsonl or .parquet file, or of a .npy "
        "file of token ids. Gated models need HF_TOKEN.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--recipe", metavar="FILE", help="a recipe as JSON, such as that of a report")
    for option in OPTIONS:
        _add_option(parser, option)
    add("--gradients", metavar="FILE", help="use the gradient norms that a run with --norm saved")
    add(
        "--device",
        help="auto (default), cpu, cuda or cuda:N, or several that share the model, such as cuda:0,cuda:1",
    )
    add("--schedule", help="of the gradient pass: auto (default), whole, or streamed (block by block)")
    add(
        "--task-definitions",
        action="append",
        metavar="DIR",
        help="directory that defines tasks of your own; its files are run as code",
    )
    add(
        "--export",
        action="append",
        metavar="NAME",
        help="also write a file that engines serve, and measure it: gguf:TYPE such as gguf:Q4_K_M, "
        "gguf:TYPE:gradients, compressed-tensors:fp8 or compressed-tensors:w4a16; or the mask alone: mask; "
        "may be repeated",
    )
    add("--save-masks", action="store_true", help="also write masks.safetensors")
    add(
        "--apply",
        metavar="MASK",
        help="only make the result of a run from MODEL, its dense model, and the mask that it exported",
    )
    add("--output", required=True, metavar="DIR", help="directory of the pruned model; must not exist")
    add(
        "--resume-in",
        metavar="DIR",
        help="save finished blocks there until the run has succeeded; the same command resumes after them",
    )
    return parser


def _add_option(parser: argparse.ArgumentParser, option: Option) -> None:
    text = option.help.replace("%", "%%")  # argparse takes it for a format
    if option.kind == "flag":
        parser.add_argument(*option.flags, action="store_true", default=None, help=text)
    elif option.kind in _TYPES or option.kind == "text":
        parser.add_argument(
            *option.flags, type=_TYPES.get(option.kind, str), metavar=option.metavar, help=text
        )
    else:
        parser.add_argument(*option.flags, action="append", metavar=option.metavar, help=text)


def _check_usage(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Exit with the usage if the options do not make one recipe."""
    if options.apply is not None:
        if options.model is None or _chosen(options) != {"apply", "model", "output"}:
            parser.error("--apply takes --model and --output, and nothing else")
        return
    if options.recipe is None:
        alone = options.structure is not None or options.norm is not None
        required = ("model",) if alone else ("model", "method")
        missing = [f"--{name}" for name in required if getattr(options, name) is None]
        if missing:
            parser.error(f"the following arguments are required: {', '.join(missing)}; or --recipe")
        return
    surplus = _chosen(options) - _ALLOWED_WITH_RECIPE - _EVALUATION_OPTIONS
    if surplus:
        names = ", ".join(sorted(f"--{name.replace('_', '-')}" for name in surplus))
        parser.error(f"--recipe says what to do; leave out {names}")


def _chosen(options: argparse.Namespace) -> set[str]:
    return {name for name, value in vars(options).items() if value not in (None, False)}


def _request(options: argparse.Namespace) -> tuple[Recipe, Evaluation]:
    body = request_body({option.name: _with_paths(option, options) for option in OPTIONS})
    evaluation = Evaluation.model_validate(body.pop("evaluation", {}))
    if options.recipe is not None:
        return _read_recipe(Path(options.recipe)), evaluation
    if options.gradients is not None:
        body["gradients"] = _absolute(options.gradients)
    return Recipe.model_validate(body), evaluation


def _read_recipe(file: Path) -> Recipe:
    """Raise InvalidInput(field='recipe') for what is no JSON object, or a report; else ValidationError."""
    try:
        text = file.read_text(encoding="utf-8")
        value = json.loads(text)
    except (OSError, ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidInput(f"{file} is not a readable JSON object; give a recipe", field="recipe")
    if "recipe" in value:
        raise InvalidInput(
            f"{file} is the report of a run; give its recipe, which "
            "`jq '.recipe * {model: {revision: .model.commit}}'` prints with the commit that was pruned; "
            "how it was evaluated and what `auto` stood for, other parts of the report say",
            field="recipe",
        )
    return Recipe.model_validate_json(text)


def _with_paths(option: Option, options: argparse.Namespace) -> Any:  # noqa: ANN401 - options of every type
    """The value of an option, with relative paths of models and datasets made absolute."""
    value = getattr(options, option.variable)
    if value is None:
        return None
    if option.field == "model.id":
        return _absolute(value) if value.startswith(("/", ".")) else value  # no Hub id begins so
    if option.kind == "mix":
        return [_mixed_dataset(pair) for pair in value]
    if option.kind == "texts":
        named = map(domain_and_text, value)
        return [f"{name}={_dataset(text)}" if name else _dataset(text) for name, text in named]
    if option.field in _DATASETS:
        return _dataset(value)
    return value


def _dataset(reference: str) -> str:
    """A dataset's name unchanged; anything else is a path, whether it exists or not."""
    return reference if reference in DATASETS else _absolute(reference)


def _mixed_dataset(pair: str) -> str:
    dataset, equals, weight = pair.rpartition("=")
    return f"{_dataset(dataset)}={weight}" if equals else _dataset(pair)


def _absolute(path: str) -> str:
    return os.path.abspath(path)  # noqa: PTH100 - pathlib removes `..` only together with symbolic links


if __name__ == "__main__":
    sys.exit(main())

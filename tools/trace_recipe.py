"""Follow a recipe through a run, up to the first block that is pruned: `python -m tools.trace_recipe`.

The main path of a library is easy to read where what it works on goes straight through its files. This script
runs a small random model and records, by `sys.setprofile`, every call of a function in pruning/ that is
handed the recipe. A call counts if one of its arguments, `self` included,

- is the `Recipe` itself or one of its parts (a pydantic model below it, such as `recipe.calibration`), or
- is an object of pruning/ that has the recipe or a part as an attribute (a request, a stage).

Methods of the recipe and its parts are not counted: they pass the recipe on to no function. Nor are
methods that dataclasses generate, which have no file.

Consecutive calls in one file are one stay. `files` is how many different files are entered, `returns` how
many stays are in a file that was left before.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

from pydantic import BaseModel

import pruning
from pruning.pipeline.run import RunRequest, run
from pruning.recipe import METHODS, Evaluation, Recipe
from tests.small_model import write_small_model

_PACKAGE = f"{Path(pruning.__file__).parent}/"
_VARARGS, _VARKEYWORDS = 0x04, 0x08


@dataclass(frozen=True)
class Trace:
    """The calls that were handed the recipe, in order."""

    calls: tuple[tuple[str, str], ...]  # file below pruning/, function

    @property
    def stays(self) -> tuple[str, ...]:
        """The files entered, without consecutive repeats."""
        files = [file for file, _ in self.calls]
        return tuple(file for file, before in zip(files, [None, *files], strict=False) if file != before)

    @property
    def files(self) -> int:
        """How many different files are entered."""
        return len(set(self.stays))

    @property
    def returns(self) -> int:
        """How many stays are in a file that was entered, and left, before."""
        return len(self.stays) - self.files


class _Tracer:
    """A profile function that records calls until the first layer is about to be pruned."""

    def __init__(self, recipe: Recipe) -> None:
        self.calls: list[tuple[str, str]] = []
        self._parts = {id(part): part for part in _parts(recipe)}

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        if event != "call" or not frame.f_code.co_filename.startswith(_PACKAGE):
            return
        file, function = frame.f_code.co_filename.removeprefix(_PACKAGE), frame.f_code.co_name
        if file.startswith("methods/") and function == "prune":
            sys.setprofile(None)
        elif not self._is_part(frame.f_locals.get("self")) and any(map(self._holds, arguments_of(frame))):
            self.calls.append((file, function))

    def _is_part(self, value: object) -> bool:
        return id(value) in self._parts

    def _holds(self, value: object) -> bool:
        if self._is_part(value):
            return True
        is_ours = type(value).__module__.partition(".")[0] == "pruning"
        return is_ours and any(map(self._is_part, getattr(value, "__dict__", {}).values()))


def _parts(value: object) -> Iterator[BaseModel]:
    if isinstance(value, BaseModel):
        yield value
        value = tuple(getattr(value, name) for name in type(value).model_fields)
    if isinstance(value, tuple):
        for part in value:
            yield from _parts(part)


def arguments_of(frame: FrameType) -> list[Any]:
    """Return the arguments of a call that is about to begin."""
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & _VARARGS) + bool(code.co_flags & _VARKEYWORDS)
    return [frame.f_locals.get(name) for name in code.co_varnames[:count]]


def trace(directory: Path, **fields: Any) -> Trace:  # noqa: ANN401 - fields of a recipe
    """Run a recipe with these fields on a small model that is written to `directory`."""
    write_small_model(directory / "model")
    calibration = {"dataset": "builtin", "samples": 3, "sequence_length": 24}
    defaults = {"model": str(directory / "model"), "method": "gblm", "sparsity": 0.5}
    recipe = Recipe.model_validate({**defaults, "calibration": calibration, **fields})
    evaluation = Evaluation(dataset="builtin", windows=2, sequence_length=24)
    tracer, before = _Tracer(recipe), sys.getprofile()
    sys.setprofile(tracer)
    try:
        run(RunRequest(recipe, evaluation, directory / "pruned", device="cpu"))
    finally:
        sys.setprofile(before)
    return Trace(tuple(tracer.calls))


def main() -> None:
    """Print the path of the recipe through the files of pruning/."""
    parser = argparse.ArgumentParser(prog="python -m tools.trace_recipe", description=__doc__.splitlines()[0])
    parser.add_argument("--method", choices=sorted(METHODS), default="gblm")
    method = parser.parse_args().method
    with TemporaryDirectory() as directory:
        found = trace(Path(directory), method=method)
    for file, function in found.calls:
        print(f"{file:32} {function}")
    print(f"{len(found.stays)} stays in {found.files} files, {found.returns} returns")


if __name__ == "__main__":
    main()

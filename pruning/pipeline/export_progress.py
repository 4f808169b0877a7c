"""What the stage `export` has done so far: the files, the warnings, and the steps."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pruning.errors import InvalidInput, NumericalFailure
from pruning.exports.types import ShareStep
from pruning.progress import Step
from pruning.recipe.exports import Export
from pruning.report import ExportFacts
from pruning.runtime.device import is_out_of_memory

STEPS_OF_PART = 100
EXPORT_ERRORS = (InvalidInput, NumericalFailure, RuntimeError, OSError, MemoryError)


def is_of_one_export(error: Exception) -> bool:
    """Whether an error of EXPORT_ERRORS is of one export, so that the others are worth a try."""
    return isinstance(error, InvalidInput | NumericalFailure) or is_out_of_memory(error)


class Exported:
    """The exports that are written and measured, and why others are not."""

    def __init__(self) -> None:
        self.facts: dict[str, ExportFacts] = {}
        self.warnings: list[str] = []

    @contextmanager
    def trying(self, exports: Sequence[Export], target: Path | None = None) -> Iterator[None]:
        """Note a failure of the body that only these exports have, and delete `target`."""
        try:
            yield
        except EXPORT_ERRORS as error:
            if not is_of_one_export(error):
                raise
            self.warnings += (f"{export.name} was not exported: {error}" for export in exports)
            if target is not None and target.is_dir():
                shutil.rmtree(target)
            elif target is not None:
                target.unlink(missing_ok=True)


class ExportProgress:
    """Counts the parts of the work as steps."""

    def __init__(self, steps: int, step: Step) -> None:
        self._steps, self._step, self._begun = steps, step, 0

    def part(self, parts: int = 1) -> ShareStep:
        """Begin the next part, or several. Return what is called with the share of it that is done."""
        before, size = self._begun, parts * STEPS_OF_PART
        self._begun += size

        def share(done: float) -> None:
            self._step(before + int(done * size), self._steps)

        return share


def as_step(share: ShareStep) -> Step:
    """Return what is called with the steps that are done, and their number."""
    return lambda done, steps: share(done / steps)

"""The pruned checkpoint as a directory that `from_pretrained` loads as it stands."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pruning.checkpoint import Checkpoint
from pruning.errors import InvalidInput
from pruning.files import MODEL_CARD
from pruning.masks import FILE_NAME as MASKS
from pruning.masks import write_masks
from pruning.model_card import model_card
from pruning.prune import Pruned
from pruning.report import FILE_NAME as REPORT
from pruning.report import Report
from pruning.zeros import zero_in_place


def write(
    checkpoint: Checkpoint, pruned: Pruned, destination: Path, *, report: Report, save_masks: bool
) -> None:
    """Write the pruned model and what belongs to it, for a caller that has the report already.

    The directory appears complete or not at all. Raises InvalidInput(field='output') where it exists already.
    """
    with appearing_whole(destination) as directory:
        write_model(checkpoint, pruned, directory, save_masks=save_masks)
        write_report(checkpoint, report, directory)


def write_model(checkpoint: Checkpoint, pruned: Pruned, directory: Path, *, save_masks: bool) -> None:
    """Write the original checkpoint with zeros where `pruned` says: a directory that can be loaded.

    Tokenizer and configs are copied as they are, the masks (`masks.safetensors`) are written on request. The
    weights are the dense ones byte for byte, whatever precision the pruning was computed in; only the zeros
    differ.
    """
    masks = checkpoint.layout.to_stored(pruned.masks)
    for name in checkpoint.files:
        (directory / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(checkpoint.directory / name, directory / name)
    for name in checkpoint.weight_files:
        zero_in_place(directory / name, masks)
    if save_masks:
        write_masks(masks, directory / MASKS)


def write_report(checkpoint: Checkpoint, report: Report, directory: Path) -> None:
    """Add the report (`pruning_report.json`) and the model card, which need the model to have been measured."""
    (directory / REPORT).write_text(report.model_dump_json(indent=2) + "\n")
    (directory / MODEL_CARD).write_text(model_card(report, licence=checkpoint.licence))


def refuse_existing(destination: Path) -> None:
    """Raise what `write` would raise, before anything is computed. An empty directory is no obstacle."""
    is_directory = destination.is_dir() and not destination.is_symlink()
    if any(destination.iterdir()) if is_directory else os.path.lexists(destination):
        raise InvalidInput(f"{destination} exists already; give a new directory", field="output")


@contextmanager
def appearing_whole(destination: Path) -> Iterator[Path]:
    """A directory to fill, which takes its place in one step when all is well, and is gone otherwise.

    Raises InvalidInput(field='output') where `destination` exists already.
    """
    refuse_existing(destination)
    destination.parent.mkdir(parents=True, exist_ok=True)
    partial = destination.with_name(f".{destination.name}.{uuid.uuid4().hex}.partial")
    partial.mkdir()
    try:
        yield partial
        partial.rename(destination)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise

"""Write the pruned checkpoint as a directory that `from_pretrained` loads."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from pruning.checkpoint.checkpoint import Checkpoint
from pruning.checkpoint.files import MODEL_CARD
from pruning.masks.packed import FILE_NAME as MASKS
from pruning.methods.results import Pruned
from pruning.output.in_place import MaskFile, reorder_in_place, replace_in_place, zero_in_place
from pruning.output.model_card import model_card
from pruning.report import FILE_NAME as REPORT
from pruning.report import Report


def write_model(checkpoint: Checkpoint, pruned: Pruned, directory: Path, *, save_masks: bool) -> None:
    """Write a copy of the dense checkpoint with the pruned weights set to zero.

    The kept weights are the dense ones byte for byte, whatever the dtype of the computation, except in
    matrices whose kept weights `pruned` changed; what `pruned` has put in another order is written in that.
    Tokenizer and configs are copied, without what chooses code. One block of `pruned` is
    in memory at a time. `save_masks`: also write `masks.safetensors`, see pruning.masks.packed.

    Exactly the files are copied that `checkpoint` was resolved to. Raises InvalidInput(field='model.id') with
    the name of one that has changed since.
    """
    checkpoint.files.copy_to(directory)
    mask_file = MaskFile(directory / MASKS, _mask_shapes(checkpoint, pruned)) if save_masks else None
    for block in pruned:
        masks, weights = map(checkpoint.layout.to_stored, (block.masks, block.weights))
        orders = {
            checkpoint.layout.name_of(name, order.dimension): order for name, order in block.orders.items()
        }
        for name in checkpoint.weight_files:
            reorder_in_place(directory / name, orders)
            replace_in_place(directory / name, weights)
            zero_in_place(directory / name, masks)
        if mask_file is not None:
            mask_file.write(masks)


def write_trained(checkpoint: Checkpoint, weights: Mapping[str, Tensor], directory: Path) -> None:
    """Replace parameters in a model that `write_model` has written, by name, in the parameters' shapes.

    `checkpoint`: of the model that was pruned. Each parameter is rounded to the dtype in its file. Zeros are
    part of the new weights. A tied parameter is written under each of its names that the files hold.
    """
    stored = checkpoint.layout.to_stored(checkpoint.layout.with_other_names(weights)) if weights else {}
    for name in checkpoint.weight_files:
        replace_in_place(directory / name, stored)


def _mask_shapes(checkpoint: Checkpoint, pruned: Pruned) -> dict[str, torch.Size]:
    """Return the shapes of all masks, by the names in the checkpoint."""
    parameters = checkpoint.skeleton.state_dict()
    masks = {name: torch.empty_like(parameters[name], dtype=torch.bool) for name in pruned.parameters}
    return {name: mask.shape for name, mask in checkpoint.layout.to_stored(masks).items()}


def write_report(checkpoint: Checkpoint, report: Report, directory: Path) -> None:
    """Write the report (`pruning_report.json`) and the model card (`README.md`) next to the model."""
    (directory / REPORT).write_text(report.model_dump_json(indent=2) + "\n")
    (directory / MODEL_CARD).write_text(
        model_card(
            report,
            licence=checkpoint.licence,
            languages=checkpoint.languages,
            quantisation=checkpoint.quantisation,
        )
    )

"""The pruned checkpoint as a directory that `from_pretrained` loads as it stands."""

from pathlib import Path

from pydantic import BaseModel

from pruning.checkpoint import Checkpoint
from pruning.prune import Pruned


def write(
    checkpoint: Checkpoint, pruned: Pruned, destination: Path, *, report: BaseModel, save_masks: bool
) -> None:
    """Write the original checkpoint with zeros where `pruned` says, its tokenizer and configs, the report
    (`pruning_report.json`), a model card, and on request the masks (`masks.safetensors`).

    The directory appears complete or not at all. Raises InvalidInput(field='output') where it exists already.
    """
    raise NotImplementedError

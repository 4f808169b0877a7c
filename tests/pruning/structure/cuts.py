"""Small models that are cut in memory and written, and comparisons of what they compute."""

from pathlib import Path

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, PreTrainedModel

from pruning.checkpoint.checkpoint import Checkpoint, resolve
from pruning.output.smaller import write_smaller
from pruning.recipe import ModelReference, StructureOptions
from pruning.structure.plan import CutPlan
from tests.pruning.pruned import cut_in_memory
from tests.pruning.structure.exact import exactly


class Cut:
    """A model, cut in memory and written."""

    def __init__(self, dense: PreTrainedModel, directory: Path, windows: Tensor, **structure: object) -> None:
        self.dense_directory, self.directory = directory / "dense", directory / "smaller"
        dense.save_pretrained(self.dense_directory)
        self.checkpoint: Checkpoint = resolve(ModelReference(id=str(self.dense_directory)))
        options = StructureOptions.model_validate(structure)
        self.plan = CutPlan.of(options, self.checkpoint.skeleton, self.checkpoint.config_values)
        self.in_memory = self.dense
        self.blocks = cut_in_memory(self.in_memory, self.plan, windows, None if options.ranks else {})
        self.directory.mkdir()
        write_smaller(self.checkpoint, self.plan, self.blocks, self.directory)

    @property
    def dense(self) -> PreTrainedModel:
        """The dense model as a user loads it."""
        return load(self.dense_directory)

    @property
    def loaded(self) -> PreTrainedModel:
        """The smaller model as a user loads it."""
        return load(self.directory)

    def kept(self, kind: str, block: int) -> Tensor:
        return self.blocks[block].kept[kind]  # type: ignore[index]

    def blocks_that_lost(self, kind: str) -> list[int]:
        return [index for index in range(3) if kind in self.blocks[index].kept]


def load(directory: Path) -> PreTrainedModel:
    model, loading = AutoModelForCausalLM.from_pretrained(
        directory, dtype=torch.float64, output_loading_info=True, experts_implementation="eager"
    )
    assert not any(loading.values()), loading
    return exactly(model.eval())


def logits_of(model: PreTrainedModel, windows: Tensor) -> Tensor:
    with torch.no_grad():
        logits: Tensor = model(input_ids=windows, use_cache=False).logits
    return logits


def assert_close(found: Tensor, expected: Tensor, tolerance: float) -> None:
    assert (found - expected).norm() <= tolerance * expected.norm()

"""The search for the best exported file of a size: the types that may fit, and the order of the files.

A type is priced by the KL of its real file, not by an estimate: types of nearly the same size differ by more
than formulas predict, and the dense model in a smaller type is often better than a pruned one in a larger.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from pydantic import BaseModel, Field

from jobs.sweeps.pareto import front
from pruning.estimate import ModelShape
from pruning.estimate.disk import exported_files
from pruning.recipe.exports import GGUF_TYPES, GgufExport

MOST_TYPES = 6
"""The largest types that may fit, which are tried of each model."""


class FoundFile(BaseModel):
    """One exported file of a search."""

    job_id: UUID = Field(description="The job that has exported it.")
    name: str = Field(description="The export's name, such as `gguf:Q4_K_M`.")
    bytes: int = Field(description="Size of the file.")
    kl: float = Field(description="The mean of KL(dense ‖ exported) over the predicted tokens, in nats.")
    perplexity: float = Field(description="Perplexity of the file.")
    on_front: bool = Field(
        description="Whether no other file is smaller and as good, or as small and better."
    )


def types_near(max_bytes: int, shape: ModelShape) -> tuple[str, ...]:
    """Return the names of the largest types in which a model of this shape may fit, largest first.

    The files are a few percent larger than estimated: some tensors of a mixture have wider types.
    """
    sizes = {name: exported_files(shape, [GgufExport(type=name)]) for name in GGUF_TYPES}
    fitting = [name for name, size in sizes.items() if size <= max_bytes]
    return tuple(sorted(fitting, key=lambda name: -sizes[name])[:MOST_TYPES])


def ranked(files: Iterable[FoundFile], max_bytes: int) -> Sequence[FoundFile]:
    """Return the files, those within the bound first, the best first, with `on_front` as it is."""
    found = list(files)
    best = front((file.bytes, file.kl) for file in found)
    order = sorted(found, key=lambda file: (file.bytes > max_bytes, file.kl, file.bytes))
    return [file.model_copy(update={"on_front": (file.bytes, file.kl) in best}) for file in order]

"""The selection of a model's layers by name."""

from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import Field

from pruning.recipe.fields import StrictModel, Text

# Not strict for the tuple itself: JSON has lists only.
Globs = Annotated[tuple[Annotated[Text, Field(max_length=256)], ...], Field(max_length=64, strict=False)]


class LayerSelection(StrictModel):
    """Globs (`*`, `?`, `[…]`) on whole layer names, such as `model.layers.0.mlp.up_proj`.

    Where the recipe takes whole blocks out, the names are those of the smaller model, with its own numbers.
    """

    include: Globs = Field((), description="Only layers that match one of these are pruned; all when empty.")
    exclude: Globs = Field((), description="Layers that match one of these are not pruned, even if included.")

    def __contains__(self, name: str) -> bool:
        """Whether the layer of this name is pruned."""
        return (not self.include or _matches(name, self.include)) and not _matches(name, self.exclude)

    def unmatched(self, names: Collection[str]) -> Iterator[tuple[str, str]]:
        """Yield each glob that matches none of a model's layers, with its field: `include` or `exclude`."""
        for field, globs in (("include", self.include), ("exclude", self.exclude)):
            for glob in globs:
                if not any(fnmatchcase(name, glob) for name in names):
                    yield field, glob


def _matches(name: str, globs: Collection[str]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)

"""Pruning methods, one per file.

To add one: an options class in `pruning.recipe.methods`, and `pruning/methods/<name>.py` with the formula
as a function of tensors and a `Method` marked `@implements(<its options>)`. Nothing else needs to know of
it.
"""

from pruning.methods.base import LayerStats, Method, PrunedMatrix, implements, method_for

__all__ = ["LayerStats", "Method", "PrunedMatrix", "implements", "method_for"]
